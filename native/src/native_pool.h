// Our own thread pool: chunks are claimed one by one, and nobody waits for a chunk not yet started.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "admission.h"
#include "region.h"
#include "sleepers.h"
#include "task_queue.h"
#include "thread_state.h"
#include "treadle/thread_pool.h"

namespace treadle {

class StepAside;

class NativePool final : public ThreadPool {
 public:
  static constexpr int kMaxRegions = 64;
  static constexpr int kMaxThreads = 1024;

  // Lives for ever: workers are detached. `queue` too.
  explicit NativePool(TaskQueue& queue, int budget);

  const char* name() const noexcept override { return "native"; }
  void run_chunks(const ChunkLoop& loop) override;
  bool announce_task() override;
  void resize(int budget) override;

  void set_interop_limit(int threads) noexcept { interop_limit_.store(threads); }
  void set_spin_ns(std::int64_t ns) noexcept { spin_ns_.store(ns, std::memory_order_relaxed); }
  std::int64_t spin_ns() const noexcept { return spin_ns_.load(std::memory_order_relaxed); }
  int num_workers() const noexcept { return num_workers_.load(); }

  // Threads take a place here before they compute. Workers take one only if nobody else wants it,
  // and give it up at the next chunk when a client waits: so one request has all threads, and with
  // as many requests as threads each has its own.
  Admission& admission() noexcept { return admission_; }
  // Gives the place of the calling thread back, and sees that somebody uses it.
  void leave(bool is_request_done = false);
  // The same for places that were reserved.
  void release_places(int count);

  // Runs one chunk or task that never waits, if there is one.
  bool run_leaf_work();

  // Sleeps until the parker is woken: by new work that never waits, or by the caller's own event.
  template <typename Ready>
  void sleep_for_leaf_work(Parker& parker, std::int64_t deadline_ns, const Ready& ready) {
    leaf_sleepers_.sleep(parker, deadline_ns,
                         [&] { return ready() || (has_work(true) && !admission_.is_full()); });
  }

  // Wakes and ends all workers, and returns when they are gone or the time is over.
  bool stop(std::int64_t deadline_ns);

  // A region slot goes back when its thread ends.
  void release_region(Region& region);

 private:
  void worker_main(int index);
  bool run_something(StepAside& aside);
  bool run_task();
  // Null: for a thread that waits for a task, and runs only what never waits.
  bool help_regions(StepAside* aside);
  bool help_region(Region& region, StepAside* aside);
  bool has_work(bool leaf_only) const;
  bool has_room() const { return !admission_.is_full() && !admission_.is_crowded(); }
  bool spin(std::int64_t until_ns);
  void signal(int wanted, bool is_leaf);
  void start_worker(int limit);
  std::uint32_t run_region(Region& region, const ChunkLoop& loop, int seats,
                           std::int64_t& began_ns);
  void finish_region(Region& region, std::uint32_t theirs, bool is_leaf, std::int64_t began_ns);
  void sit_out(std::int64_t until_ns);
  Region* acquire_region();

  TaskQueue& queue_;
  std::array<Region, kMaxRegions> regions_;
  alignas(64) std::atomic<std::uint64_t> open_{0};  // bit i: region i may have chunks to claim
  alignas(64) std::atomic<std::uint64_t> used_{0};  // bit i: region i belongs to a thread
  alignas(64) std::atomic<std::int32_t> num_spinning_{0};
  std::atomic<std::int32_t> num_workers_{0};
  Admission admission_;
  std::atomic<std::int32_t> worker_limit_{0};
  std::atomic<std::int32_t> task_worker_limit_{1};
  std::atomic<std::int32_t> interop_limit_{1 << 30};
  std::atomic<std::int32_t> num_running_tasks_{0};  // on workers
  std::atomic<std::int64_t> spin_ns_{50'000};
  std::atomic<bool> stopping_{false};
  Sleepers sleepers_;       // workers
  Sleepers leaf_sleepers_;  // threads that wait for a task
};

// Holds a place in a scope; the caller's own if it has one.
class ComputingScope {
 public:
  explicit ComputingScope(NativePool& pool, RunControl* control = nullptr) : pool_(pool) {
    const ThreadState& state = thread_state();
    if (state.place != Place::kNone) return;
    const bool is_in_task = state.oldest_task != kNoTask;
    const std::int32_t rank = is_in_task ? Admission::kContinuation
                              : control  ? control->priority()
                                         : 0;
    is_outermost_ = is_admitted_ = pool.admission().enter(rank, control);
  }
  ~ComputingScope() {
    if (is_outermost_) pool_.leave(true);
  }
  ComputingScope(const ComputingScope&) = delete;
  ComputingScope& operator=(const ComputingScope&) = delete;

  bool is_admitted() const noexcept { return is_admitted_; }

 private:
  NativePool& pool_;
  bool is_outermost_ = false;
  bool is_admitted_ = true;
};

// Gives the caller's place to others in a scope in which it waits, or runs Python.
class OutsideScope {
 public:
  explicit OutsideScope(NativePool& pool)
      : pool_(pool), had_place_(thread_state().place != Place::kNone) {
    if (had_place_) pool_.leave();
  }
  ~OutsideScope() {
    if (had_place_) pool_.admission().enter(Admission::kContinuation, nullptr);
  }
  OutsideScope(const OutsideScope&) = delete;
  OutsideScope& operator=(const OutsideScope&) = delete;

 private:
  NativePool& pool_;
  const bool had_place_;
};

}  // namespace treadle
