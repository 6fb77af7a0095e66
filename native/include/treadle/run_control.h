// How a run is stopped from outside: a deadline, a cancellation; and its place in the queue.
#pragma once

#include <atomic>
#include <cstdint>
#include <stdexcept>

namespace treadle {

// Thread-safe: any thread may cancel while others run. Must outlive the run.
class RunControl {
 public:
  enum class Reason : std::int32_t { kNone, kCancelled, kDeadline, kExit };

  // `deadline_ns` of the monotonic clock, -1 for none. Of two waiting runs the one of higher
  // priority is admitted first, then the one that came first.
  explicit RunControl(std::int64_t deadline_ns = -1, std::int32_t priority = 0)
      : deadline_ns_(deadline_ns), priority_(priority) {}

  // Stops the run before its next instruction or chunk, or in the queue.
  void cancel() noexcept;

  // Why the run shall stop. Reads the clock only if there is a deadline.
  Reason reason() const noexcept;

  std::int64_t deadline_ns() const noexcept { return deadline_ns_; }
  std::int32_t priority() const noexcept { return priority_; }

  // How long runs under this control have waited to be admitted.
  std::int64_t queued_ns() const noexcept { return queued_ns_.load(std::memory_order_relaxed); }
  void add_queued_ns(std::int64_t ns) noexcept {
    queued_ns_.fetch_add(ns, std::memory_order_relaxed);
  }

 private:
  const std::int64_t deadline_ns_;
  const std::int32_t priority_;
  mutable std::atomic<Reason> reason_{Reason::kNone};  // the first reason stays
  std::atomic<std::int64_t> queued_ns_{0};
};

// A run was stopped; nothing is said about its outputs.
class RunStopped : public std::runtime_error {
 public:
  explicit RunStopped(RunControl::Reason reason)
      : std::runtime_error(reason == RunControl::Reason::kDeadline
                               ? "the run took longer than its timeout"
                           : reason == RunControl::Reason::kExit ? "the process ends"
                                                                 : "the run was cancelled"),
        reason_(reason) {}
  RunControl::Reason reason() const noexcept { return reason_; }

 private:
  RunControl::Reason reason_;
};

}  // namespace treadle
