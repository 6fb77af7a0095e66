// What one run of a plan needs for itself: arena, resolved pointers, the state of its forks.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "treadle/chunk_loop.h"
#include "treadle/plan.h"
#include "treadle/run_control.h"
#include "treadle/task.h"
#include "treadle/trace.h"

namespace treadle {

// One planned instruction, ready to execute.
struct Plan::Step {
  Instruction::Kind kind;
  std::int32_t future;
  Kernel kernel;
  std::int64_t first_buffer;  // in the pointer table
  const std::int64_t* sizes;
  std::int64_t num_tasks;
  std::int64_t grain;
  std::uint32_t name;           // interned by the trace
  const std::int64_t* strides;  // of the buffers from round to round; null if they stay
  std::int64_t num_buffers;
  std::int32_t sequence;  // what is repeated, and how often
  std::int64_t count;
  mutable RecentCost cost{};
};

// A pointer to set before each run.
struct Plan::Patch {
  std::int64_t position;  // in the pointer table
  std::int32_t index;
  bool is_output;
  std::int64_t byte_offset;
};

// A pointer to set before each run of a forked sequence.
struct Plan::LocalPatch {
  std::int64_t position;
  std::int64_t byte_offset;
};

// Used by one run at a time, by all threads of that run: nothing changes between `begin` and the
// end but the forks' events, what stops the run, and the buffers of a repetition between its steps.
class RunContext {
 public:
  explicit RunContext(const Plan& plan);
  ~RunContext();
  RunContext(const RunContext&) = delete;
  RunContext& operator=(const RunContext&) = delete;

  // Stops all runs under way but those of tasks, which somebody may wait for: the process ends.
  static void end_all() noexcept;

  void begin(void* const* inputs, void* const* outputs, RunControl* control);
  void run_sequence(std::size_t sequence);
  const Status& status() const { return status_; }

  // Whether something was left out: a kernel failed, a fork got no memory (then `lacks_memory`), or
  // `control` said so (then `stop_reason`).
  bool is_stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
  bool lacks_memory() const noexcept { return lacks_memory_.load(); }
  RunControl::Reason stop_reason() const noexcept { return reason_.load(); }

  // Whether the rest is to be left out.
  bool shall_stop() noexcept;

  // Takes back the forks that nobody has started and waits for the others.
  void finish_forks();

  // Runs the tasks [begin, end) on this thread, unless the run is stopped meanwhile.
  void run_kernel(Kernel kernel, void** buffers, const std::int64_t* sizes, std::int64_t begin,
                  std::int64_t end, std::int64_t grain);

  // Runs everything on this thread and appends the seconds of each step in the order of the code.
  void time_sequence(std::size_t sequence, std::vector<std::vector<double>>& seconds);

 private:
  struct ForkTask : Task {
    RunContext* context = nullptr;
    std::size_t sequence = 0;
    std::atomic<bool> is_submitted{false};
  };

  // Memory that a forked sequence has while it runs, where its steps find it.
  class LocalMemory {
   public:
    LocalMemory(RunContext& context, std::size_t sequence);
    ~LocalMemory();
    LocalMemory(const LocalMemory&) = delete;
    LocalMemory& operator=(const LocalMemory&) = delete;

   private:
    void* block_ = nullptr;
  };

  void run_fork(std::size_t sequence);
  void run_step(const Plan::Step& step);
  void execute(const Plan::Step& step, trace::OpTag tag);
  void run_rounds(const Plan::Step& repeat);
  void move_buffers(const Plan::Step& step, std::int64_t rounds);

  const Plan& plan_;
  std::byte* arena_ = nullptr;
  std::vector<void*> table_;
  std::vector<ForkTask> forks_;  // by future
  RunControl* control_ = nullptr;
  bool ends_with_process_ = false;
  std::atomic<bool> lacks_memory_{false};  // these three are written by any thread of the run
  std::atomic<bool> stopped_{false};
  std::atomic<RunControl::Reason> reason_{RunControl::Reason::kNone};
  alignas(64) Status status_{};
};

}  // namespace treadle
