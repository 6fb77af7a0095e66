#include "guarded_block.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace treadle {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr unsigned char kFill = 0xc7;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE)); }

std::size_t usable_bytes(std::size_t bytes, std::size_t prefix_bytes) {
  return round_up(prefix_bytes + round_up(bytes, kAlignment), page_bytes());
}

}  // namespace

void* allocate_guarded(std::size_t bytes, std::size_t prefix_bytes) {
  const std::size_t usable = usable_bytes(bytes, prefix_bytes);
  void* mapped = mmap(nullptr, usable + page_bytes(), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* end = static_cast<unsigned char*>(mapped) + usable;
  mprotect(end, page_bytes(), PROT_NONE);
  unsigned char* block = end - round_up(bytes, kAlignment);
  std::memset(block, kFill, static_cast<std::size_t>(end - block));
  return block;
}

void free_guarded(void* block, std::size_t bytes, std::size_t prefix_bytes) noexcept {
  auto* first = static_cast<unsigned char*>(block);
  unsigned char* end = first + round_up(bytes, kAlignment);
  if (std::any_of(first + bytes, end, [](unsigned char byte) { return byte != kFill; })) {
    std::fprintf(stderr, "treadle: something wrote beyond a block of %zu bytes\n", bytes);
    std::abort();
  }
  const std::size_t usable = usable_bytes(bytes, prefix_bytes);
  munmap(end - usable, usable + page_bytes());
}

}  // namespace treadle
