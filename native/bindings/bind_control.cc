#include <algorithm>
#include <optional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "bindings.h"
#include "thread_state.h"
#include "treadle/run_control.h"

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
}

}  // namespace treadle
