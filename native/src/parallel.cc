#include "treadle/parallel.h"

#include "treadle/future.h"

#include "scheduler.h"
#include "thread_state.h"

namespace treadle {

int get_num_threads() noexcept { return Scheduler::instance().num_threads(); }
void set_num_threads(int threads) { Scheduler::instance().set_num_threads(threads); }
int get_num_interop_threads() noexcept { return Scheduler::instance().num_interop_threads(); }
void set_num_interop_threads(int threads) {
  Scheduler::instance().set_num_interop_threads(threads);
}

int get_thread_num() noexcept { return thread_state().chunk_index; }
bool in_parallel_region() noexcept { return thread_state().in_region; }

namespace internal {
namespace {

struct Region {
  ChunkBody body;
  const void* context;
  std::atomic<bool> failed{false};
  std::exception_ptr error{};  // written by whoever sets `failed`, read after the join

  void run(std::int64_t index) noexcept {
    if (failed.load(std::memory_order_relaxed)) return;
    SavedThreadState saved;
    thread_state().chunk_index = static_cast<std::int32_t>(index);
    thread_state().in_region = true;
    try {
      body(context, index);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
};

}  // namespace

void submit(Task& task) { Scheduler::instance().submit(task); }
void wait(Task& task) { Scheduler::instance().wait(task); }
void add_open_promises(int change) noexcept { Scheduler::instance().add_open_promises(change); }

int threads_here() noexcept { return Scheduler::instance().threads_here(); }

void run_region(std::int64_t num_chunks, ChunkBody body, const void* context, RecentCost& cost) {
  ComputingScope computing(Scheduler::instance().native_pool());
  Region region{body, context};
  const ChunkFn run = [](void* self, std::int64_t index) {
    static_cast<Region*>(self)->run(index);
  };
  Scheduler::instance().run_chunks({num_chunks, threads_here(), false, run, &region, &cost});
  if (region.error) std::rethrow_exception(region.error);
}

void run_inline(ChunkBody body, const void* context) {
  SavedThreadState saved;
  thread_state().chunk_index = 0;
  body(context, 0);
}

}  // namespace internal
}  // namespace treadle
