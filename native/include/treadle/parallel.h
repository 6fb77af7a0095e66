// Parallel loops and thread settings for C++ code that runs inside Treadle.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>

#include "treadle/chunk_loop.h"

namespace treadle {

// The number of threads that a parallel region may use; the most that ever compute is the budget.
int get_num_threads() noexcept;
void set_num_threads(int threads);
int get_num_interop_threads() noexcept;
void set_num_interop_threads(int threads);

// Inside a region the index of the chunk, else 0; whether the caller runs inside a region.
int get_thread_num() noexcept;
bool in_parallel_region() noexcept;

namespace internal {

using ChunkBody = void (*)(const void* context, std::int64_t index);

// Threads a region of the caller may use.
int threads_here() noexcept;

// Runs `body` for each index, each with its thread number; rethrows the first exception.
void run_region(std::int64_t num_chunks, ChunkBody body, const void* context, RecentCost& cost);

// Runs `body(context, 0)` in the caller as thread number 0.
void run_inline(ChunkBody body, const void* context);

}  // namespace internal

// Calls `f(first, last)` on pieces that cover [begin, end) once.
//
// The pieces are a function of the range, `grain` and the number of threads: min(threads,
// ceil(range / grain)) of equal size, the last shorter; `threads` of them for grain 0. There is
// one, the whole range, if the range is not above `grain` or 1, inside another region, or with one
// thread. After an exception pieces that nobody started may be left out; the first one is rethrown.
template <typename F>
requires std::invocable<const F&, std::int64_t, std::int64_t>
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain, const F& f) {
  if (begin >= end) return;
  const std::int64_t range = end - begin;
  std::int64_t pieces = 1;
  if (range > grain && range > 1 && !in_parallel_region()) {
    pieces = internal::threads_here();
    if (grain > 0) pieces = std::min(pieces, (range - 1) / grain + 1);
  }
  const std::int64_t size = (range - 1) / pieces + 1;
  auto piece = [&](std::int64_t index) {
    const std::int64_t first = begin + index * size;
    f(first, std::min(first + size, end));
  };
  auto body = [](const void* context, std::int64_t index) {
    (*static_cast<const decltype(piece)*>(context))(index);
  };
  if (pieces <= 1) return internal::run_inline(body, std::addressof(piece));
  static RecentCost cost;  // of loops with this body
  internal::run_region((range - 1) / size + 1, body, std::addressof(piece), cost);
}

}  // namespace treadle
