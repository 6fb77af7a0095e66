// The interface of a thread pool: who runs the chunks of a parallel region, and the queued tasks.
//
// Backends are whole files (native_pool.cc, openmp_pool.cc, tbb_pool.cc, serial_pool.cc). The
// interface is pure, so that a backend can live in a shared library of its own.
#pragma once

#include <cstdint>

#include "treadle/chunk_loop.h"

namespace treadle {

// Thread-safe: any number of threads may open regions and announce tasks at the same time.
class ThreadPool {
 public:
  virtual ~ThreadPool() = default;

  virtual const char* name() const noexcept = 0;

  // Runs every chunk once, the caller among those who do, and returns when all are finished.
  virtual void run_chunks(const ChunkLoop& loop) = 0;

  // A task was queued, for somebody other than the caller to run. False if this backend leaves
  // tasks to the native workers.
  virtual bool announce_task() = 0;

  // At most `budget` threads compute from now on, counting the caller of a region.
  virtual void resize(int budget) = 0;
};

// The one symbol of a backend's shared library, `treadle_create_pool`.
using CreatePoolFn = ThreadPool* (*)(int budget);

}  // namespace treadle
