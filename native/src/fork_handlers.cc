#include "fork_handlers.h"

#include <pthread.h>

#include <atomic>
#include <new>

namespace treadle {
namespace {

constexpr int kMaxHandlers = 8;

// Registration happens at start-up, from static initialisers and first uses; only the fork handlers
// walk the lists.
std::atomic<ForkSafeMutex*> all_mutexes{nullptr};
std::atomic<int> num_handlers{0};
std::atomic<void (*)()> handlers[kMaxHandlers];

void before_fork() {
  for (ForkSafeMutex* m = all_mutexes.load(); m; m = m->next()) m->lock();
}

void after_fork_in_parent() {
  for (ForkSafeMutex* m = all_mutexes.load(); m; m = m->next()) m->unlock();
}

void after_fork_in_child() {
  for (ForkSafeMutex* m = all_mutexes.load(); m; m = m->next()) m->reset();
  for (int i = 0; i < num_handlers.load(); ++i) handlers[i].load()();
}

void register_once() {
  static const int registered =
      pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  static_cast<void>(registered);
}

}  // namespace

ForkSafeMutex::ForkSafeMutex() {
  register_once();
  next_ = all_mutexes.load();
  while (!all_mutexes.compare_exchange_weak(next_, this)) {
  }
}

void ForkSafeMutex::reset() { new (&mutex_) std::mutex; }

void at_fork_in_child(void (*handler)()) {
  register_once();
  handlers[num_handlers.fetch_add(1)].store(handler);
}

}  // namespace treadle
