#include "wake_cost.h"

#include "testing.h"

namespace treadle {
namespace {

constexpr int kMany = 200;

void note(WakeCost& cost, std::int64_t call_ns, std::int64_t arrival_ns) {
  for (int i = 0; i < kMany; ++i) {
    cost.note_call(call_ns);
    cost.note_arrival(arrival_ns);
  }
}

TEST(before_the_first_wake_up_it_is_taken_for_dear) { CHECK(WakeCost().ns() == WakeCost::kMostNs); }

TEST(it_follows_the_machine) {
  WakeCost cost;
  note(cost, 2'000, 6'000);
  CHECK(cost.ns() >= 8'000 && cost.ns() < 8'100);
  note(cost, 5'000, 15'000);
  CHECK(cost.ns() > 19'900 && cost.ns() <= 20'000);
}

TEST(wake_ups_of_a_busy_machine_do_not_forbid_help) {
  WakeCost cost;
  note(cost, 1'000'000, 4'000'000);
  CHECK(cost.ns() == WakeCost::kMostNs);
}

TEST(a_wake_up_is_never_for_nothing) {
  WakeCost cost;
  note(cost, 0, 0);
  CHECK(cost.ns() == WakeCost::kLeastNs);
}

}  // namespace
}  // namespace treadle
