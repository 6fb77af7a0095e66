// Memory for results and arenas: freed blocks are kept for the next request, because the first
// touch of fresh pages costs more than most operators do.
#pragma once

#include <cstddef>

namespace treadle {

struct BlockStatistics {
  std::size_t cached_bytes = 0;  // free, kept for reuse
  std::size_t in_use_bytes = 0;
  std::size_t limit_bytes = 0;
  std::size_t num_reused = 0;
  std::size_t num_fresh = 0;
};

// All thread-safe. A block is aligned to 64 bytes and not cleared; huge pages are asked for from 2
// MB. Throws std::bad_alloc.
void* allocate_block(std::size_t bytes);
void free_block(void* block) noexcept;

// Gives cached blocks back to the system until at most `keep_bytes` remain.
void trim_blocks(std::size_t keep_bytes) noexcept;

// Bounds the bytes that are kept; a block that does not fit is given back at once.
void set_block_limit(std::size_t bytes) noexcept;

BlockStatistics block_statistics() noexcept;

// For tests: from now on each block ends at memory that nobody may touch, and none is used again.
void guard_blocks() noexcept;

}  // namespace treadle
