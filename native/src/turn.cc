#include "turn.h"

#include "scheduler.h"

namespace treadle {

bool Turn::wait_until(std::int64_t deadline_ns) {
  WakePlace place(Scheduler::instance().budget());
  Parker& parker = this_parker();
  std::unique_lock lock(mutex_);
  sleeper_ = &parker;
  place_ = &place;
  while (!is_granted_ && (deadline_ns < 0 || monotonic_ns() < deadline_ns)) {
    lock.unlock();
    parker.park_until(deadline_ns);
    lock.lock();
  }
  sleeper_ = nullptr;
  place_ = nullptr;
  place.restore();
  return is_granted_;
}

bool Turn::is_granted() {
  std::lock_guard lock(mutex_);
  return is_granted_;
}

void Turn::grant() {
  Parker* sleeper = nullptr;
  {
    std::lock_guard lock(mutex_);
    is_granted_ = true;
    sleeper = sleeper_;
    if (!sleeper) return;
    const int cpu = sleeper->is_asleep() ? place_->choose(Residents{}) : -1;
    if (cpu >= 0) place_->tie_to(cpu);
  }
  sleeper->unpark();  // parkers are never freed
}

}  // namespace treadle
