// Who may compute: at most `budget` threads at a time, in the order in which they came.
#pragma once

#include <atomic>
#include <cstdint>

#include "fork_handlers.h"
#include "thread_state.h"
#include "treadle/run_control.h"

namespace treadle {

// Places for computing threads. Thread-safe.
//
// All counts are in one word, so that a thread that leaves sees whoever began to wait before, and a
// thread that begins to wait sees every place that was freed before: no wake-up is lost. Whoever
// waits holds no place, and whoever holds one computes: so places become free, and nobody
// deadlocks.
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

  // Gives the calling thread's place back, to the first who waits.
  void leave() noexcept;

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

  // The most places that were taken at a time since the last call.
  int take_peak() noexcept;

 private:
  struct Waiter {
    Waiter* previous = nullptr;
    Waiter* next = nullptr;
    Parker* parker = nullptr;
    std::int32_t rank = 0;
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
  bool wait_for_place(std::int32_t rank, RunControl* control);
  void insert(Waiter& waiter) noexcept;
  void unlink(Waiter& waiter) noexcept;
  void grant_places() noexcept;
  void grant_first(std::int64_t change) noexcept;
  void note_peak(std::int64_t occupied) noexcept;

  alignas(64) std::atomic<std::int64_t> state_{0};
  alignas(64) std::atomic<std::int64_t> budget_{1};
  std::atomic<std::int64_t> peak_{0};
  ForkSafeMutex mutex_;
  Waiter* first_ = nullptr;  // guarded by mutex_; by rank, then arrival
  Waiter* last_ = nullptr;   // guarded by mutex_
};

}  // namespace treadle
