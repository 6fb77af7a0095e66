// Threads that sleep until there is work.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "fork_handlers.h"
#include "thread_state.h"

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
    if (!is_ready()) parker.park_until(deadline_ns);
    remove(parker);
  }

  // The one who came last; false if there is none.
  bool wake_one();
  void wake_all();

  // Where the last wake-up came from: a hint.
  int waker_cpu() const noexcept { return waker_cpu_.load(std::memory_order_relaxed); }

 private:
  void add(Parker& parker);
  void remove(Parker& parker);

  ForkSafeMutex mutex_;
  std::vector<Parker*> parkers_;  // guarded by mutex_
  // Of `parkers_`: read without the lock, to skip it when nobody sleeps.
  alignas(64) std::atomic<std::int32_t> count_{0};
  std::atomic<std::int32_t> waker_cpu_{-1};
};

}  // namespace treadle
