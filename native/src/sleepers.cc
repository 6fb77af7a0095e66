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

void Sleepers::remove(Parker& parker) {
  std::lock_guard lock(mutex_);
  auto found = std::find(parkers_.rbegin(), parkers_.rend(), &parker);
  if (found == parkers_.rend()) return;  // whoever woke us removed us
  parkers_.erase(std::next(found).base());
  count_.fetch_sub(1, std::memory_order_relaxed);
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
  parker->unpark();
  return true;
}

void Sleepers::wake_all() {
  while (wake_one()) {
  }
}

}  // namespace treadle
