// When it pays to wake somebody for a parallel region.
#pragma once

#include <algorithm>
#include <cstdint>

namespace treadle {

// What a thread has worked alone in its last regions. It calls for help where it is about to work
// alone for longer than a wake-up costs, or has done so, in one region or in several with no longer
// pauses than a helper stays awake for.
class LoneWork {
 public:
  // When a region that begins now has gone on alone for long enough.
  std::int64_t wake_at(std::int64_t began_ns, std::int64_t spin_ns,
                       std::int64_t wake_cost_ns) noexcept {
    if (began_ns - last_end_ns_ > spin_ns) sum_ns_ = 0;
    return began_ns + std::max<std::int64_t>(wake_cost_ns - sum_ns_, 0);
  }
  void end(std::int64_t began_ns, std::int64_t now_ns, bool had_help) noexcept {
    last_end_ns_ = now_ns;
    sum_ns_ = had_help ? 0 : sum_ns_ + now_ns - began_ns;
  }

 private:
  std::int64_t sum_ns_ = 0;
  std::int64_t last_end_ns_ = 0;
};

}  // namespace treadle
