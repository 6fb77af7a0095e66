#include "interrupt.h"

#include "thread_state.h"

namespace treadle {
namespace {

// Asking takes the GIL, which another thread may hold for some milliseconds.
constexpr std::int64_t kPollNs = 20'000'000;

thread_local constinit InterruptScope* current = nullptr;

}  // namespace

InterruptScope::InterruptScope(bool (*is_interrupted)(), RunControl& control) noexcept
    : is_interrupted_(is_interrupted), control_(control), outer_(current), next_ns_(0) {
  current = this;
}

InterruptScope::~InterruptScope() { current = outer_; }

void poll_interrupt() noexcept {
  InterruptScope* scope = current;
  if (!scope || scope->was_interrupted_) return;
  const std::int64_t now = monotonic_ns();
  if (scope->next_ns_ == 0) scope->next_ns_ = now + kPollNs;
  if (now < scope->next_ns_) return;
  if (scope->is_interrupted_()) {
    scope->was_interrupted_ = true;
    scope->control_.cancel();
  }
  scope->next_ns_ = monotonic_ns() + kPollNs;
}

std::int64_t before_next_poll(std::int64_t deadline_ns) noexcept {
  if (!current || current->was_interrupted()) return deadline_ns;
  const std::int64_t next = monotonic_ns() + kPollNs;
  return deadline_ns < 0 || next < deadline_ns ? next : deadline_ns;
}

}  // namespace treadle
