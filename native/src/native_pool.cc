#include "native_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <system_error>
#include <thread>

#include "affinity.h"
#include "interrupt.h"
#include "lone_work.h"
#include "scheduler.h"
#include "step_aside.h"
#include "treadle/trace.h"

namespace treadle {
namespace {

thread_local LoneWork lone_work;
thread_local StepAside step_aside;

// The calling thread's region in the pool it last used.
struct OwnedRegion {
  NativePool* pool = nullptr;
  Region* region = nullptr;
  ~OwnedRegion() {
    if (region && pool == &Scheduler::instance().native_pool()) pool->release_region(*region);
  }
};

}  // namespace

NativePool::NativePool(TaskQueue& queue, int budget) : queue_(queue) { resize(budget); }

void NativePool::resize(int budget) {
  budget = std::clamp(budget, 1, kMaxThreads);
  worker_limit_.store(budget - 1);
  // With a budget of one, tasks that nobody waits for still need somebody to run them.
  task_worker_limit_.store(std::max(1, budget - 1));
  admission_.resize(budget);
  wake_all(sleepers_);
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

// ---- sleeping

void NativePool::add_sleeper(Sleepers& sleepers, Parker& parker) {
  {
    std::lock_guard lock(sleepers.mutex);
    sleepers.parkers.push_back(&parker);
  }
  sleepers.count.fetch_add(1, std::memory_order_seq_cst);
}

void NativePool::remove_sleeper(Sleepers& sleepers, Parker& parker) {
  std::lock_guard lock(sleepers.mutex);
  auto& parkers = sleepers.parkers;
  auto found = std::find(parkers.rbegin(), parkers.rend(), &parker);
  if (found == parkers.rend()) return;  // whoever woke us removed us
  parkers.erase(std::next(found).base());
  sleepers.count.fetch_sub(1, std::memory_order_relaxed);
}

bool NativePool::wake_one(Sleepers& sleepers) {
  if (sleepers.count.load(std::memory_order_seq_cst) <= 0) return false;
  Parker* parker = nullptr;
  {
    std::lock_guard lock(sleepers.mutex);
    if (sleepers.parkers.empty()) return false;
    parker = sleepers.parkers.back();
    sleepers.parkers.pop_back();
    sleepers.count.fetch_sub(1, std::memory_order_relaxed);
  }
  waker_cpu_.store(sched_getcpu(), std::memory_order_relaxed);
  parker->unpark();
  return true;
}

void NativePool::wake_all(Sleepers& sleepers) {
  while (wake_one(sleepers)) {
  }
}

// Work was published: see that somebody comes, without a system call if somebody spins already.
// Those who come wake the next, so the publisher pays for one wake-up at most.
void NativePool::signal(int wanted, bool is_leaf) {
  // Both orders are sequentially consistent: we published, then look for a spinner; a spinner
  // leaves, then looks for work. One of us sees the other.
  if (num_spinning_.load(std::memory_order_seq_cst) >= wanted) return;
  if (wake_one(sleepers_)) return;
  int limit = task_worker_limit_.load(std::memory_order_relaxed);
  if (num_workers_.load(std::memory_order_relaxed) < limit) return start_worker(limit);
  if (is_leaf) wake_one(leaf_sleepers_);
}

// ---- regions

Region* NativePool::acquire_region() {
  static thread_local OwnedRegion owned;
  if (owned.pool == this && owned.region) return owned.region->in_use ? nullptr : owned.region;
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  int index;
  do {
    index = std::countr_one(used);
    if (index >= kMaxRegions) return nullptr;
  } while (!used_.compare_exchange_weak(used, used | (1ull << index), std::memory_order_acquire));
  owned.pool = this;
  owned.region = &regions_[index];
  owned.region->owner = &this_parker();
  owned.region->in_use = false;
  return owned.region;
}

void NativePool::release_region(Region& region) {
  used_.fetch_and(~(1ull << (&region - regions_.data())), std::memory_order_release);
}

void NativePool::run_chunks(const ChunkLoop& loop) {
  const int seats =
      std::min({loop.max_threads - 1, worker_limit_.load(std::memory_order_relaxed),
                static_cast<int>(std::min<std::int64_t>(loop.num_chunks - 1, kMaxThreads))});
  // With as many clients as threads nobody could help.
  Region* region = seats > 0 && loop.num_chunks <= kMaxChunks && !admission_.has_only_clients()
                       ? acquire_region()
                       : nullptr;
  if (!region) {
    for (std::int64_t i = 0; i < loop.num_chunks; ++i) loop.fn(loop.context, i);
    return;
  }
  region->in_use = true;
  std::int64_t began_ns = monotonic_ns();
  const std::uint32_t mine = run_region(*region, loop, seats, began_ns);
  const std::uint32_t theirs = static_cast<std::uint32_t>(loop.num_chunks) - mine;
  if (theirs != 0) finish_region(*region, theirs, loop.is_leaf, began_ns);
  region->in_use = false;
  const std::int64_t now_ns = monotonic_ns();
  const std::int64_t threads = std::min<std::int64_t>(seats, theirs) + 1;
  loop.cost->note((now_ns - began_ns) * threads);
  lone_work.end(began_ns, now_ns, theirs != 0);
}

// Runs what nobody else takes; returns how many chunks that was. Adds to `began_ns` what it takes
// to wake somebody: counted as the loop's, that would make a short one look worth it ever after.
std::uint32_t NativePool::run_region(Region& region, const ChunkLoop& loop, int seats,
                                     std::int64_t& began_ns) {
  region.fn = loop.fn;
  region.context = loop.context;
  region.owner_cpu.store(sched_getcpu(), std::memory_order_relaxed);
  region.total = static_cast<std::uint32_t>(loop.num_chunks);
  region.finished.store(0, std::memory_order_relaxed);
  const std::uint64_t generation =
      (region.state.load(std::memory_order_relaxed) & kGenerationMask) + kGeneration;
  std::uint64_t state = generation | (loop.is_leaf ? kLeaf : 0) | (seats * kSeat) |
                        static_cast<std::uint64_t>(loop.num_chunks);
  region.state.store(state, std::memory_order_release);
  const std::uint64_t bit = 1ull << (&region - regions_.data());
  open_.fetch_or(bit, std::memory_order_seq_cst);
  const std::int64_t wake_at_ns = lone_work.wake_at(began_ns, spin_ns());
  bool wakes = false;
  auto call_for_help = [&] {
    const std::int64_t before_ns = monotonic_ns();
    signal(1, loop.is_leaf);
    began_ns += monotonic_ns() - before_ns;
    wakes = true;
  };
  if (loop.cost->ns() >= wake_at_ns - began_ns && has_room()) call_for_help();

  std::uint32_t mine = 0;
  while (claim_chunk(region, generation, state)) {
    if (!wakes && mine > 0 && monotonic_ns() >= wake_at_ns && has_room()) call_for_help();
    loop.fn(loop.context, loop.num_chunks - static_cast<std::int64_t>(state & kChunkMask));
    ++mine;
    state = region.state.load(std::memory_order_relaxed);
  }
  open_.fetch_and(~bit, std::memory_order_relaxed);
  return mine;
}

// Waits for the chunks that others have started.
void NativePool::finish_region(Region& region, std::uint32_t theirs, bool is_leaf,
                               std::int64_t began_ns) {
  trace::Scope traced(trace::Kind::kChunksWait);
  std::int64_t idle_since = 0;
  for (int turn = 1; region.finished.load(std::memory_order_acquire) != theirs; ++turn) {
    pause_cpu();
    if (turn % 128 != 0) continue;
    std::int64_t now = monotonic_ns();
    if (idle_since == 0) idle_since = now;
    if (now - idle_since < spin_ns()) continue;
    region.work_ns = idle_since - began_ns;
    region.idle_since_ns = idle_since;
    if (region.finished.fetch_or(kOwnerSleeps, std::memory_order_acq_rel) == theirs) break;
    auto sleep = [&] {
      while ((region.finished.load(std::memory_order_acquire) & ~kOwnerSleeps) != theirs) {
        region.owner->park_until(before_next_poll(-1));
        poll_interrupt();
      }
    };
    if (is_leaf) {
      sleep();
    } else {  // a chunk may wait for a place in its turn
      OutsideScope outside(*this);
      sleep();
    }
    break;
  }
}

bool NativePool::help_region(Region& region, bool leaf_only) {
  std::uint64_t state = region.state.load(std::memory_order_acquire);
  do {
    if (!has_free_chunk(state, leaf_only)) return false;
    if (!leaf_only && step_aside.declines(region)) return false;
  } while (
      !region.state.compare_exchange_weak(state, state - kSeat - 1, std::memory_order_acquire));
  const std::uint64_t generation = state & kGenerationMask;
  // Wake the next helper if there is enough for one more, in this region or another.
  if (has_work(leaf_only)) signal(1, (state & kLeaf) != 0);
  do {
    const std::uint32_t total = region.total;
    Parker* owner = region.owner;
    region.fn(region.context, total - static_cast<std::uint32_t>(state & kChunkMask));
    if (region.finished.load(std::memory_order_acquire) & kOwnerSleeps) {
      const std::int64_t now_ns = monotonic_ns();
      step_aside.note_stall(now_ns - region.idle_since_ns - region.work_ns, now_ns);
    }
    // The region may be reused as soon as the last chunk is counted.
    std::uint32_t before = region.finished.fetch_add(1, std::memory_order_acq_rel);
    if (before & kOwnerSleeps) owner->unpark();
    if (stopping_.load(std::memory_order_relaxed)) break;
    // A client came: it takes our place, the owner the rest. A task that helps keeps its own.
    if (!leaf_only && admission_.has_waiting() && admission_.yield_place()) break;
    state = region.state.load(std::memory_order_acquire);
  } while (claim_chunk(region, generation, state));
  return true;
}

bool NativePool::help_regions(bool leaf_only) {
  for (std::uint64_t open = open_.load(std::memory_order_acquire); open; open &= open - 1)
    if (help_region(regions_[std::countr_zero(open)], leaf_only)) return true;
  return false;
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

bool NativePool::run_something() {
  if (!has_work(false)) return false;
  if (run_task()) return true;
  if (!admission_.try_enter(Place::kWorker)) return false;
  const bool found = help_regions(false);
  if (thread_state().place != Place::kNone) admission_.leave();
  return found;
}

bool NativePool::run_leaf_work() {
  if (!has_work(true)) return false;
  const bool enters = thread_state().place == Place::kNone;
  if (enters && !admission_.try_enter(Place::kClient)) return false;
  Task* task = queue_.pop_leaf();
  if (task) run_popped_task(*task);
  const bool found = task || help_regions(true);
  if (enters) leave();
  return found;
}

void NativePool::spin(std::int64_t until_ns) {
  trace::IdleScope traced(trace::Kind::kSpin);
  num_spinning_.fetch_add(1, std::memory_order_relaxed);
  for (int turn = 1; !has_work(false); ++turn) {
    pause_cpu();
    // No place for us: the clients need the processors.
    if (turn % 64 == 0 && (!has_room() || monotonic_ns() >= until_ns || stopping_.load())) break;
  }
  num_spinning_.fetch_sub(1, std::memory_order_seq_cst);
}

void NativePool::sit_out() {
  trace::Scope traced(trace::Kind::kSitOut);
  const std::int64_t until_ns = step_aside.take_end();
  while (monotonic_ns() < until_ns && !stopping_.load()) this_parker().park_until(until_ns);
}

void NativePool::worker_main(int index) {
  char name[24];
  std::snprintf(name, sizeof name, "treadle-%d", index + 1);
  pthread_setname_np(pthread_self(), name);
  const PinnedScope pinned;
  Parker& parker = this_parker();
  while (!stopping_.load() && index < task_worker_limit_.load()) {
    const bool found = run_something();
    if (step_aside.is_due()) sit_out();
    if (found) continue;
    spin(monotonic_ns() + spin_ns());
    sleep(sleepers_, parker, -1, [&] {
      return has_work(false) || stopping_.load() || index >= task_worker_limit_.load();
    });
    step_aside.keep_away_from(waker_cpu_.load(std::memory_order_relaxed));
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
    wake_all(sleepers_);
    if (monotonic_ns() >= deadline_ns) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace treadle
