#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "scheduler.h"
#include "testing.h"
#include "treadle/parallel.h"

namespace treadle {
namespace {

struct Piece {
  std::int64_t first, last;
  int thread;
  bool in_region;
};

std::vector<Piece> pieces_of(std::int64_t begin, std::int64_t end, std::int64_t grain) {
  std::mutex mutex;
  std::vector<Piece> pieces;
  parallel_for(begin, end, grain, [&](std::int64_t first, std::int64_t last) {
    std::lock_guard lock(mutex);
    pieces.push_back({first, last, get_thread_num(), in_parallel_region()});
  });
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.first < b.first; });
  return pieces;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

TEST(pieces_are_those_of_the_contract) {
  const int threads = get_num_threads();
  for (std::int64_t range : {1, 2, 3, 5, 7, 8, 64, 1000})
    for (std::int64_t grain : {0, 1, 2, 7, 8, 999, 1000, 5000}) {
      std::vector<Piece> pieces = pieces_of(10, 10 + range, grain);
      const bool parallel = range > grain && range > 1 && threads > 1;
      std::int64_t tasks = 1;
      if (parallel)
        tasks = grain == 0 ? threads : std::min<std::int64_t>(threads, ceil_div(range, grain));
      const std::int64_t size = ceil_div(range, tasks);
      CHECK(static_cast<std::int64_t>(pieces.size()) == ceil_div(range, size));
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        const std::int64_t first = 10 + static_cast<std::int64_t>(i) * size;
        CHECK(pieces[i].first == first);
        CHECK(pieces[i].last == std::min(first + size, 10 + range));
        CHECK(pieces[i].thread == static_cast<int>(i));
        CHECK(pieces[i].in_region == parallel);
      }
    }
}

TEST(an_empty_range_calls_nothing) {
  CHECK(pieces_of(5, 5, 1).empty());
  CHECK(pieces_of(5, 4, 1).empty());
}

TEST(outside_a_region_the_thread_number_is_zero) {
  CHECK(get_thread_num() == 0);
  CHECK(!in_parallel_region());
}

TEST(a_nested_loop_runs_in_its_chunk) {
  std::atomic<int> inner_calls{0};
  parallel_for(0, 8, 1, [&](std::int64_t, std::int64_t) {
    const int outer = get_thread_num();
    const bool parallel = in_parallel_region();
    parallel_for(0, 100, 1, [&](std::int64_t first, std::int64_t last) {
      if (parallel) CHECK(first == 0 && last == 100 && get_thread_num() == 0);
      ++inner_calls;
    });
    CHECK(get_thread_num() == outer);
  });
  CHECK(inner_calls >= 1);
}

TEST(the_first_exception_arrives_with_its_type) {
  for (int round = 0; round < 50; ++round)
    CHECK_THROWS(std::out_of_range, parallel_for(0, 100, 1, [](std::int64_t first, std::int64_t) {
                   if (first % 2 == 0) throw std::out_of_range("chunk");
                 }));
  CHECK(!in_parallel_region());
}

TEST(every_index_is_visited_once_under_many_clients) {
  constexpr int kClients = 8, kRounds = 200, kSize = 97;
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c)
    clients.emplace_back([] {
      std::vector<int> visits(kSize, 0);
      for (int round = 0; round < kRounds; ++round)
        parallel_for(0, kSize, 1, [&](std::int64_t first, std::int64_t last) {
          for (std::int64_t i = first; i < last; ++i) ++visits[i];
        });
      for (int count : visits) CHECK(count == kRounds);
    });
  for (std::thread& client : clients) client.join();
}

void work_for(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// Each chunk waits for the other, so the round ends only if a second thread comes, awake or asleep.
TEST(a_second_thread_always_comes_where_there_is_work_for_it) {
  if (testing::backend() == "serial" || Scheduler::instance().budget() < 2) return;
  // Clients that filled the budget are expected back for a fifth of this; workers stay out so long.
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  for (int round = 0; round < 200; ++round) {
    std::barrier meeting(2);
    parallel_for(0, 2, 1, [&](std::int64_t, std::int64_t) {
      work_for(std::chrono::microseconds(50));
      meeting.arrive_and_wait();
    });
    // Sometimes long enough for the workers to go to sleep.
    if (round % 6 == 0) std::this_thread::sleep_for(std::chrono::microseconds(3 * round));
  }
}

TEST(the_cost_of_a_loop_rises_at_once_and_falls_slowly) {
  RecentCost cost;
  CHECK(cost.ns() == INT64_MAX);
  cost.note(1000);
  CHECK(cost.ns() == 1000);
  cost.note(5000);
  CHECK(cost.ns() == 5000);
  cost.note(1000);
  CHECK(cost.ns() == 4000);
  for (int i = 0; i < 100; ++i) cost.note(1000);
  CHECK(cost.ns() < 1010);
}

TEST(more_threads_than_the_budget_may_be_asked_for) {
  const int before = get_num_threads();
  set_num_threads(1000);
  CHECK(get_num_threads() == 1000);
  CHECK(static_cast<int>(pieces_of(0, 10000, 1).size()) <= Scheduler::instance().budget());
  set_num_threads(1);
  CHECK(pieces_of(0, 10000, 1).size() == 1);
  set_num_threads(before);
}

TEST(interop_threads_are_a_setting_too) {
  const int before = get_num_interop_threads();
  for (int threads : {7, 1}) {
    set_num_interop_threads(threads);
    CHECK(get_num_interop_threads() == threads);
  }
  set_num_interop_threads(before);
}

TEST(workers_never_outnumber_the_budget) {
  Scheduler& scheduler = Scheduler::instance();
  pieces_of(0, 10000, 1);
  CHECK(scheduler.native_pool().num_workers() <= std::max(1, scheduler.budget() - 1));
}

TEST(the_budget_may_change_between_regions) {
  Scheduler& scheduler = Scheduler::instance();
  const int before = scheduler.budget(), threads = get_num_threads();
  set_num_threads(64);
  for (int budget : {4, 1, 2, 5, 3}) {
    scheduler.set_budget(budget);
    std::vector<Piece> pieces = pieces_of(0, 1000, 1);
    CHECK(static_cast<int>(pieces.size()) == budget);
  }
  scheduler.set_budget(before);
  set_num_threads(threads);
}

}  // namespace
}  // namespace treadle
