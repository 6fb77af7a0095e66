// Waits of Python's threads that Ctrl-C ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "bindings.h"
#include "gil.h"
#include "thread_state.h"

namespace treadle {

// Calls `wait_until(deadline_ns)`, where -1 is none, without the GIL, until it says true or
// `seconds` are over; whether it said so, false at once for no seconds. The thread that handles
// signals comes up for them now and then.
template <typename F>
bool wait_for_signals_too(std::optional<double> seconds, const F& wait_until) {
  constexpr std::int64_t kSignalCheckNs = 20'000'000;
  const std::int64_t end =
      seconds ? monotonic_ns() + static_cast<std::int64_t>(std::clamp(*seconds, 0.0, 1e9) * 1e9)
              : -1;
  while (true) {
    const std::int64_t now = monotonic_ns();
    if (end >= 0 && now >= end) return false;
    std::int64_t until = end;
    if (is_main_thread())
      until = end < 0 ? now + kSignalCheckNs : std::min(now + kSignalCheckNs, end);
    {
      const WithoutGil released;
      if (wait_until(until)) return true;
    }
    if (PyErr_CheckSignals() < 0) nb::raise_python_error();
  }
}

}  // namespace treadle
