// What the runtime knows about the calling thread, and how a thread goes to sleep.
#pragma once

#include <atomic>
#include <cstdint>

namespace treadle {

inline void pause_cpu() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

std::int64_t monotonic_ns() noexcept;

// A place for one thread to sleep. Only the owner parks; any thread may unpark, before or after.
// Never freed (recycled instead), so that a late `unpark` is harmless. Wake-ups may be spurious.
class alignas(64) Parker {
 public:
  void park() noexcept { park_until(-1); }
  void park_until(std::int64_t deadline_ns) noexcept;  // -1: no deadline
  void unpark() noexcept;
  bool is_asleep() const noexcept { return state_.load(std::memory_order_relaxed) == -1; }

 private:
  friend class ParkerRegistry;
  // 0 empty, 1 a wake-up is pending, -1 the owner sleeps. Unpark releases, park acquires.
  std::atomic<std::int32_t> state_{0};
  Parker* next_free_ = nullptr;
};

// Whether a thread is among those that compute, and as what.
enum class Place : std::uint8_t { kNone, kWorker, kClient };

struct TaskLimit;

constexpr std::uint64_t kNoTask = ~0ull;

struct ThreadState {
  std::int32_t chunk_index = 0;         // get_thread_num()
  bool in_region = false;               // in_parallel_region()
  Place place = Place::kNone;           // written by Admission
  std::int32_t cpu = -1;                // of a client that waited for its place; by Admission
  std::int32_t intra_limit = 0;         // threads a region of this thread may use; 0: the setting
  TaskLimit* task_limit = nullptr;      // of the tasks this thread forks
  std::uint64_t group = 0;              // which client's work this thread runs; 0: none yet
  std::uint64_t oldest_task = kNoTask;  // smallest sequence number among the tasks on the stack
};

ThreadState& thread_state() noexcept;
Parker& this_parker() noexcept;

// Whether less than a quarter of the calling thread's stack is left.
bool is_stack_deep() noexcept;

// The group of the calling thread, made at the first call.
std::uint64_t this_group() noexcept;

// Restores the thread's state at the end of a scope, all but its place and where that is.
class SavedThreadState {
 public:
  SavedThreadState() noexcept : state_(thread_state()), saved_(state_) {}
  ~SavedThreadState() {
    saved_.place = state_.place;
    saved_.cpu = state_.cpu;
    state_ = saved_;
  }
  SavedThreadState(const SavedThreadState&) = delete;
  SavedThreadState& operator=(const SavedThreadState&) = delete;

 private:
  ThreadState& state_;
  ThreadState saved_;
};

}  // namespace treadle
