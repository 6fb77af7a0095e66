#include "turn.h"

#include <thread>
#include <vector>

#include "budget.h"
#include "testing.h"

namespace treadle {
namespace {

TEST(a_turn_that_was_granted_is_not_waited_for) {
  Turn turn;
  turn.grant();
  CHECK(turn.wait_until(0));
  CHECK(turn.wait_until(-1));
}

TEST(a_turn_that_nobody_grants_ends_at_its_deadline) {
  Turn turn;
  CHECK(!turn.wait_until(0));
  CHECK(!turn.wait_until(monotonic_ns() + 1'000'000));
  turn.grant();
  CHECK(turn.wait_until(0));
}

TEST(who_got_its_turn_may_run_where_it_might_before) {
  const std::vector<int> before = affinity_mask();
  for (int round = 0; round < 200; ++round) {
    Turn turn;
    std::thread waiting([&] {
      CHECK(turn.wait_until(-1));
      CHECK(affinity_mask() == before);
    });
    if (round % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(round));
    turn.grant();
    waiting.join();
  }
  CHECK(affinity_mask() == before);
}

}  // namespace
}  // namespace treadle
