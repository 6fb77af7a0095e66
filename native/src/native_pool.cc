#include "native_pool.h"

#include <pthread.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>

#include "affinity.h"
#include "scheduler.h"
#include "step_aside.h"
#include "treadle/trace.h"

namespace treadle {

NativePool::NativePool(TaskQueue& queue, int budget) : queue_(queue) { resize(budget); }

void NativePool::resize(int budget) {
  budget = std::clamp(budget, 1, kMaxThreads);
  worker_limit_.store(budget - 1);
  // With a budget of one, tasks that nobody waits for still need somebody to run them.
  task_worker_limit_.store(std::max(1, budget - 1));
  admission_.resize(budget);
  sleepers_.wake_all();
}

// ---- the budget

void NativePool::leave(bool is_request_done) {
  admission_.leave(is_request_done);
  if (has_work(false)) signal(1, false);
}

void NativePool::release_places(int count) {
  if (count == 0) return;
  admission_.release(count);
  if (has_work(false)) signal(1, false);
}

// ---- waking

// Work was published: see that somebody comes, without a system call if somebody spins already.
// Those who come wake the next, so the publisher pays for one wake-up at most.
void NativePool::signal(int wanted, bool is_leaf) {
  // Both orders are sequentially consistent: we published, then look for a spinner; a spinner
  // leaves, then looks for work. One of us sees the other.
  if (num_spinning_.load(std::memory_order_seq_cst) >= wanted) return;
  if (sleepers_.wake_one()) return;
  int limit = task_worker_limit_.load(std::memory_order_relaxed);
  if (num_workers_.load(std::memory_order_relaxed) < limit) return start_worker(limit);
  if (is_leaf) leaf_sleepers_.wake_one();
}

// ---- workers

bool NativePool::has_work(bool leaf_only) const {
  if (!leaf_only) {
    const bool more_tasks = num_running_tasks_.load() < interop_limit_.load();
    if (more_tasks && queue_.num_hosted() > 0) return true;
    if (admission_.is_full()) return false;
    // Leaves and regions have somebody who does them if nobody comes.
    const bool is_crowded = admission_.is_crowded();
    if (more_tasks && queue_.size() > (is_crowded ? queue_.num_leaves() : 0)) return true;
    if (is_crowded) return false;
  }
  for (std::uint64_t open = open_.load(std::memory_order_seq_cst); open; open &= open - 1)
    if (has_free_chunk(regions_[std::countr_zero(open)].state.load(std::memory_order_acquire),
                       leaf_only))
      return true;
  return leaf_only && queue_.num_leaves() > 0;
}

bool NativePool::run_task() {
  if (queue_.size() == 0) return false;
  // Raised before the check, so that two workers never pass it for one place.
  bool allowed = num_running_tasks_.fetch_add(1) < interop_limit_.load(std::memory_order_relaxed);
  Task* task = nullptr;
  if (allowed && admission_.try_enter(Place::kWorker)) task = queue_.pop();
  if (!task && allowed) task = queue_.pop_hosted();
  if (task) {
    if (task->is_hosted && thread_state().place != Place::kNone) admission_.leave();
    if (queue_.size() > 0) signal(1, false);
    run_popped_task(*task);
  }
  if (thread_state().place != Place::kNone) admission_.leave();
  num_running_tasks_.fetch_sub(1);
  return task != nullptr;
}

bool NativePool::run_something(StepAside& aside) {
  if (!has_work(false)) return false;
  if (run_task()) return true;
  if (!admission_.try_enter(Place::kWorker)) return false;
  const bool found = help_regions(&aside);
  if (thread_state().place != Place::kNone) admission_.leave();
  return found;
}

bool NativePool::run_leaf_work() {
  if (!has_work(true)) return false;
  const bool enters = thread_state().place == Place::kNone;
  if (enters && !admission_.try_enter(Place::kClient)) return false;
  Task* task = queue_.pop_leaf();
  if (task) run_popped_task(*task);
  const bool found = task || help_regions(nullptr);
  if (enters) leave();
  return found;
}

// Whether there is work: a worker that went on to sleep then would miss the next short region.
bool NativePool::spin(std::int64_t until_ns) {
  trace::IdleScope traced(trace::Kind::kSpin);
  num_spinning_.fetch_add(1, std::memory_order_relaxed);
  bool found = false;
  for (int turn = 1; !(found = has_work(false)); ++turn) {
    pause_cpu();
    // No place for us: the clients need the processors.
    if (turn % 64 == 0 && (!has_room() || monotonic_ns() >= until_ns || stopping_.load())) break;
  }
  num_spinning_.fetch_sub(1, std::memory_order_seq_cst);
  return found;
}

void NativePool::sit_out(std::int64_t until_ns) {
  trace::Scope traced(trace::Kind::kSitOut);
  while (monotonic_ns() < until_ns && !stopping_.load()) this_parker().park_until(until_ns);
}

void NativePool::worker_main(int index) {
  char name[24];
  std::snprintf(name, sizeof name, "treadle-%d", index + 1);
  pthread_setname_np(pthread_self(), name);
  const PinnedScope pinned;
  Parker& parker = this_parker();
  StepAside aside;
  while (!stopping_.load() && index < task_worker_limit_.load()) {
    const bool found = run_something(aside);
    if (aside.is_due()) sit_out(aside.take_end());
    if (found || spin(monotonic_ns() + spin_ns())) continue;
    sleepers_.sleep(parker, -1, [&] {
      return has_work(false) || stopping_.load() || index >= task_worker_limit_.load();
    });
    aside.keep_away_from(sleepers_.waker_cpu());
  }
  num_workers_.fetch_sub(1);
  // Somebody may have counted on us while we left.
  if (!stopping_.load() && has_work(false)) signal(1, false);
}

void NativePool::start_worker(int limit) {
  int index = num_workers_.load();
  do {
    if (index >= limit || stopping_.load()) return;
  } while (!num_workers_.compare_exchange_weak(index, index + 1));
  try {
    std::thread([this, index] { worker_main(index); }).detach();
  } catch (const std::system_error&) {
    num_workers_.fetch_sub(1);  // no thread to be had: the others do the work
  }
}

bool NativePool::announce_task() {
  if (has_work(false)) signal(1, false);
  return true;
}

bool NativePool::stop(std::int64_t deadline_ns) {
  stopping_.store(true);
  while (num_workers_.load() > 0) {
    sleepers_.wake_all();
    if (monotonic_ns() >= deadline_ns) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

}  // namespace treadle
