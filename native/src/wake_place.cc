#include "wake_place.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace treadle {

int Residents::free_cpu(const cpu_set_t& allowed, int preferred) const noexcept {
  auto is_free = [&](int cpu) {
    return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(cpu, &allowed) && counts_[cpu] == 0;
  };
  if (is_free(preferred)) return preferred;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (is_free(cpu)) return cpu;
  return -1;
}

bool leave_this_cpu() noexcept {
  cpu_set_t mask, others;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0 || CPU_COUNT(&mask) < 2) return false;
  const int here = sched_getcpu();
  if (here < 0 || here >= CPU_SETSIZE) return false;
  others = mask;
  CPU_CLR(here, &others);
  if (sched_setaffinity(0, sizeof others, &others) != 0) return false;
  sched_setaffinity(0, sizeof mask, &mask);
  return true;
}

WakePlace::WakePlace(int budget) noexcept {
  CPU_ZERO(&mask_);
  if (sched_getaffinity(0, sizeof mask_, &mask_) != 0) return;  // more processors than it holds
  if (CPU_COUNT(&mask_) < 2 || CPU_COUNT(&mask_) > budget) return;
  thread_ = static_cast<int>(syscall(SYS_gettid));
}

int WakePlace::choose(const Residents& residents) const noexcept {
  return thread_ == 0 ? -1 : residents.free_cpu(mask_, sched_getcpu());
}

void WakePlace::tie_to(int cpu) noexcept {
  cpu_set_t target;
  CPU_ZERO(&target);
  CPU_SET(cpu, &target);
  is_tied_ = sched_setaffinity(thread_, sizeof target, &target) == 0;
}

void WakePlace::restore() noexcept {
  if (is_tied_) sched_setaffinity(0, sizeof mask_, &mask_);
  is_tied_ = false;
}

}  // namespace treadle
