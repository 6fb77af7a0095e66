// The interface of a thread pool: who runs the chunks of a parallel region, and the queued tasks.
//
// Backends are whole files (native_pool.cc, openmp_pool.cc, tbb_pool.cc, serial_pool.cc). The
// interface is pure, so that a backend can live in a shared library of its own.
#pragma once

#include <cstdint>

namespace treadle {

// Runs chunk `index` of a region. Must not throw: `parallel_for` in parallel.h catches before.
using ChunkFn = void (*)(void* context, std::int64_t index);

// Thread-safe: any number of threads may open regions and announce tasks at the same time.
class ThreadPool {
 public:
  virtual ~ThreadPool() = default;

  virtual const char* name() const noexcept = 0;

  // Runs every chunk in [0, num_chunks) once on at most `max_threads` threads, the caller among
  // them, and returns when all are finished. `is_leaf`: no chunk ever waits for a task, so that a
  // thread that waits for one may run such chunks meanwhile.
  virtual void run_chunks(std::int64_t num_chunks, int max_threads, bool is_leaf, ChunkFn fn,
                          void* context) = 0;

  // A task was queued, for somebody other than the caller to run. False if this backend leaves
  // tasks to the native workers.
  virtual bool announce_task() = 0;

  // At most `budget` threads compute from now on, counting the caller of a region.
  virtual void resize(int budget) = 0;
};

// The one symbol of a backend's shared library, `treadle_create_pool`.
using CreatePoolFn = ThreadPool* (*)(int budget);

}  // namespace treadle
