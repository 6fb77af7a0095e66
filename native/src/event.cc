#include "thread_state.h"
#include "treadle/task.h"

namespace treadle {

void Event::set() noexcept {
  auto* waiter = reinterpret_cast<Waiter*>(state_.exchange(kReady, std::memory_order_acq_rel));
  while (waiter) {
    Waiter* next = waiter->next;
    Parker* parker = waiter->parker;
    // From here on the waiter's stack frame may be gone; parkers are never freed.
    if (waiter->fate.exchange(Waiter::kSignaled, std::memory_order_acq_rel) == Waiter::kAbandoned)
      delete waiter;
    else
      parker->unpark();
    waiter = next;
  }
}

bool Event::enlist(Waiter& waiter) noexcept {
  std::uintptr_t head = state_.load(std::memory_order_acquire);
  do {
    if (head == kReady) return false;
    waiter.next = reinterpret_cast<Waiter*>(head);
  } while (!state_.compare_exchange_weak(head, reinterpret_cast<std::uintptr_t>(&waiter),
                                         std::memory_order_acq_rel, std::memory_order_acquire));
  return true;
}

void Event::abandon(Waiter* waiter) noexcept {
  if (waiter->fate.exchange(Waiter::kAbandoned, std::memory_order_acq_rel) == Waiter::kSignaled)
    delete waiter;
}

}  // namespace treadle
