#include "guarded_block.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

#include "testing.h"

namespace treadle {
namespace {

// Whether `f()` ends a process of its own by a signal.
template <typename F>
bool is_fatal(const F& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);
    f();
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(a_guarded_block_may_be_written_to_its_last_byte) {
  for (std::size_t bytes : {0, 1, 63, 64, 65, 4031, 4032, 4096, 100'000}) {
    auto* block = static_cast<volatile unsigned char*>(allocate_guarded(bytes, 64));
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    CHECK(block[-64] == 0 && block[-1] == 0);
    const unsigned char pattern = bytes > 0 ? block[0] : 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      CHECK(block[i] == pattern);
      block[i] = 1;
    }
    free_guarded(const_cast<unsigned char*>(block), bytes, 64);
  }
}

TEST(reading_behind_a_guarded_block_is_fatal) {
  auto* block = static_cast<volatile unsigned char*>(allocate_guarded(128, 64));
  CHECK(is_fatal([&] { static_cast<void>(block[128]); }));
  free_guarded(const_cast<unsigned char*>(block), 128, 64);
}

TEST(one_byte_written_behind_a_guarded_block_is_fatal_when_it_is_freed) {
  auto* block = static_cast<volatile unsigned char*>(allocate_guarded(100, 64));
  CHECK(is_fatal([&] {
    block[100] = 1;
    free_guarded(const_cast<unsigned char*>(block), 100, 64);
  }));
  free_guarded(const_cast<unsigned char*>(block), 100, 64);
}

}  // namespace
}  // namespace treadle
