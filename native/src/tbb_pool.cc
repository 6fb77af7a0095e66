// The oneTBB backend: one arena for the whole process runs the regions of all threads.
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include "treadle/thread_pool.h"

namespace treadle {
namespace {

namespace tbb = oneapi::tbb;

class TbbPool final : public ThreadPool {
 public:
  explicit TbbPool(int budget) { resize(budget); }

  const char* name() const noexcept override { return "tbb"; }

  // Threads claim chunks from a counter, so `max_threads` loop bodies are all the parallelism there
  // is.
  void run_chunks(const ChunkLoop& loop) override {
    int threads = static_cast<int>(std::min<std::int64_t>(loop.num_chunks, loop.max_threads));
    tbb::task_arena& arena = *arena_.load(std::memory_order_acquire);
    threads = std::min(threads, arena.max_concurrency());
    std::atomic<std::int64_t> next{0};
    auto claim_all = [&](int) {
      for (std::int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < loop.num_chunks;)
        loop.fn(loop.context, i);
    };
    if (threads <= 1) return claim_all(0);
    // Isolated: while this thread waits it must not start another region's chunk or a task, which
    // might wait for us.
    arena.execute([&] {
      tbb::this_task_arena::isolate(
          [&] { tbb::parallel_for(0, threads, claim_all, tbb::simple_partitioner()); });
    });
  }

  // A task may wait, and would keep its slot of the arena from the region that it waits for. So
  // tasks are for the native workers, and the arena runs chunks only.
  bool announce_task() override { return false; }

  // Arenas stay: regions may be under way in the former one.
  void resize(int budget) override {
    std::atomic<tbb::task_arena*>& place = arenas_[std::clamp(budget, 1, kMaxThreads) - 1];
    if (!place.load(std::memory_order_acquire)) {
      auto made = std::make_unique<tbb::task_arena>(std::clamp(budget, 1, kMaxThreads));
      tbb::task_arena* none = nullptr;
      if (place.compare_exchange_strong(none, made.get())) static_cast<void>(made.release());
    }
    arena_.store(place.load(std::memory_order_acquire), std::memory_order_release);
  }

 private:
  static constexpr int kMaxThreads = 1024;
  std::array<std::atomic<tbb::task_arena*>, kMaxThreads> arenas_{};  // by size, made when needed
  std::atomic<tbb::task_arena*> arena_{nullptr};                     // one of them
};

}  // namespace
}  // namespace treadle

extern "C" __attribute__((visibility("default"))) treadle::ThreadPool* treadle_create_pool(
    int budget) {
  return new treadle::TbbPool(budget);
}
