// The part of the native pool that runs parallel regions.
#include <algorithm>
#include <bit>

#include "interrupt.h"
#include "lone_work.h"
#include "native_pool.h"
#include "scheduler.h"
#include "step_aside.h"
#include "treadle/trace.h"

namespace treadle {
namespace {

thread_local LoneWork lone_work;

// The calling thread's region in the pool it last used.
struct OwnedRegion {
  NativePool* pool = nullptr;
  Region* region = nullptr;
  ~OwnedRegion() {
    if (region && pool == &Scheduler::instance().native_pool()) pool->release_region(*region);
  }
};

}  // namespace

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
  region.total = static_cast<std::uint32_t>(loop.num_chunks);
  region.finished.store(0, std::memory_order_relaxed);
  const std::uint64_t generation =
      (region.state.load(std::memory_order_relaxed) & kGenerationMask) + kGeneration;
  std::uint64_t state = generation | (loop.is_leaf ? kLeaf : 0) | (seats * kSeat) |
                        static_cast<std::uint64_t>(loop.num_chunks);
  // The first chunk is ours: a helper finds a word that nobody else is about to change.
  region.state.store(state - 1, std::memory_order_release);
  const std::uint64_t bit = 1ull << (&region - regions_.data());
  open_.fetch_or(bit, std::memory_order_seq_cst);
  const std::int64_t wake_at_ns = lone_work.wake_at(began_ns, spin_ns(), sleepers_.wake_cost_ns());
  bool wakes = false;
  auto call_for_help = [&] {
    const std::int64_t before_ns = monotonic_ns();
    signal(1, loop.is_leaf);
    began_ns += monotonic_ns() - before_ns;
    wakes = true;
  };
  if (loop.cost->ns() >= wake_at_ns - began_ns && has_room()) call_for_help();

  std::uint32_t mine = 0;
  do {
    if (!wakes && mine > 0 && monotonic_ns() >= wake_at_ns && has_room()) call_for_help();
    loop.fn(loop.context, loop.num_chunks - static_cast<std::int64_t>(state & kChunkMask));
    ++mine;
    state = region.state.load(std::memory_order_relaxed);
  } while (claim_chunk(region, generation, state));
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

bool NativePool::help_region(Region& region, StepAside* aside) {
  const bool leaf_only = aside == nullptr;
  std::uint64_t state = region.state.load(std::memory_order_acquire);
  do {
    if (!has_free_chunk(state, leaf_only)) return false;
  } while (
      !region.state.compare_exchange_weak(state, state - kSeat - 1, std::memory_order_acquire));
  const std::uint64_t generation = state & kGenerationMask;
  // Wake the next helper if there is enough for one more, in this region or another.
  if (has_work(leaf_only)) signal(1, (state & kLeaf) != 0);
  do {
    const std::uint32_t total = region.total;
    Parker* owner = region.owner;
    region.fn(region.context, total - static_cast<std::uint32_t>(state & kChunkMask));
    if (aside && (region.finished.load(std::memory_order_acquire) & kOwnerSleeps)) {
      const std::int64_t now_ns = monotonic_ns();
      aside->note_stall(now_ns - region.idle_since_ns - region.work_ns, now_ns);
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

bool NativePool::help_regions(StepAside* aside) {
  for (std::uint64_t open = open_.load(std::memory_order_acquire); open; open &= open - 1)
    if (help_region(regions_[std::countr_zero(open)], aside)) return true;
  return false;
}

}  // namespace treadle
