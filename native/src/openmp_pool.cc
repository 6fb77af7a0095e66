// The OpenMP backend: regions are OpenMP parallel regions. Each thread that opens one gets a team
// of its own from the OpenMP library, which is what this backend cannot avoid; tasks stay with the
// native workers.
#include <omp.h>

#include <algorithm>
#include <atomic>

#include "treadle/thread_pool.h"

namespace treadle {
namespace {

class OpenMpPool final : public ThreadPool {
 public:
  explicit OpenMpPool(int budget) : budget_(budget) {}

  const char* name() const noexcept override { return "openmp"; }

  void run_chunks(const ChunkLoop& loop) override {
    const int threads = static_cast<int>(std::min<std::int64_t>(
        {loop.num_chunks, loop.max_threads, budget_.load(std::memory_order_relaxed)}));
#pragma omp parallel for schedule(dynamic, 1) num_threads(std::max(threads, 1)) if (threads > 1)
    for (std::int64_t i = 0; i < loop.num_chunks; ++i) loop.fn(loop.context, i);
  }

  bool announce_task() override { return false; }
  void resize(int budget) override { budget_.store(budget); }

 private:
  std::atomic<int> budget_;
};

}  // namespace
}  // namespace treadle

extern "C" __attribute__((visibility("default"))) treadle::ThreadPool* treadle_create_pool(
    int budget) {
  return new treadle::OpenMpPool(budget);
}
