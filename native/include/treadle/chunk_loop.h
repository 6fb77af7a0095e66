// The chunks of a parallel region, and what is known of their cost.
#pragma once

#include <atomic>
#include <cstdint>

namespace treadle {

// How long a loop took of late, as if on one thread. Kept by whoever runs the loop again; rises at
// once and falls slowly. Thread-safe: a hint.
class LoopCost {
 public:
  LoopCost() = default;
  LoopCost(const LoopCost& other) noexcept : ns_(other.ns()) {}
  LoopCost& operator=(const LoopCost&) = delete;

  // More than anything while nothing is known.
  std::int64_t ns() const noexcept { return ns_.load(std::memory_order_relaxed); }
  void note(std::int64_t ns) noexcept {
    const std::int64_t before = this->ns();
    const bool falls = before != kUnknown && ns < before;
    ns_.store(falls ? before - (before - ns) / 4 : ns, std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kUnknown = INT64_MAX;
  std::atomic<std::int64_t> ns_{kUnknown};
};

// Runs chunk `index` of a region. Must not throw: `parallel_for` in parallel.h catches before.
using ChunkFn = void (*)(void* context, std::int64_t index);

struct ChunkLoop {
  std::int64_t num_chunks;
  int max_threads;  // the caller among them
  bool is_leaf;     // no chunk ever waits for a task: a thread that waits for one may run it
  ChunkFn fn;
  void* context;
  LoopCost* cost;  // alive as long as the loop
};

}  // namespace treadle
