#include "treadle/block_cache.h"

#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "testing.h"

namespace treadle {
namespace {

TEST(blocks_are_aligned_and_large_enough) {
  for (std::size_t bytes : {0ul, 1ul, 63ul, 64ul, 65ul, 1000ul, 4096ul, 100000ul, 3000000ul}) {
    void* block = allocate_block(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    std::memset(block, 1, bytes);
    free_block(block);
  }
}

TEST(large_blocks_begin_where_those_of_others_do_not) {
  for (std::size_t bytes : {16'384ul, 100'000ul, 3'000'000ul}) {
    void* block = allocate_block(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 4096 == 1024);
    free_block(block);
  }
}

TEST(a_freed_block_serves_the_next_request_of_its_size) {
  trim_blocks(0);
  void* first = allocate_block(5000);
  free_block(first);
  void* second = allocate_block(5000);
  CHECK(first == second);
  free_block(second);
  CHECK(block_statistics().cached_bytes >= 5000);
  trim_blocks(0);
  CHECK(block_statistics().cached_bytes == 0);
}

TEST(a_thread_gets_the_block_back_that_it_freed) {
  trim_blocks(0);
  void* mine = allocate_block(70'000);
  void* other = allocate_block(70'000);
  free_block(mine);
  std::thread([other] { free_block(other); }).join();
  void* again = allocate_block(70'000);
  CHECK(again == mine);
  free_block(again);
}

TEST(what_is_kept_stays_below_the_limit) {
  const std::size_t limit = block_statistics().limit_bytes;
  set_block_limit(1 << 20);
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(allocate_block(300'000));
  for (void* block : blocks) free_block(block);
  CHECK(block_statistics().cached_bytes <= 1 << 20);
  set_block_limit(limit);
}

TEST(an_impossible_size_throws) {
  CHECK_THROWS(std::bad_alloc, allocate_block(~std::size_t{0} - 100));
}

TEST(blocks_may_be_freed_by_another_thread) {
  const std::size_t before = block_statistics().in_use_bytes;
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(allocate_block(100 * i));
  std::thread([&] {
    for (void* block : blocks) free_block(block);
  }).join();
  CHECK(block_statistics().in_use_bytes == before);
}

}  // namespace
}  // namespace treadle
