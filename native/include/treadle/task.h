// A unit of inter-op work and the event that says it is finished.
#pragma once

#include <atomic>
#include <cstdint>

#include "treadle/recent_cost.h"

namespace treadle {

class Parker;

// Becomes ready once; threads sleep on it. `set` may be called by one thread, `ready` and `wait` by
// any.
class Event {
 public:
  // A thread that sleeps until the event is set. It lives on that thread's stack, or on the heap if
  // the thread may give up first: then whoever comes second, `set` or `abandon`, deletes it.
  struct Waiter {
    enum Fate : std::uint32_t { kWaiting, kSignaled, kAbandoned };
    Waiter* next = nullptr;
    Parker* parker = nullptr;
    std::atomic<std::uint32_t> fate{kWaiting};
  };

  bool ready() const noexcept { return state_.load(std::memory_order_acquire) == kReady; }

  // Everything written before is visible to whoever sees `ready`. The event may be destroyed as
  // soon as it reads ready: `set` does not touch it afterwards.
  void set() noexcept;

  // Adds a waiter whose parker `set` will unpark; false if the event is ready already. An enlisted
  // waiter must stay alive until it is signaled: after `ready` that takes a few instructions.
  bool enlist(Waiter& waiter) noexcept;

  // Gives up on a waiter from the heap.
  static void abandon(Waiter* waiter) noexcept;

  void reset() noexcept { state_.store(0, std::memory_order_relaxed); }

 private:
  static constexpr std::uintptr_t kReady = 1;
  // 0: pending; kReady; otherwise the first Waiter. A waiter publishes itself with release, `set`
  // takes the list with acq_rel.
  std::atomic<std::uintptr_t> state_{0};
};

struct Task;

// How many of the tasks forked in one scope others than their waiters run side by side.
struct TaskLimit {
  explicit TaskLimit(int most) : max(most) {}
  void retain() noexcept { owners.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  const int max;
  std::atomic<int> owners{1};
  // Guarded by the task queue's lock.
  int admitted = 0;  // queued for all to see, or taken by somebody who does not wait for them
  Task* first_parked = nullptr;
  Task* last_parked = nullptr;
};

// The owner keeps a task alive until `done` is ready. Fields below `body` belong to the task queue
// from `push` until `body` starts.
struct Task {
  // Does the work and, as its last act on the task, sets `done`. Must not throw.
  void (*body)(Task&) = nullptr;
  Event done;

  bool is_leaf = false;          // never waits for another task
  bool is_hosted = false;        // runs Python, which takes a place only where it computes
  bool may_run_early = false;    // waits only for tasks made before it, and for nothing else
  bool is_queued = false;        // guarded by the queue's lock
  bool is_parked = false;        // guarded by the queue's lock: its limit is reached
  std::int32_t intra_limit = 0;  // the forking thread's limit, 0: none
  TaskLimit* limit = nullptr;    // of the forking scope; lives as long as the task
  RecentCost* cost = nullptr;    // of tasks with this body, if that is kept; outlives the task
  std::uint64_t group = 0;       // the client on whose behalf it runs
  std::uint64_t sequence = 0;    // order of `push`
  std::uint64_t trace_id = 0;    // in the trace under way; 0: none
  Task* previous = nullptr;
  Task* next = nullptr;
};

}  // namespace treadle
