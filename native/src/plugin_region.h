// Regions on the threads of a plugin's library.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <cstdio>

#include "admission.h"
#include "affinity.h"
#include "thread_state.h"
#include "treadle/chunk_loop.h"

namespace treadle {

// What a library's thread becomes with its first chunk: named after its pool, and tied to a
// processor as a worker is.
class LibraryThread {
 public:
  explicit LibraryThread(const char* pool) {
    char name[16];
    std::snprintf(name, sizeof name, "treadle-%s", pool);
    pthread_setname_np(pthread_self(), name);
  }

 private:
  const PinnedScope pinned_;
};

// A chunk on a thread of a plugin's library, which computes in a place that is reserved for it.
struct PluginRegion {
  ChunkFn fn;
  void* context;
  const char* pool;
  Admission& admission;

  static void run(void* self, std::int64_t index) {
    static_cast<const PluginRegion*>(self)->run_chunk(index);
  }
  void run_chunk(std::int64_t index) const {
    ThreadState& thread = thread_state();
    if (thread.place != Place::kNone) return fn(context, index);
    static thread_local const LibraryThread known(pool);
    thread.place = Place::kWorker;
    fn(context, index);
    admission.become_worker();  // it may have waited in between
    thread.place = Place::kNone;
  }
};

}  // namespace treadle
