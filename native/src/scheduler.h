// The one scheduler of the process: the budget, the thread settings, the pool, the queue of tasks.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "native_pool.h"
#include "task_queue.h"
#include "treadle/task.h"
#include "treadle/thread_pool.h"

namespace treadle {

// Runs a task that was taken from the queue, as if on a thread of its own.
void run_task_body(Task& task);

// The same for a task that was popped rather than taken back.
void run_popped_task(Task& task);

// The backend without threads: regions run in the caller, tasks where they are forked.
ThreadPool& serial_pool();

// Thread-safe. Settings may change at any time; regions and tasks that are under way keep theirs.
class Scheduler {
 public:
  static Scheduler& instance();

  // Threads that may compute at once: affinity, quota and user's wish, or what a test says.
  int budget() const noexcept { return budget_.load(std::memory_order_relaxed); }
  void set_budget(int budget);

  // The settings as they were asked for; at most `budget` threads ever compute.
  int num_threads() const noexcept { return num_threads_.load(std::memory_order_relaxed); }
  void set_num_threads(int threads);
  int num_interop_threads() const noexcept { return num_interop_.load(std::memory_order_relaxed); }
  void set_num_interop_threads(int threads);

  // Threads that a region of the calling thread may use: its limit, the setting, the budget.
  int threads_here() const noexcept;

  // Runs a region of the calling thread, which has a place, on the chosen backend. Chunks see no
  // thread number: parallel.h adds that.
  void run_chunks(const ChunkLoop& loop) {
    ThreadPool& chosen = pool();
    if (&chosen == &native_pool() || &chosen == &serial_pool())
      chosen.run_chunks(loop);
    else
      run_on_plugin(chosen, loop);
  }

  // Queues a task; `task.body`, `is_leaf` and `may_run_early` are set.
  void submit(Task& task);

  // Returns when the task is done. Runs it here if nobody started it, else other work that cannot
  // wait for the caller: so every program finishes, whatever the number of threads.
  void wait(Task& task) { wait_until(task, -1); }
  // False if the deadline (monotonic_ns; -1: none) came first.
  bool wait_until(Task& task, std::int64_t deadline_ns);

  // Tasks that other code, not a task, will complete one day (promises). While there are any, a
  // waiting thread runs nothing early: that task might wait for what this thread does next.
  void add_open_promises(int change) noexcept { open_promises_.fetch_add(change); }

  ThreadPool& pool() const noexcept { return *pool_.load(std::memory_order_acquire); }
  NativePool& native_pool() const noexcept { return *native_.load(std::memory_order_acquire); }
  TaskQueue& queue() noexcept { return queue_; }

  // Makes another backend current. Regions under way finish where they are.
  void use_native();
  void use_serial();
  // Loads a plugin, with libraries it needs first. Throws std::runtime_error with the loader's
  // words.
  void use_plugin(const std::string& path, const std::string& library);

  void set_spin_us(int us) noexcept;

  // Stops runs that no task waits for, then ends the workers; queued tasks are left to those who
  // wait for them. False if some still run.
  bool shut_down(std::int64_t deadline_ns);

 private:
  Scheduler();
  static void restart_in_child();
  void apply_limits();
  void run_on_plugin(ThreadPool& plugin, const ChunkLoop& loop);
  Task* next_while_waiting(Task& task);
  bool block_until(Task& task, std::int64_t deadline_ns);

  TaskQueue queue_;
  std::atomic<NativePool*> native_{nullptr};
  std::atomic<ThreadPool*> pool_{nullptr};
  std::atomic<int> budget_{1};
  std::atomic<int> num_threads_{1};
  std::atomic<int> num_interop_{1};
  std::atomic<int> spin_us_{50};
  std::atomic<int> open_promises_{0};
};

}  // namespace treadle
