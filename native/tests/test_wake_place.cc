#include <sched.h>

#include "budget.h"
#include "testing.h"
#include "wake_place.h"

namespace treadle {
namespace {

cpu_set_t set_of(std::initializer_list<int> cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : cpus) CPU_SET(cpu, &set);
  return set;
}

TEST(the_preferred_processor_is_taken_if_nobody_lives_there) {
  Residents residents;
  CHECK(residents.free_cpu(set_of({1, 2, 3}), 2) == 2);
  residents.add(2);
  CHECK(residents.free_cpu(set_of({1, 2, 3}), 2) == 1);
  residents.add(1);
  residents.add(2);
  CHECK(residents.free_cpu(set_of({1, 2, 3}), 2) == 3);
  residents.remove(2);
  CHECK(residents.free_cpu(set_of({1, 2}), 2) == -1);
  residents.remove(2);
  CHECK(residents.free_cpu(set_of({1, 2}), 2) == 2);
}

TEST(processors_that_are_not_allowed_are_not_taken) {
  Residents residents;
  CHECK(residents.free_cpu(set_of({5}), 2) == 5);
  CHECK(residents.free_cpu(set_of({}), 2) == -1);
  CHECK(residents.free_cpu(set_of({0}), -1) == 0);
}

TEST(processors_that_nobody_knows_are_not_counted) {
  Residents residents;
  residents.add(-1);
  residents.add(CPU_SETSIZE);
  CHECK(residents.free_cpu(set_of({0}), 0) == 0);
}

TEST(a_thread_is_tied_until_it_is_awake) {
  const std::vector<int> before = affinity_mask();
  if (before.size() < 2) return;
  WakePlace place(static_cast<int>(before.size()));
  Residents residents;
  residents.add(before.front());
  const int cpu = place.choose(residents);
  CHECK(cpu != before.front());
  place.tie_to(cpu);
  CHECK(affinity_mask() == std::vector<int>{cpu});
  CHECK(sched_getcpu() == cpu);
  place.restore();
  CHECK(affinity_mask() == before);
}

TEST(with_processors_to_spare_the_system_chooses) {
  const WakePlace place(static_cast<int>(affinity_mask().size()) - 1);
  CHECK(place.choose(Residents{}) == -1);
}

TEST(a_thread_leaves_its_processor_and_may_come_back) {
  const std::vector<int> before = affinity_mask();
  CHECK(leave_this_cpu() == (before.size() > 1));
  CHECK(affinity_mask() == before);
}

}  // namespace
}  // namespace treadle
