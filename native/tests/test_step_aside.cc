#include "step_aside.h"

#include "testing.h"

namespace treadle {
namespace {

constexpr std::int64_t kMs = 1'000'000;

std::int64_t sit_out_after(StepAside& aside, std::int64_t stall_ns, std::int64_t now_ns) {
  aside.note_stall(stall_ns, now_ns);
  return aside.is_due() ? aside.take_end() - now_ns : 0;
}

TEST(one_stall_is_sat_out_for_as_long_as_it_took) {
  StepAside aside;
  CHECK(sit_out_after(aside, 3 * kMs, 1000 * kMs) == 3 * kMs);
  CHECK(!aside.is_due());
}

TEST(stalls_that_follow_each_other_are_sat_out_longer_and_longer) {
  StepAside aside;
  std::int64_t now = 1000 * kMs;
  for (std::int64_t expected : {3, 6, 12, 24, 48, 48}) {
    CHECK(sit_out_after(aside, 3 * kMs, now) == expected * kMs);
    now += (expected + 10) * kMs;
  }
  CHECK(sit_out_after(aside, 5 * kMs, now) == 50 * kMs);
}

TEST(stalls_long_ago_are_forgotten) {
  StepAside aside;
  CHECK(sit_out_after(aside, 3 * kMs, 1000 * kMs) == 3 * kMs);
  CHECK(sit_out_after(aside, 3 * kMs, 1010 * kMs) == 6 * kMs);
  CHECK(sit_out_after(aside, 3 * kMs, 1200 * kMs) == 3 * kMs);
}

TEST(a_wait_of_some_microseconds_is_no_stall) {
  StepAside aside;
  CHECK(sit_out_after(aside, 100'000, 1000 * kMs) == 0);
  CHECK(sit_out_after(aside, -kMs, 1000 * kMs) == 0);
}

}  // namespace
}  // namespace treadle
