// Threads that sleep until there is work.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "fork_handlers.h"
#include "thread_state.h"
#include "wake_cost.h"

namespace treadle {

// Thread-safe. Whoever publishes work wakes somebody after that; whoever wants to sleep looks for
// work once more when others can see it here. So nobody sleeps beside work for it.
class Sleepers {
 public:
  // Sleeps until somebody wakes the parker, or the deadline; not at all if `is_ready()`.
  template <typename Ready>
  void sleep(Parker& parker, std::int64_t deadline_ns, const Ready& is_ready) {
    add(parker);
    // The count is published before we look, and work before its publisher reads the count.
    const bool sleeps = !is_ready();
    if (sleeps) parker.park_until(deadline_ns);
    if (!remove(parker) && sleeps) note_arrival();
  }

  // The one who came last; false if there is none.
  bool wake_one();
  void wake_all();

  // What a wake-up costs who calls, and whoever waits for the one who comes: see WakeCost.
  std::int64_t wake_cost_ns() const noexcept { return wake_cost_.ns(); }

  // Where the last wake-up came from: a hint.
  int waker_cpu() const noexcept { return waker_cpu_.load(std::memory_order_relaxed); }

 private:
  void add(Parker& parker);
  bool remove(Parker& parker);  // false: whoever woke it has done so
  void note_arrival() noexcept;

  ForkSafeMutex mutex_;
  std::vector<Parker*> parkers_;  // guarded by mutex_
  // Of `parkers_`: read without the lock, to skip it when nobody sleeps.
  alignas(64) std::atomic<std::int32_t> count_{0};
  std::atomic<std::int32_t> waker_cpu_{-1};
  std::atomic<std::int64_t> waked_ns_{0};  // when somebody asleep was last woken: a hint
  WakeCost wake_cost_;
};

}  // namespace treadle
