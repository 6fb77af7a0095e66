// On which processors threads run that compute, or are about to.
#pragma once

#include <sched.h>

#include <array>
#include <cstdint>

namespace treadle {

// How many such clients there are on each processor. Not thread-safe.
class Residents {
 public:
  void add(int cpu) noexcept { change(cpu, 1); }
  void remove(int cpu) noexcept { change(cpu, -1); }
  // A processor of `allowed` without any, `preferred` if it is one; -1: none.
  int free_cpu(const cpu_set_t& allowed, int preferred) const noexcept;

 private:
  void change(int cpu, int by) noexcept {
    if (cpu >= 0 && cpu < CPU_SETSIZE) counts_[cpu] = static_cast<std::int16_t>(counts_[cpu] + by);
  }

  std::array<std::int16_t, CPU_SETSIZE> counts_{};
};

// Moves the calling thread to another processor, if it may run on one.
bool leave_this_cpu() noexcept;

// Sees that a sleeping thread wakes up where it has a processor for itself.
//
// Where no processor is idle the system wakes a thread where it slept. There another client
// computes by then, and both share that processor, while the one that was left does nothing for us
// until the system moves one of them, milliseconds later: 16 clients had one of two processors for
// two thirds of the time.
//
// Made by the thread that will sleep, and used by one thread at a time.
class WakePlace {
 public:
  // `budget`: the most threads that compute. With processors to spare the system finds an idle one.
  explicit WakePlace(int budget) noexcept;

  // A processor without residents, the caller's if it is one; -1 if there is none.
  int choose(const Residents& residents) const noexcept;

  // Ties the sleeping thread to a processor. Before it is woken: to move one that runs takes long.
  void tie_to(int cpu) noexcept;

  // Unties the calling thread, which is awake again.
  void restore() noexcept;

 private:
  cpu_set_t mask_;
  int thread_ = 0;  // 0: it stays where the system puts it
  bool is_tied_ = false;
};

}  // namespace treadle
