#include "thread_state.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <mutex>

#include "fork_handlers.h"
#include "treadle/trace.h"

namespace treadle {

std::int64_t monotonic_ns() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void Parker::park_until(std::int64_t deadline_ns) noexcept {
  if (state_.fetch_sub(1, std::memory_order_acquire) == 1) return;
  trace::IdleScope traced(trace::Kind::kPark);
  timespec deadline{deadline_ns / 1'000'000'000, deadline_ns % 1'000'000'000};
  while (true) {
    long failed = syscall(SYS_futex, &state_, FUTEX_WAIT_BITSET_PRIVATE, -1,
                          deadline_ns < 0 ? nullptr : &deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
    std::int32_t pending = 1;
    if (state_.compare_exchange_strong(pending, 0, std::memory_order_acquire)) return;
    if (failed != 0 && deadline_ns >= 0 && monotonic_ns() >= deadline_ns) break;
  }
  state_.exchange(0, std::memory_order_acquire);
}

void Parker::unpark() noexcept {
  if (state_.exchange(1, std::memory_order_release) == -1)
    syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

class ParkerRegistry {
 public:
  Parker* acquire() {
    std::lock_guard lock(mutex_);
    Parker* parker = free_;
    if (!parker) return new Parker;
    free_ = parker->next_free_;
    return parker;
  }
  void release(Parker* parker) {
    std::lock_guard lock(mutex_);
    parker->next_free_ = free_;
    free_ = parker;
  }

 private:
  ForkSafeMutex mutex_;
  Parker* free_ = nullptr;
};

namespace {

// Made when the library is loaded: a child of a fork would wait for ever for a worker that was
// making it. Leaked on purpose: threads may end after static destructors have run.
ParkerRegistry& registry = *new ParkerRegistry;

struct OwnedParker {
  Parker* parker = registry.acquire();
  ~OwnedParker() { registry.release(parker); }
};

// Below this address little is left of the calling thread's stack.
std::uintptr_t find_deep_address() noexcept {
  pthread_attr_t attributes;
  void* lowest = nullptr;
  std::size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  return reinterpret_cast<std::uintptr_t>(lowest) + size / 4;
}

}  // namespace

bool is_stack_deep() noexcept {
  static thread_local const std::uintptr_t deep = find_deep_address();
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) < deep;
}

ThreadState& thread_state() noexcept {
  static thread_local constinit ThreadState state{};
  return state;
}

Parker& this_parker() noexcept {
  static thread_local OwnedParker owned;
  return *owned.parker;
}

std::uint64_t this_group() noexcept {
  static std::atomic<std::uint64_t> next{1};
  ThreadState& state = thread_state();
  if (state.group == 0) state.group = next.fetch_add(1, std::memory_order_relaxed);
  return state.group;
}

}  // namespace treadle
