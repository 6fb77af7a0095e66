#include <algorithm>
#include <optional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "bindings.h"
#include "thread_state.h"
#include "treadle/run_control.h"
#include "turn.h"
#include "waiting.h"

namespace treadle {
namespace {

void make_control(RunControl* self, std::optional<double> timeout, int priority) {
  std::int64_t deadline = -1;
  if (timeout)
    deadline = monotonic_ns() + static_cast<std::int64_t>(std::clamp(*timeout, 0.0, 1e9) * 1e9);
  new (self) RunControl(deadline, std::clamp(priority, -1'000'000, 1'000'000));
}

std::string reason(const RunControl& self) {
  switch (self.reason()) {
    case RunControl::Reason::kCancelled:
      return "cancelled";
    case RunControl::Reason::kDeadline:
      return "deadline";
    default:
      return "";
  }
}

}  // namespace

void bind_control(nb::module_& m) {
  nb::class_<RunControl>(m, "RunControl", "Stops a run: at a deadline, or when cancelled.")
      .def("__init__", make_control, nb::arg("timeout") = nb::none(), nb::arg("priority") = 0,
           "`timeout` in seconds from now; runs of higher `priority` are admitted first.")
      .def("cancel", &RunControl::cancel, "Stop the run in the queue, or at its next chunk.")
      .def_prop_ro("reason", reason, "Why the run shall stop: cancelled, deadline, or nothing.")
      .def_prop_ro(
          "deadline",
          [](const RunControl& self) {
            return self.deadline_ns() < 0 ? std::optional<double>() : self.deadline_ns() * 1e-9;
          },
          "The time of the monotonic clock at which the run is stopped, or None.")
      .def_prop_ro(
          "queued_seconds", [](const RunControl& self) { return self.queued_ns() * 1e-9; },
          "How long its runs have waited to be admitted.");
  nb::class_<Turn>(m, "Turn", "The right of one thread to go on, which another gives it.")
      .def(nb::init<>())
      .def(
          "wait",
          [](Turn& self, std::optional<double> seconds) {
            return self.is_granted() ||
                   wait_for_signals_too(seconds, [&self](std::int64_t deadline) {
                     return self.wait_until(deadline);
                   });
          },
          nb::arg("seconds") = nb::none(), "Wait until it is granted; False after `seconds`.")
      .def("grant", &Turn::grant,
           "Let the waiting thread go on, on the processor of this one, which is done.");
}

}  // namespace treadle
