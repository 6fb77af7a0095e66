#include "lone_work.h"

#include "testing.h"

namespace treadle {
namespace {

constexpr std::int64_t kSpin = 50'000;
constexpr std::int64_t kWorth = 30'000;

TEST(a_region_calls_for_help_when_it_was_worth_it) {
  LoneWork alone;
  CHECK(alone.wake_at(1'000'000, kSpin, kWorth) == 1'000'000 + kWorth);
}

TEST(regions_in_a_row_count_together) {
  LoneWork alone;
  alone.end(1'000'000, 1'020'000, false);
  CHECK(alone.wake_at(1'030'000, kSpin, kWorth) == 1'030'000 + kWorth - 20'000);
  alone.end(1'030'000, 1'050'000, false);
  CHECK(alone.wake_at(1'060'000, kSpin, kWorth) == 1'060'000);
}

TEST(a_pause_longer_than_a_helper_stays_awake_begins_anew) {
  LoneWork alone;
  alone.end(1'000'000, 1'020'000, false);
  CHECK(alone.wake_at(1'020'000 + kSpin + 1, kSpin, kWorth) == 1'020'000 + kSpin + 1 + kWorth);
}

TEST(who_had_help_begins_anew) {
  LoneWork alone;
  alone.end(1'000'000, 1'020'000, false);
  alone.end(1'020'000, 1'040'000, true);
  CHECK(alone.wake_at(1'040'000, kSpin, kWorth) == 1'040'000 + kWorth);
}

}  // namespace
}  // namespace treadle
