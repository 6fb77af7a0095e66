// What the operating system needs to wake a thread: the least that a runtime whose threads sleep
// can need to share a loop with one. For benchmarks/forkjoin.py.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

double us_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double, std::micro>(end - start).count();
}

void work_alone(double us) {
  for (const auto start = Clock::now(); us_between(start, Clock::now()) < us;) {
  }
}

}  // namespace

// `count` samples after the caller has worked alone for `idle_us`: microseconds of the call that
// wakes the other thread, or, if `until_it_runs`, from its beginning until that thread runs.
extern "C" void measure_wake_ups(double idle_us, int until_it_runs, int count, double* us) {
  std::atomic<std::int32_t> turn{0};
  std::atomic<bool> arrived{true};
  Clock::time_point arrival;
  std::thread sleeper([&] {
    for (int i = 0; i < count; ++i) {
      while (turn.load() == i)
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, i, nullptr, nullptr, 0);
      arrival = Clock::now();
      arrived.store(true);
    }
  });
  for (int i = 0; i < count; ++i) {
    work_alone(idle_us);
    arrived.store(false);
    const auto start = Clock::now();
    turn.store(i + 1);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    const auto end = Clock::now();
    while (!arrived.load()) {
    }
    us[i] = us_between(start, until_it_runs ? arrival : end);
  }
  sleeper.join();
}
