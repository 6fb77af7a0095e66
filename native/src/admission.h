// Who may compute: at most `budget` threads at a time, in the order in which they came.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "fork_handlers.h"
#include "thread_state.h"
#include "treadle/run_control.h"
#include "wake_place.h"

namespace treadle {

// Places for computing threads. Thread-safe.
//
// All counts are in one word, so that a thread that leaves sees whoever began to wait before, and a
// thread that begins to wait sees every place that was freed before: no wake-up is lost. Whoever
// waits holds no place, and whoever holds one computes: so places become free, and nobody
// deadlocks.
//
// A client that others wait for gives its place back as soon as it comes to that, and the next one
// needs some ten microseconds to wake up: as long as a small request takes. So a client that was
// admitted from the queue has a *turn* of half a millisecond, in which it may come back for
// another request before those that wait, as long as it is away for moments only. Its place is free
// in between. Should it stay away after all, one of those who wait, the watcher, sees to it.
class Admission {
 public:
  // Work that others already wait for goes before all priorities.
  static constexpr std::int32_t kContinuation = INT32_MAX;

  void resize(int budget);

  // Takes a place for the calling thread, which has none, when its turn comes. False if `control`
  // stopped it first. One atomic operation if there is a place and nobody waits.
  bool enter(std::int32_t rank, RunControl* control);

  // Takes a place only if there is one and nobody waits.
  bool try_enter(Place kind) noexcept;

  // Gives the calling thread's place back, to the first who waits. `is_request_done`: the thread
  // may come back with another request, within its turn.
  void leave(bool is_request_done = false) noexcept;

  // Takes up to `wanted` places for other threads, as many as there are while nobody waits.
  int reserve(int wanted) noexcept;
  void release(int count) noexcept;

  // The calling thread, which had a worker's place and may have given it back and taken another,
  // has a worker's again.
  void become_worker() noexcept;

  // Gives the calling worker's place to the first who waits, if somebody does.
  bool yield_place() noexcept;

  // Lets waiting threads look at their controls again.
  void wake_all() noexcept;

  int num_waiting() const noexcept { return static_cast<int>(waiting_of(load())); }
  bool has_waiting() const noexcept { return num_waiting() > 0; }
  // No place for one more worker; places for clients only.
  bool is_full() const noexcept {
    const std::int64_t state = load();
    return waiting_of(state) > 0 || occupied_of(state) >= budget();
  }
  bool has_only_clients() const noexcept { return clients_of(load()) >= budget(); }
  // There were only clients a moment ago, and who left is likely to come back with a request. A
  // worker in its place would keep it waiting, or share its processor.
  bool is_crowded() const noexcept;

  // The most places that were taken at a time since the last call.
  int take_peak() noexcept;

 private:
  struct Waiter {
    Waiter* previous = nullptr;
    Waiter* next = nullptr;
    Parker* parker = nullptr;
    WakePlace wake_place;
    std::int32_t rank = 0;
    std::int32_t cpu = -1;             // where it is to compute, if that is known
    bool is_chosen = false;            // it has a place, and will hear of it; guarded by mutex_
    std::atomic<bool> granted{false};  // the last thing that is done to a waiter
  };

  // Of `state_`: workers, clients, waiting threads.
  static constexpr std::int64_t kWorker = 1;
  static constexpr std::int64_t kClient = std::int64_t{1} << 20;
  static constexpr std::int64_t kWaiting = std::int64_t{1} << 40;
  static std::int64_t workers_of(std::int64_t state) noexcept { return state % kClient; }
  static std::int64_t clients_of(std::int64_t state) noexcept { return state % kWaiting / kClient; }
  static std::int64_t waiting_of(std::int64_t state) noexcept { return state / kWaiting; }
  static std::int64_t occupied_of(std::int64_t state) noexcept {
    return workers_of(state) + clients_of(state);
  }
  static std::int64_t unit_of(Place place) noexcept {
    return place == Place::kWorker ? kWorker : kClient;
  }

  std::int64_t load() const noexcept { return state_.load(std::memory_order_seq_cst); }
  std::int64_t budget() const noexcept { return budget_.load(std::memory_order_relaxed); }
  bool enter_again(std::int32_t rank) noexcept;
  bool wait_for_place(std::int32_t rank, RunControl* control);
  std::int64_t watch_until(Waiter& self) noexcept;
  void insert(Waiter& waiter) noexcept;
  void unlink(Waiter& waiter) noexcept;
  bool give_up(Waiter& self) noexcept;
  Waiter* grant_places() noexcept;
  static void wake(Waiter* granted) noexcept;
  template <typename F>
  Waiter* locked(const F& f) noexcept {
    std::lock_guard lock(mutex_);
    return f();
  }
  void note_peak(std::int64_t occupied) noexcept;

  alignas(64) std::atomic<std::int64_t> state_{0};
  alignas(64) std::atomic<std::int64_t> budget_{1};
  std::atomic<std::int64_t> peak_{0};
  std::atomic<std::int64_t> crowded_until_ns_{0};  // a hint
  ForkSafeMutex mutex_;
  Residents residents_;      // guarded by mutex_
  Waiter* first_ = nullptr;  // guarded by mutex_; by rank, then arrival
  Waiter* last_ = nullptr;   // guarded by mutex_
  // Looks for free places now and then; guarded by mutex_.
  Waiter* watcher_ = nullptr;
  // When a client last left for a moment; guarded by mutex_.
  std::int64_t left_free_ns_ = 0;
};

}  // namespace treadle
