#include "treadle/block_cache.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "fork_handlers.h"
#include "guarded_block.h"

namespace treadle {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = 2u << 20;

// Where in a page the bytes of a large block begin. A processor takes a load for one that waits for
// a store 4096 bytes before it: right behind other libraries' large arrays, which begin 16 or 64
// bytes into a page, kernels that write as far as they read took a third longer.
constexpr std::size_t kLarge = 16u << 10;
constexpr std::size_t kLargeOffset = 1024;
constexpr int kStepsPerDoubling = 4;
constexpr int kNumClasses = 48 * kStepsPerDoubling;
constexpr int kGuarded = -1;

// Precedes the bytes the caller sees.
struct alignas(kAlignment) Header {
  Header* next;
  std::size_t bytes;   // header included, but for guarded blocks
  int size_class;      // kGuarded: none
  const void* thread;  // who freed it, if it is free
  void* memory;        // what the allocator gave
};
static_assert(sizeof(Header) == kAlignment);

// Among the blocks freed last, for one of the calling thread: it may be in its caches.
constexpr int kMaxLooks = 4;

// The address stands for the thread.
const void* this_thread() noexcept {
  static thread_local constinit char mark = 0;
  return &mark;
}

// Sizes grow by at most a quarter from class to class, so rounding wastes at most a fifth.
int class_of(std::size_t bytes) {
  bytes = std::max<std::size_t>(bytes, 2 * kAlignment);
  int doubling = std::bit_width(bytes - 1) - 1;  // 2^doubling < bytes <= 2^(doubling + 1)
  std::size_t step = (std::size_t{1} << doubling) / kStepsPerDoubling;
  std::size_t over = bytes - (std::size_t{1} << doubling);
  return doubling * kStepsPerDoubling + static_cast<int>((over + step - 1) / step);
}

std::size_t class_bytes(int size_class) {
  std::size_t base = std::size_t{1} << (size_class / kStepsPerDoubling);
  std::size_t bytes = base + base / kStepsPerDoubling * (size_class % kStepsPerDoubling);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// The class of blocks that the caller sees so many bytes of.
int class_for(std::size_t bytes) {
  const int size_class = class_of(bytes + sizeof(Header));
  return class_bytes(size_class) < kLarge ? size_class : class_of(bytes + kLargeOffset);
}

Header* allocate_fresh(std::size_t bytes) {
  const bool is_large = bytes >= kLarge;
  const std::size_t offset = is_large ? kLargeOffset - sizeof(Header) : 0;
  std::size_t alignment = is_large ? kPage : kAlignment;
  if (bytes >= kHugePage) {
    alignment = kHugePage;
    bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  }
  void* memory = std::aligned_alloc(alignment, bytes);
  if (!memory) throw std::bad_alloc();
  if (bytes >= kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);  // advice: may be refused
  auto* header = reinterpret_cast<Header*>(static_cast<std::byte*>(memory) + offset);
  header->bytes = bytes;
  header->memory = memory;
  return header;
}

std::size_t default_limit() {
  std::size_t memory = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE));
  return std::min<std::size_t>(std::size_t{1} << 30, memory / 8);
}

class BlockCache {
 public:
  void* allocate(std::size_t bytes) {
    if (bytes > (std::size_t{1} << 46)) throw std::bad_alloc();
    if (is_guarding_.load(std::memory_order_relaxed)) return allocate_alone(bytes);
    const int size_class = class_for(bytes);
    Header* header = take(size_class);
    if (!header) {
      header = allocate_fresh(class_bytes(size_class));
      header->size_class = size_class;
      std::lock_guard lock(mutex_);
      ++statistics_.num_fresh;
      statistics_.in_use_bytes += header->bytes;
    }
    return header + 1;
  }

  void free(void* block) noexcept {
    Header* header = static_cast<Header*>(block) - 1;
    if (header->size_class == kGuarded) return free_alone(header);
    if (!keep(header)) std::free(header->memory);
  }

  void trim(std::size_t keep_bytes) noexcept {
    Header* dropped = nullptr;
    {
      std::lock_guard lock(mutex_);
      for (int i = kNumClasses; i-- > 0 && statistics_.cached_bytes > keep_bytes;)
        while (free_[i] && statistics_.cached_bytes > keep_bytes) {
          Header* header = free_[i];
          free_[i] = header->next;
          statistics_.cached_bytes -= header->bytes;
          header->next = dropped;
          dropped = header;
        }
    }
    while (dropped) {
      Header* next = dropped->next;
      std::free(dropped->memory);
      dropped = next;
    }
  }

  void set_limit(std::size_t bytes) noexcept {
    {
      std::lock_guard lock(mutex_);
      statistics_.limit_bytes = bytes;
    }
    trim(bytes);
  }

  void guard() noexcept { is_guarding_.store(true); }

  BlockStatistics statistics() noexcept {
    std::lock_guard lock(mutex_);
    return statistics_;
  }

 private:
  void* allocate_alone(std::size_t bytes) {
    void* block = allocate_guarded(bytes, sizeof(Header));
    Header* header = static_cast<Header*>(block) - 1;
    header->bytes = bytes;
    header->size_class = kGuarded;
    std::lock_guard lock(mutex_);
    ++statistics_.num_fresh;
    statistics_.in_use_bytes += bytes;
    return block;
  }

  void free_alone(Header* header) noexcept {
    {
      std::lock_guard lock(mutex_);
      statistics_.in_use_bytes -= header->bytes;
    }
    free_guarded(header + 1, header->bytes, sizeof(Header));
  }

  Header* take(int size_class) {
    std::lock_guard lock(mutex_);
    Header** link = find_own(&free_[size_class]);
    Header* header = *link;
    if (!header) return nullptr;
    *link = header->next;
    ++statistics_.num_reused;
    statistics_.cached_bytes -= header->bytes;
    statistics_.in_use_bytes += header->bytes;
    return header;
  }

  // The link to a block of the calling thread, or to the one that was freed last.
  static Header** find_own(Header** first) noexcept {
    Header** link = first;
    for (int looks = 0; *link && looks < kMaxLooks; ++looks, link = &(*link)->next)
      if ((*link)->thread == this_thread()) return link;
    return first;
  }

  bool keep(Header* header) noexcept {
    std::lock_guard lock(mutex_);
    statistics_.in_use_bytes -= header->bytes;
    if (statistics_.cached_bytes + header->bytes > statistics_.limit_bytes) return false;
    statistics_.cached_bytes += header->bytes;
    header->thread = this_thread();
    header->next = free_[header->size_class];
    free_[header->size_class] = header;
    return true;
  }

  std::atomic<bool> is_guarding_{false};
  ForkSafeMutex mutex_;
  std::array<Header*, kNumClasses> free_{};                  // guarded by mutex_
  BlockStatistics statistics_{0, 0, default_limit(), 0, 0};  // guarded by mutex_
};

// Made when the library is loaded: a child of a fork would wait for ever for a worker that was
// making it. Leaked on purpose: arrays may be freed after static destructors have run.
BlockCache& cache = *new BlockCache;

}  // namespace

void* allocate_block(std::size_t bytes) { return cache.allocate(bytes); }
void free_block(void* block) noexcept { cache.free(block); }
void trim_blocks(std::size_t keep_bytes) noexcept { cache.trim(keep_bytes); }
void set_block_limit(std::size_t bytes) noexcept { cache.set_limit(bytes); }
void guard_blocks() noexcept { cache.guard(); }
BlockStatistics block_statistics() noexcept { return cache.statistics(); }

}  // namespace treadle
