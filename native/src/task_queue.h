// The tasks that were forked and that nobody has started yet, oldest first.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fork_handlers.h"
#include "treadle/task.h"

namespace treadle {

// Thread-safe. Whoever takes a task out must run it, and call `finish` if it popped one that has a
// limit. Tasks above their limit are parked: only whoever waits for them takes them.
class TaskQueue {
 public:
  void push(Task& task);

  Task* pop();         // the oldest, or null
  Task* pop_leaf();    // the oldest that never waits, or null
  Task* pop_hosted();  // the oldest that runs Python, or null

  // The next task to run for somebody who waits for `wanted`, or null if that was started already.
  // It is `wanted`, or first the oldest of its group, if that is older than every task on the
  // caller's stack and waits for older tasks only: so a chain of thousands runs without nesting.
  Task* take_towards(Task& wanted, std::uint64_t oldest_on_stack, bool allow_early);

  // For somebody who waits for `wanted`, which was started, and runs no task: the newest of its
  // group that waits for older tasks only, and is known to take no longer than `most_ns`. The
  // newest, since whoever waits for all of them and other threads begin with the oldest.
  Task* take_beside(const Task& wanted, std::int64_t most_ns);

  // A task that was popped is finished: the next of its limit may start. Whether there is one.
  bool finish(TaskLimit& limit);

  // Takes `task` back; false if it was started already.
  bool claim(Task& task);

  // Forgets the tasks of all groups but one: in the child of fork(), those whose threads are gone.
  void keep_only(std::uint64_t group);

  // Sizes are hints: exact only while nobody pushes or takes.
  std::size_t size() const noexcept { return size_.load(std::memory_order_seq_cst); }
  std::size_t num_hosted() const noexcept { return num_hosted_.load(std::memory_order_seq_cst); }
  std::size_t num_leaves() const noexcept { return num_leaves_.load(std::memory_order_seq_cst); }

  // How many tasks were ever queued: a hint as well.
  std::uint64_t num_pushed() const noexcept { return num_pushed_.load(std::memory_order_relaxed); }

 private:
  struct List {
    Task* head = nullptr;
    Task* tail = nullptr;
  };

  List& list_of(const Task& task) {
    return task.is_leaf ? leaves_ : task.is_hosted ? hosted_ : others_;
  }
  void count(const Task& task, int change);
  Task* take(Task* task);
  Task* oldest() const;
  void link(Task& task);
  void unlink(Task& task);
  bool free_place(TaskLimit& limit);
  void take_back(Task& task);

  ForkSafeMutex mutex_;
  List leaves_, hosted_, others_;                 // guarded by mutex_
  std::uint64_t next_sequence_ = 1;               // guarded by mutex_
  alignas(64) std::atomic<std::size_t> size_{0};  // written under mutex_
  std::atomic<std::size_t> num_leaves_{0};        // written under mutex_
  std::atomic<std::size_t> num_hosted_{0};        // written under mutex_
  std::atomic<std::uint64_t> num_pushed_{0};      // written under mutex_
};

}  // namespace treadle
