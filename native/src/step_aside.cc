#include "step_aside.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "thread_state.h"
#include "wake_place.h"

namespace treadle {
namespace {

// Who was moved and is back within this time was moved by the system.
constexpr std::int64_t kTimeSliceNs = 3'000'000;
constexpr std::int64_t kMinStallNs = 200'000;
constexpr std::int64_t kMaxFactor = 16;
constexpr std::int64_t kMaxSitOutNs = 50'000'000;
constexpr std::int64_t kForgetNs = 100'000'000;

}  // namespace

void StepAside::keep_away_from(int cpu) noexcept {
  if (cpu != sched_getcpu()) return;
  const std::int64_t now_ns = monotonic_ns();
  if (now_ns - moved_ns_ >= kTimeSliceNs && leave_this_cpu()) moved_ns_ = now_ns;
}

void StepAside::note_stall(std::int64_t stall_ns, std::int64_t now_ns) noexcept {
  if (stall_ns <= kMinStallNs) return;
  factor_ = now_ns - last_end_ns_ < kForgetNs ? std::min(factor_ * 2, kMaxFactor) : 1;
  end_ns_ = last_end_ns_ = now_ns + std::min(stall_ns * factor_, kMaxSitOutNs);
}

std::int64_t StepAside::take_end() noexcept { return std::exchange(end_ns_, 0); }

}  // namespace treadle
