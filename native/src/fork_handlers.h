// A mutex that stays usable in the child after fork(), whoever held it in the parent.
#pragma once

#include <mutex>

namespace treadle {

// Forking takes every such lock first, so that what they guard is whole in the child. Hence the
// rule: no thread holds two of them at a time, and owners hold one over a few instructions only.
class ForkSafeMutex {
 public:
  ForkSafeMutex();
  ~ForkSafeMutex() = default;  // never runs: the lists keep pointing here
  ForkSafeMutex(const ForkSafeMutex&) = delete;
  ForkSafeMutex& operator=(const ForkSafeMutex&) = delete;

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

  ForkSafeMutex* next() const { return next_; }
  void reset();  // in the child: unlocked again

 private:
  std::mutex mutex_;
  ForkSafeMutex* next_ = nullptr;
};

// Calls `handler` in the child after each fork, with no lock of ours held.
void at_fork_in_child(void (*handler)());

}  // namespace treadle
