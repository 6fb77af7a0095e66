// The backend without threads, the reference for the others.
#include "scheduler.h"

namespace treadle {
namespace {

class SerialPool final : public ThreadPool {
 public:
  const char* name() const noexcept override { return "serial"; }
  void run_chunks(const ChunkLoop& loop) override {
    for (std::int64_t i = 0; i < loop.num_chunks; ++i) loop.fn(loop.context, i);
  }
  bool announce_task() override { return true; }
  void resize(int) override {}
};

}  // namespace

ThreadPool& serial_pool() {
  static auto* pool = new SerialPool;
  return *pool;
}

}  // namespace treadle
