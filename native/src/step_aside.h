// When a worker leaves its processor to others.
#pragma once

#include <cstdint>

namespace treadle {

// One worker's reasons to go elsewhere or to sit out. Each worker has its own.
//
// The system may wake a worker on the processor of who wakes it: always where all are busy, and
// often where it slept there. Helping there takes from the other what it gives, for as long as a
// burst of requests takes. So it goes to another processor.
//
// A worker whose processor other processes want is put aside in the middle of a chunk, for
// milliseconds, and the owner waits: then two threads are slower than one. So a worker that made an
// owner wait much longer than the owner's own work sits out for as long as it had it wait, and for
// twice that, four times that, ... if it happens again and again. A busy process costs a few
// percent so; a thread of another pool, which spins for some milliseconds, no more than that time.
class StepAside {
 public:
  // After a wake-up by somebody on `cpu`.
  void keep_away_from(int cpu) noexcept;

  // A chunk is done at `now_ns`, and its owner has waited so much longer than it worked.
  void note_stall(std::int64_t stall_ns, std::int64_t now_ns) noexcept;

  bool is_due() const noexcept { return end_ns_ != 0; }
  // Until when it sits out; asked once.
  std::int64_t take_end() noexcept;

 private:
  std::int64_t moved_ns_ = 0;
  std::int64_t end_ns_ = 0;
  std::int64_t last_end_ns_ = 0;
  std::int64_t factor_ = 1;
};

}  // namespace treadle
