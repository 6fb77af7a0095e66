#include "sleepers.h"

#include <sched.h>

#include <algorithm>
#include <iterator>
#include <mutex>

namespace treadle {

void Sleepers::add(Parker& parker) {
  {
    std::lock_guard lock(mutex_);
    parkers_.push_back(&parker);
  }
  count_.fetch_add(1, std::memory_order_seq_cst);
}

bool Sleepers::remove(Parker& parker) {
  std::lock_guard lock(mutex_);
  auto found = std::find(parkers_.rbegin(), parkers_.rend(), &parker);
  if (found == parkers_.rend()) return false;
  parkers_.erase(std::next(found).base());
  count_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void Sleepers::note_arrival() noexcept {
  const std::int64_t began_ns = waked_ns_.load(std::memory_order_relaxed);
  if (began_ns != 0) wake_cost_.note_arrival(monotonic_ns() - began_ns);
}

bool Sleepers::wake_one() {
  if (count_.load(std::memory_order_seq_cst) <= 0) return false;
  Parker* parker = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (parkers_.empty()) return false;
    parker = parkers_.back();
    parkers_.pop_back();
    count_.fetch_sub(1, std::memory_order_relaxed);
  }
  waker_cpu_.store(sched_getcpu(), std::memory_order_relaxed);
  const std::int64_t began_ns = parker->is_asleep() ? monotonic_ns() : 0;
  waked_ns_.store(began_ns, std::memory_order_relaxed);
  parker->unpark();
  if (began_ns != 0) wake_cost_.note_call(monotonic_ns() - began_ns);
  return true;
}

void Sleepers::wake_all() {
  while (wake_one()) {
  }
}

}  // namespace treadle
