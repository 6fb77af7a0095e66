// Memory that shows who writes or reads beyond it.
#pragma once

#include <cstddef>

namespace treadle {

// A block of its own pages, aligned to 64 bytes. What comes after its last 64 bytes ends the
// process when it is touched, as does the block once it is free. It is filled with a pattern, so
// that who reads before writing gets the same nonsense each time. `prefix_bytes`, a multiple of 64,
// come before the block and are zero. Throws std::bad_alloc.
void* allocate_guarded(std::size_t bytes, std::size_t prefix_bytes);

// Ends the process with a message if something was written behind the last byte.
void free_guarded(void* block, std::size_t bytes, std::size_t prefix_bytes) noexcept;

}  // namespace treadle
