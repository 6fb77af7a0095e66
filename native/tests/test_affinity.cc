#include "affinity.h"

#include <stdexcept>

#include "fake_root.h"
#include "testing.h"

namespace treadle {
namespace {

using Cpus = std::vector<int>;

// Two nodes of two cores of two threads, numbered as Linux does: second threads come last.
FakeRoot two_nodes() {
  FakeRoot root;
  root.write("/sys/devices/system/node/node0/cpulist", "0-1,4-5");
  root.write("/sys/devices/system/node/node1/cpulist", "2-3,6-7");
  for (int cpu = 0; cpu < 8; ++cpu)
    root.write(
        "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
        std::to_string(cpu % 4) + "," + std::to_string(cpu % 4 + 4));
  return root;
}

const Cpus kAll{0, 1, 2, 3, 4, 5, 6, 7};

TEST(compact_fills_a_node_after_the_other_and_cores_before_siblings) {
  CHECK(order_cpus(Affinity::kCompact, kAll, two_nodes().path()) == Cpus{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(order_cpus(Affinity::kCompact, {7, 5, 3, 1}, two_nodes().path()) == Cpus{5, 7, 1, 3});
}

TEST(spread_takes_the_nodes_in_turn) {
  CHECK(order_cpus(Affinity::kSpread, kAll, two_nodes().path()) == Cpus{0, 2, 1, 3, 4, 6, 5, 7});
}

TEST(a_machine_that_shows_nothing_is_one_node) {
  CHECK(order_cpus(Affinity::kSpread, {3, 1, 2}, FakeRoot().path()) == Cpus{3, 1, 2});
  CHECK(order_cpus(Affinity::kSpread, {}, FakeRoot().path()).empty());
}

TEST(affinity_has_three_names) {
  CHECK(parse_affinity("spread") == Affinity::kSpread);
  CHECK_THROWS(std::invalid_argument, parse_affinity("scatter"));
}

}  // namespace
}  // namespace treadle
