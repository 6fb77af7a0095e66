#include "step_aside.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "wake_place.h"

namespace treadle {
namespace {

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

bool StepAside::declines(const Region& region) noexcept {
  if (has_sat_out_ || region.owner_cpu.load(std::memory_order_relaxed) != sched_getcpu()) {
    has_sat_out_ = false;
    return false;
  }
  has_sat_out_ = true;
  end_ns_ = monotonic_ns() + kTimeSliceNs;
  return true;
}

void StepAside::note_stall(std::int64_t stall_ns, std::int64_t now_ns) noexcept {
  if (stall_ns <= kMinStallNs) return;
  factor_ = now_ns - last_end_ns_ < kForgetNs ? std::min(factor_ * 2, kMaxFactor) : 1;
  end_ns_ = last_end_ns_ = now_ns + std::min(stall_ns * factor_, kMaxSitOutNs);
}

std::int64_t StepAside::take_end() noexcept { return std::exchange(end_ns_, 0); }

}  // namespace treadle
