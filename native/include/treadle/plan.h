// A compiled model bound to its input shapes: sequences of kernel calls over one arena.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace treadle {

class RunContext;
class RunControl;

// A plan that `Plan::load` refuses; names the instruction.
class PlanError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Runs the tasks [begin, end) of one operator.
using Kernel = void (*)(void** buffers, const std::int64_t* sizes, std::int64_t begin,
                        std::int64_t end);

// kLocal: of a forked sequence and what it repeats, while it runs.
enum class Space : std::int32_t { kArena, kConstant, kInput, kOutput, kStatus, kLocal };

struct BufferRef {
  Space space;
  std::int32_t index;
  std::int64_t byte_offset;
};

struct Instruction {
  enum class Kind { kRun, kFork, kJoin, kRepeat };
  Kind kind = Kind::kRun;
  // kRun: at most ceil(num_tasks / grain) threads run pieces of at least `grain` tasks.
  std::string name;
  Kernel kernel = nullptr;
  std::vector<BufferRef> buffers;
  std::vector<std::int64_t> sizes;
  std::int64_t num_tasks = 0;
  std::int64_t grain = 1;
  // kRun, in a sequence that is repeated: bytes by which its buffers move with each round.
  std::vector<std::int64_t> strides;
  // kRepeat: runs `sequence`, which has nothing but kernels, `count` times.
  std::int64_t count = 0;
  // kFork: starts `sequence`; kFork, kJoin: the future it completes.
  std::int32_t sequence = 0;
  std::int32_t future = 0;
};

using Sequence = std::vector<Instruction>;

struct ConstantData {
  void* data;
  std::int64_t bytes;
};

// What a plan consists of. Sequence 0 is the plan, the others are bodies of forks and repetitions.
struct PlanCode {
  std::vector<Sequence> sequences;
  std::int64_t arena_bytes = 0;
  std::vector<ConstantData> constants;
  std::vector<std::int64_t> input_bytes;
  std::vector<std::int64_t> output_bytes;
  std::vector<std::int64_t> local_bytes{};  // of each sequence; none beyond the end
};

// Throws PlanError unless every index and offset is in range, every sequence but the first is
// forked or repeated exactly once, no join can come before its fork, nothing can wait for itself,
// and every fork is finished when the plan is. Returns the sequence of each future.
std::vector<std::int32_t> check_plan(const PlanCode& code);

// Four numbers a kernel may write when it cannot go on; zero when all is well.
using Status = std::array<std::int32_t, 4>;

// `load` checks everything once, so `run` checks nothing and cannot fail. Immutable after `load`;
// any number of threads may `run` it, each run has an arena of its own.
class Plan {
 public:
  // Constants must stay alive as long as the plan.
  static std::unique_ptr<Plan> load(PlanCode code);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // `inputs` and `outputs` as declared, `max_threads` per region, 0 for the caller's setting. Waits
  // for its turn while as many threads compute as may. When a kernel fails, what has not started is
  // left out. Throws RunStopped, with nothing left running, when `control` says so, std::bad_alloc
  // if there is no memory for the run.
  Status run(void* const* inputs, void* const* outputs, int max_threads,
             RunControl* control = nullptr) const;

  // Seconds each instruction of `run` kind takes, the median of `repeats` runs; forks run where
  // they are forked.
  std::vector<std::pair<std::string, double>> profile(void* const* inputs, void* const* outputs,
                                                      int repeats) const;

  const PlanCode& code() const noexcept { return code_; }

 private:
  friend class RunContext;
  struct Step;
  struct Patch;
  struct LocalPatch;

  explicit Plan(PlanCode code);
  void compile_sequence(const Sequence& sequence);
  void collect_local_patches(std::size_t body, std::size_t sequence);
  Status run_request(void* const* inputs, void* const* outputs, int max_threads,
                     RunControl* control) const;
  std::unique_ptr<RunContext> acquire_context() const;
  void release_context(std::unique_ptr<RunContext> context) const;

  static constexpr int kMaxFreeContexts = 8;

  const std::uint64_t id_;  // in traces
  PlanCode code_;
  std::vector<std::int32_t> sequence_of_future_;
  std::vector<std::vector<Step>> steps_;
  std::vector<BufferRef> table_;  // the buffers of all steps, one after the other
  std::vector<Patch> patches_;    // those of them that differ from run to run
  std::vector<std::vector<LocalPatch>> local_patches_;  // and with each run of a forked sequence
  mutable std::array<std::atomic<RunContext*>, kMaxFreeContexts> free_contexts_{};
};

}  // namespace treadle
