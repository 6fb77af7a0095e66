#include "run_context.h"

#include <algorithm>
#include <new>

#include "interrupt.h"
#include "scheduler.h"
#include "thread_state.h"
#include "treadle/block_cache.h"
#include "treadle/trace.h"

namespace treadle {
namespace {

// How often pieces halve: the first are half of a thread's share, the last an eighth. So few claims
// do most of the work, and a thread that comes late or is interrupted holds up the rest by little.
constexpr int kMaxHalvings = 3;

constexpr std::int64_t kSliceGrains = 16;
constexpr std::int64_t kSliceNs = 2'000'000;
constexpr unsigned kStepsPerPoll = 16;

std::atomic<bool> process_ends{false};

// The tasks of one kernel call, cut into pieces: level l has one piece per thread, of 2^-(l+1) of a
// share, and the last level is as fine as the one before it. Pieces cover the tasks once, and none
// is below `grain` unless shares are.
struct KernelRegion {
  Kernel kernel;
  void** buffers;
  const std::int64_t* sizes;
  std::int64_t num_tasks;
  std::int64_t threads;
  trace::OpTag tag;
  std::int64_t grain;
  RunContext* context;
  int halvings = kMaxHalvings;

  void choose_pieces() {
    while (halvings > 0 && (num_tasks >> halvings) / threads < grain) --halvings;
  }
  std::int64_t num_pieces() const { return threads * (halvings + 1); }

  static void run(void* self, std::int64_t index) {
    const auto& region = *static_cast<const KernelRegion*>(self);
    if (region.context->shall_stop()) return;
    const std::int64_t level = index / region.threads, place = index % region.threads;
    const std::int64_t left = region.num_tasks >> level;
    const std::int64_t base = region.num_tasks - left;
    const std::int64_t size = level < region.halvings ? left - (left >> 1) : left;
    const std::int64_t begin = base + place * size / region.threads;
    const std::int64_t end = base + (place + 1) * size / region.threads;
    trace::ChunkScope traced(region.tag, begin, end);
    region.context->run_kernel(region.kernel, region.buffers, region.sizes, begin, end,
                               region.grain);
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
      self.context->run_fork(self.sequence);
      self.done.set();
    };
  }
}

RunContext::~RunContext() { free_block(arena_); }

// Freed blocks come back to the thread that freed them: tasks of one kind, one after the other, use
// memory that is in its caches.
RunContext::LocalMemory::LocalMemory(RunContext& context, std::size_t sequence) {
  const std::vector<Plan::LocalPatch>& patches = context.plan_.local_patches_[sequence];
  if (patches.empty()) return;
  block_ = allocate_block(context.plan_.code_.local_bytes[sequence]);
  for (const Plan::LocalPatch& patch : patches)
    context.table_[patch.position] = static_cast<std::byte*>(block_) + patch.byte_offset;
}

RunContext::LocalMemory::~LocalMemory() {
  if (block_) free_block(block_);
}

void RunContext::end_all() noexcept { process_ends.store(true); }

void RunContext::begin(void* const* inputs, void* const* outputs, RunControl* control) {
  for (const Plan::Patch& patch : plan_.patches_)
    table_[patch.position] =
        static_cast<std::byte*>((patch.is_output ? outputs : inputs)[patch.index]) +
        patch.byte_offset;
  for (ForkTask& fork : forks_) {
    fork.done.reset();
    fork.intra_limit = 0;
    fork.limit = nullptr;
    fork.is_submitted.store(false, std::memory_order_relaxed);
  }
  control_ = control;
  ends_with_process_ = thread_state().oldest_task == kNoTask && !process_ends.load();
  lacks_memory_.store(false, std::memory_order_relaxed);
  stopped_.store(false, std::memory_order_relaxed);
  reason_.store(RunControl::Reason::kNone, std::memory_order_relaxed);
  status_ = {};
}

// One look at the flag, and nothing of the trace where it is off: a scope here costs 1 ns a step.
void RunContext::run_step(const Plan::Step& step) {
  if (!trace::is_on()) [[likely]]
    return execute(step, {});
  trace::OpScope traced(step.name, step.num_tasks);
  execute(step, traced.tag());
}

void RunContext::execute(const Plan::Step& step, trace::OpTag tag) {
  void** buffers = table_.data() + step.first_buffer;
  if (step.num_tasks > step.grain) {
    Scheduler& scheduler = Scheduler::instance();
    const std::int64_t threads =
        std::min<std::int64_t>(scheduler.threads_here(), (step.num_tasks - 1) / step.grain + 1);
    if (threads > 1) {
      KernelRegion region{step.kernel, buffers, step.sizes, step.num_tasks,
                          threads,     tag,     step.grain, this};
      region.choose_pieces();
      scheduler.run_chunks({region.num_pieces(), static_cast<int>(threads), true, KernelRegion::run,
                            &region, &step.cost});
      return;
    }
  }
  run_kernel(step.kernel, buffers, step.sizes, 0, step.num_tasks, step.grain);
}

// A long kernel runs slice by slice, so that it can be stopped between them. The first has a cost
// that is known to be small; the others follow the clock.
void RunContext::run_kernel(Kernel kernel, void** buffers, const std::int64_t* sizes,
                            std::int64_t begin, std::int64_t end, std::int64_t grain) {
  std::int64_t slice = kSliceGrains * grain;
  if (!control_ || end - begin <= slice) return kernel(buffers, sizes, begin, end);
  for (std::int64_t now = monotonic_ns(); begin < end;) {
    const std::int64_t last = std::min(begin + slice, end);
    kernel(buffers, sizes, begin, last);
    begin = last;
    const std::int64_t elapsed = monotonic_ns() - now;
    now += elapsed;
    if (elapsed < kSliceNs / 2) slice *= 2;
    if (elapsed > kSliceNs * 2) slice = std::max<std::int64_t>(slice / 2, 1);
    poll_interrupt();
    if (begin < end && shall_stop()) return;
  }
}

// Afterwards the buffers are where they were, for the next run, also if this one is stopped.
void RunContext::run_rounds(const Plan::Step& repeat) {
  const std::vector<Plan::Step>& steps = plan_.steps_[repeat.sequence];
  std::int64_t round = 0;
  for (; round < repeat.count && !shall_stop(); ++round) {
    if (round % kStepsPerPoll == 0) poll_interrupt();
    for (const Plan::Step& step : steps) {
      run_step(step);
      move_buffers(step, 1);
    }
  }
  for (const Plan::Step& step : steps) move_buffers(step, -round);
}

void RunContext::move_buffers(const Plan::Step& step, std::int64_t rounds) {
  if (!step.strides) return;
  for (std::int64_t b = 0; b < step.num_buffers; ++b) {
    void*& buffer = table_[step.first_buffer + b];
    buffer = static_cast<std::byte*>(buffer) + rounds * step.strides[b];
  }
}

// The status is a kernel's plain memory, which another thread's kernel may be writing.
bool RunContext::shall_stop() noexcept {
  if (stopped_.load(std::memory_order_relaxed)) return true;
  RunControl::Reason reason = control_ ? control_->reason() : RunControl::Reason::kNone;
  if (ends_with_process_ && process_ends.load(std::memory_order_relaxed))
    reason = RunControl::Reason::kExit;
  const bool failed = std::atomic_ref(status_[0]).load(std::memory_order_relaxed) != 0;
  if (reason == RunControl::Reason::kNone && !failed) return false;
  reason_.store(reason);
  stopped_.store(true);
  return true;
}

// A fork that runs may submit others until it is done: hence again and again.
void RunContext::finish_forks() {
  Scheduler& scheduler = Scheduler::instance();
  for (bool again = true; again;) {
    again = false;
    for (ForkTask& fork : forks_) {
      if (!fork.is_submitted.load(std::memory_order_relaxed) || fork.done.ready()) continue;
      again = true;
      if (scheduler.queue().claim(fork))
        fork.done.set();
      else
        scheduler.wait(fork);
    }
  }
}

void RunContext::run_sequence(std::size_t sequence) {
  unsigned position = 0;
  for (const Plan::Step& step : plan_.steps_[sequence]) {
    if (++position % kStepsPerPoll == 0) poll_interrupt();
    if (shall_stop()) return;
    switch (step.kind) {
      case Instruction::Kind::kRun:
        run_step(step);
        break;
      case Instruction::Kind::kFork:
        Scheduler::instance().submit(forks_[step.future]);
        forks_[step.future].is_submitted.store(true, std::memory_order_relaxed);
        break;
      case Instruction::Kind::kJoin:
        Scheduler::instance().wait(forks_[step.future]);
        break;
      case Instruction::Kind::kRepeat:
        run_rounds(step);
        break;
    }
  }
}

void RunContext::run_fork(std::size_t sequence) {
  try {
    const LocalMemory local(*this, sequence);
    run_sequence(sequence);
  } catch (const std::bad_alloc&) {
    lacks_memory_.store(true);
    stopped_.store(true);
  }
}

void RunContext::time_sequence(std::size_t sequence, std::vector<std::vector<double>>& seconds) {
  const std::vector<Plan::Step>& steps = plan_.steps_[sequence];
  // Where this sequence's numbers begin among those of all sequences.
  std::size_t position = 0;
  for (std::size_t i = 0; i < sequence; ++i) position += plan_.steps_[i].size();
  for (const Plan::Step& step : steps) {
    if (step.kind == Instruction::Kind::kFork) {
      const std::size_t body = plan_.sequence_of_future_[step.future];
      const LocalMemory local(*this, body);
      time_sequence(body, seconds);
    } else if (step.kind == Instruction::Kind::kRepeat) {
      for (std::int64_t round = 0; round < step.count; ++round) {
        time_sequence(step.sequence, seconds);
        for (const Plan::Step& inner : plan_.steps_[step.sequence]) move_buffers(inner, 1);
      }
      for (const Plan::Step& inner : plan_.steps_[step.sequence]) move_buffers(inner, -step.count);
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
