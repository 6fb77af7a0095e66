// The right to go on, which one thread waits for and another gives it.
#pragma once

#include <cstdint>
#include <mutex>

#include "thread_state.h"
#include "wake_place.h"

namespace treadle {

// Used once. Who grants a turn has come to an end, so its processor goes with it: see WakePlace.
class Turn {
 public:
  bool is_granted();

  // For one thread. False if the deadline (monotonic_ns; -1: none) came first.
  bool wait_until(std::int64_t deadline_ns);

  void grant();

 private:
  std::mutex mutex_;
  bool is_granted_ = false;     // guarded by mutex_
  Parker* sleeper_ = nullptr;   // guarded by mutex_
  WakePlace* place_ = nullptr;  // of the sleeper; guarded by mutex_
};

}  // namespace treadle
