#include "run_context.h"

#include <algorithm>

#include "scheduler.h"
#include "treadle/block_cache.h"

namespace treadle {
namespace {

// Pieces per thread: enough that a thread which comes late or is interrupted does not hold up the
// rest.
constexpr std::int64_t kPiecesPerThread = 4;

struct KernelRegion {
  Kernel kernel;
  void** buffers;
  const std::int64_t* sizes;
  std::int64_t num_tasks;
  std::int64_t piece;

  static void run(void* self, std::int64_t index) {
    auto& region = *static_cast<KernelRegion*>(self);
    const std::int64_t begin = index * region.piece;
    region.kernel(region.buffers, region.sizes, begin,
                  std::min(begin + region.piece, region.num_tasks));
  }
};

}  // namespace

RunContext::RunContext(const Plan& plan)
    : plan_(plan), table_(plan.table_.size()), forks_(plan.sequence_of_future_.size()) {
  arena_ = static_cast<std::byte*>(allocate_block(plan.code_.arena_bytes));
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const BufferRef& ref = plan.table_[i];
    if (ref.space == Space::kArena) table_[i] = arena_ + ref.byte_offset;
    if (ref.space == Space::kConstant)
      table_[i] = static_cast<std::byte*>(plan.code_.constants[ref.index].data) + ref.byte_offset;
    if (ref.space == Space::kStatus) table_[i] = status_.data();
  }
  for (std::size_t i = 0; i < forks_.size(); ++i) {
    ForkTask& fork = forks_[i];
    fork.context = this;
    fork.sequence = plan.sequence_of_future_[i];
    fork.is_leaf =
        std::none_of(plan.steps_[fork.sequence].begin(), plan.steps_[fork.sequence].end(),
                     [](const Plan::Step& step) { return step.kind == Instruction::Kind::kJoin; });
    fork.body = [](Task& task) {
      auto& self = static_cast<ForkTask&>(task);
      self.context->run_sequence(self.sequence);
      self.done.set();
    };
  }
}

RunContext::~RunContext() { free_block(arena_); }

void RunContext::begin(void* const* inputs, void* const* outputs) {
  for (const Plan::Patch& patch : plan_.patches_)
    table_[patch.position] =
        static_cast<std::byte*>((patch.is_output ? outputs : inputs)[patch.index]) +
        patch.byte_offset;
  for (ForkTask& fork : forks_) {
    fork.done.reset();
    fork.intra_limit = 0;
  }
  status_ = {};
}

void RunContext::run_step(const Plan::Step& step) {
  void** buffers = table_.data() + step.first_buffer;
  if (step.num_tasks > step.grain) {
    Scheduler& scheduler = Scheduler::instance();
    const std::int64_t threads =
        std::min<std::int64_t>(scheduler.threads_here(), (step.num_tasks - 1) / step.grain + 1);
    if (threads > 1) {
      const std::int64_t piece =
          std::max(step.grain, (step.num_tasks - 1) / (threads * kPiecesPerThread) + 1);
      KernelRegion region{step.kernel, buffers, step.sizes, step.num_tasks, piece};
      scheduler.run_chunks((step.num_tasks - 1) / piece + 1, static_cast<int>(threads), true,
                           KernelRegion::run, &region);
      return;
    }
  }
  step.kernel(buffers, step.sizes, 0, step.num_tasks);
}

void RunContext::run_sequence(std::size_t sequence) {
  for (const Plan::Step& step : plan_.steps_[sequence]) {
    switch (step.kind) {
      case Instruction::Kind::kRun:
        run_step(step);
        break;
      case Instruction::Kind::kFork:
        Scheduler::instance().submit(forks_[step.future]);
        break;
      case Instruction::Kind::kJoin:
        Scheduler::instance().wait(forks_[step.future]);
        break;
    }
  }
}

void RunContext::time_sequence(std::size_t sequence, std::vector<std::vector<double>>& seconds) {
  const std::vector<Plan::Step>& steps = plan_.steps_[sequence];
  // Where this sequence's numbers begin among those of all sequences.
  std::size_t position = 0;
  for (std::size_t i = 0; i < sequence; ++i) position += plan_.steps_[i].size();
  for (const Plan::Step& step : steps) {
    if (step.kind == Instruction::Kind::kFork) {
      time_sequence(plan_.sequence_of_future_[step.future], seconds);
    } else if (step.kind == Instruction::Kind::kRun) {
      auto start = std::chrono::steady_clock::now();
      run_step(step);
      std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      seconds[position].push_back(elapsed.count());
    }
    ++position;
  }
}

}  // namespace treadle
