// Parallel regions of the native pool, and how threads claim their chunks.
#pragma once

#include <atomic>
#include <cstdint>

#include "thread_state.h"
#include "treadle/chunk_loop.h"

namespace treadle {

// Region::state, from the top: 19 bits generation, 1 bit leaf, 12 bits free seats, 32 bits
// unclaimed chunks.
constexpr std::uint64_t kChunkMask = 0xffff'ffffull;
constexpr std::uint64_t kSeat = 1ull << 32;
constexpr std::uint64_t kSeatMask = 0xfffull << 32;
constexpr std::uint64_t kLeaf = 1ull << 44;
constexpr std::uint64_t kGeneration = 1ull << 45;
constexpr std::uint64_t kGenerationMask = ~(kGeneration - 1);

constexpr std::uint32_t kOwnerSleeps = 1u << 31;
constexpr std::int64_t kMaxChunks = 1 << 30;

// A parallel region. Regions live in the pool for ever and are used again and again, so a late look
// at one is harmless.
//
// Everything a claim needs to be valid is in one word, `state`: a claim is a compare-and-swap that
// takes one chunk, so a thread is part of a region only while it runs a chunk, and the owner waits
// for exactly the chunks that somebody has started. `fn`, `context`, `total` and `owner` are
// written before `state` (release) and read after a successful claim (acquire): they can't change
// before that chunk is counted in `finished`.
struct alignas(64) Region {
  std::atomic<std::uint64_t> state{0};
  ChunkFn fn = nullptr;
  void* context = nullptr;
  std::uint32_t total = 0;
  Parker* owner = nullptr;

  // Chunks finished by others than the owner; the high bit says that the owner sleeps.
  alignas(64) std::atomic<std::uint32_t> finished{0};
  bool in_use = false;  // the owner's own
  // Written by the owner before it says that it sleeps: how long it worked, and since when it
  // waits.
  std::int64_t work_ns = 0;
  std::int64_t idle_since_ns = 0;
};

// Takes one more chunk of a region the caller has a seat in; `state` then is the state before.
inline bool claim_chunk(Region& region, std::uint64_t generation, std::uint64_t& state) noexcept {
  while ((state & kGenerationMask) == generation && (state & kChunkMask) != 0)
    if (region.state.compare_exchange_weak(state, state - 1, std::memory_order_acquire))
      return true;
  return false;
}

inline bool has_free_chunk(std::uint64_t state, bool leaf_only) noexcept {
  return (state & kChunkMask) != 0 && (state & kSeatMask) != 0 && (!leaf_only || (state & kLeaf));
}

}  // namespace treadle
