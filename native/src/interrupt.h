// How a long run in the thread that handles the process's signals notices one, such as Ctrl-C.
#pragma once

#include <cstdint>

#include "treadle/run_control.h"

namespace treadle {

// While it lasts, `poll_interrupt` on this thread asks `is_interrupted` every few milliseconds and
// cancels `control` when it says so.
class InterruptScope {
 public:
  InterruptScope(bool (*is_interrupted)(), RunControl& control) noexcept;
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  bool was_interrupted() const noexcept { return was_interrupted_; }

 private:
  friend void poll_interrupt() noexcept;
  bool (*const is_interrupted_)();
  RunControl& control_;
  InterruptScope* const outer_;
  std::int64_t next_ns_;
  bool was_interrupted_ = false;
};

// Does nothing outside an InterruptScope, reads the clock inside.
void poll_interrupt() noexcept;

// Until when a thread may sleep that wants to sleep until `deadline_ns` (-1: for ever).
std::int64_t before_next_poll(std::int64_t deadline_ns) noexcept;

}  // namespace treadle
