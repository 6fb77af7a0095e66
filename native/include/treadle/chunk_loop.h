// The chunks of a parallel region.
#pragma once

#include <cstdint>

#include "treadle/recent_cost.h"

namespace treadle {

// Runs chunk `index` of a region. Must not throw: `parallel_for` in parallel.h catches before.
using ChunkFn = void (*)(void* context, std::int64_t index);

struct ChunkLoop {
  std::int64_t num_chunks;
  int max_threads;  // the caller among them
  bool is_leaf;     // no chunk ever waits for a task: a thread that waits for one may run it
  ChunkFn fn;
  void* context;
  RecentCost* cost;  // alive as long as the loop
};

}  // namespace treadle
