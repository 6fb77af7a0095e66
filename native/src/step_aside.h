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
// owner wait much longer than the owner's own work sits out for as long as it had it wait, and from
// time to time for twice that if it happens again and again. A busy process costs a few percent so;
// a thread of another pool of this one, which spins for some milliseconds, no more than that time.
class StepAside {
 public:
  // After a wake-up by somebody on `cpu`.
  void keep_away_from(int cpu) noexcept;

  // Whether the worker leaves this chance to help to others.
  bool declines(const Region& region) noexcept;

  // A chunk is done at `now_ns`, and its owner had to wait so much longer than it worked.
  void note_stall(std::int64_t stall_ns, std::int64_t now_ns) noexcept;

  bool is_due() const noexcept { return end_ns_ != 0; }
  // Until when it sits out; asked once.
  std::int64_t take_end() noexcept;

 private:
  std::int64_t end_ns_ = 0;
  std::int64_t factor_ = 1;
  std::int64_t last_end_ns_ = 0;  // of those after a stall
  std::int64_t moved_ns_ = 0;
  bool has_sat_out_ = false;
};

}  // namespace treadle
