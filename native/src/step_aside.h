// When a worker leaves its processor to others.
#pragma once

#include <cstdint>

#include "region.h"

namespace treadle {

// One worker's reasons to sit out or to go elsewhere. Each worker has its own.
//
// The system may wake a worker on the processor of who wakes it: always where all are busy, and
// often where it slept there. Helping there takes from the other what it gives, and the worker's
// spinning after that is lost: 1.6 times one thread's time. So it goes to another processor. Should
// it be woken so again within a time slice, the others are busy, and it lets one chance pass.
//
// A worker whose processor other processes want is put aside in the middle of a chunk, for
// milliseconds, and the owner waits: then two threads are slower than one. So a worker that made an
// owner wait much longer than the owner's own work sits out for many times that.
class StepAside {
 public:
  // After a wake-up by somebody on `cpu`.
  void keep_away_from(int cpu) noexcept;

  // Whether the worker leaves this chance to help to others.
  bool declines(const Region& region) noexcept;

  // A chunk is done whose owner sleeps.
  void note_stall(const Region& region) noexcept;

  bool is_due() const noexcept { return end_ns_ != 0; }
  // Until when it sits out; asked once.
  std::int64_t take_end() noexcept;

 private:
  std::int64_t end_ns_ = 0;
  std::int64_t moved_ns_ = 0;
  bool has_sat_out_ = false;
};

}  // namespace treadle
