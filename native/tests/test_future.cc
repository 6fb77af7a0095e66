#include "treadle/future.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "scheduler.h"
#include "testing.h"
#include "thread_state.h"
#include "treadle/parallel.h"

namespace treadle {
namespace {

int fibonacci(int n) {
  if (n < 2) return n;
  Future<int> left = fork([n] { return fibonacci(n - 1); });
  const int right = fibonacci(n - 2);
  return left.wait() + right;
}

TEST(nested_forks_finish) { CHECK(fibonacci(15) == 610); }

TEST(a_future_gives_its_value_again_and_again) {
  Future<int> future = fork([] { return 7; });
  CHECK(future.wait() == 7);
  CHECK(future.done());
  CHECK(future.wait() == 7);
  fork([] {}).wait();
}

TEST(an_exception_arrives_at_every_wait) {
  Future<int> future = fork([]() -> int { throw std::out_of_range("task"); });
  CHECK_THROWS(std::out_of_range, future.wait());
  CHECK_THROWS(std::out_of_range, future.wait());
}

TEST(a_chain_of_a_thousand_futures_finishes) {
  Future<int> last = fork([] { return 0; });
  for (int i = 0; i < 1000; ++i) last = fork([last] { return last.wait() + 1; });
  CHECK(last.wait() == 1000);
}

TEST(a_fan_out_of_five_thousand_is_complete) {
  std::atomic<int> count{0};
  std::vector<Future<void>> futures;
  for (int i = 0; i < 5000; ++i) futures.push_back(fork([&] { ++count; }));
  for (Future<void>& future : futures) future.wait();
  CHECK(count == 5000);
}

TEST(sixteen_clients_share_the_pool) {
  std::vector<std::thread> clients;
  for (int c = 0; c < 16; ++c) clients.emplace_back([] { CHECK(fibonacci(10) == 55); });
  for (std::thread& client : clients) client.join();
}

TEST(a_loop_inside_a_task_is_parallel_and_complete) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i)
    futures.push_back(fork([] {
      CHECK(!in_parallel_region());
      std::atomic<int> sum{0};
      parallel_for(0, 100, 1, [&](std::int64_t first, std::int64_t last) {
        sum += static_cast<int>(last - first);
      });
      return sum.load();
    }));
  for (Future<int>& future : futures) CHECK(future.wait() == 100);
}

TEST(chunks_may_wait_for_tasks) {
  std::atomic<int> sum{0};
  parallel_for(0, 16, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) sum += fork([] { return 1; }).wait();
  });
  CHECK(sum == 16);
}

TEST(a_promise_may_be_kept_after_a_wait_for_something_else) {
  if (testing::backend() == "serial") return;  // there a fork runs at once, and would wait for ever
  Promise<int> promise;
  Future<int> waiting = fork([future = promise.future()] { return future.wait() + 1; });
  CHECK(fork([] { return 5; }).wait() == 5);
  promise.set_result(41);
  CHECK(waiting.wait() == 42);
}

TEST(tasks_nobody_waits_for_run_too) {
  std::atomic<bool> ran{false};
  fork([&] { ran = true; });
  while (!ran) std::this_thread::yield();
}

// The only worker has the first task, which waits for the others: somebody else must run them.
TEST(who_waits_for_a_task_under_way_runs_short_ones_meanwhile) {
  if (testing::backend() == "serial" || Scheduler::instance().budget() < 2) return;
  constexpr int kTasks = 8;
  std::atomic<int> ran{0};
  std::atomic<bool> begun{false};
  auto count = [&] { ++ran; };
  fork(count).wait();  // so that its cost is known
  Future<void> first = fork([&] {
    begun = true;
    while (ran <= kTasks) std::this_thread::yield();
  });
  while (!begun) std::this_thread::yield();
  for (int i = 0; i < kTasks; ++i) fork(count);
  first.wait();
}

TEST(a_wait_with_a_deadline_gives_up) {
  Task promise;
  CHECK(!Scheduler::instance().wait_until(promise, monotonic_ns() + 1'000'000));
  promise.done.set();
  CHECK(Scheduler::instance().wait_until(promise, monotonic_ns()));
}

TEST(a_forked_process_computes_with_workers_of_its_own) {
  CHECK(fibonacci(8) == 21);
  pid_t child = ::fork();
  if (child == 0) {
    alarm(20);
    std::atomic<int> sum{0};
    parallel_for(0, 100, 1, [&](std::int64_t first, std::int64_t last) {
      sum += static_cast<int>(last - first);
    });
    _exit(sum == 100 && fibonacci(10) == 55 ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace treadle
