#include "treadle/plan.h"

#include <algorithm>
#include <new>

#include "run_context.h"
#include "scheduler.h"
#include "thread_state.h"
#include "treadle/trace.h"

namespace treadle {

static std::atomic<std::uint64_t> next_plan_id{1};

std::unique_ptr<Plan> Plan::load(PlanCode code) {
  std::unique_ptr<Plan> plan(new Plan(std::move(code)));
  return plan;
}

Plan::Plan(PlanCode code)
    : id_(next_plan_id.fetch_add(1, std::memory_order_relaxed)),
      code_(std::move(code)),
      sequence_of_future_(check_plan(code_)) {
  for (const Sequence& sequence : code_.sequences) compile_sequence(sequence);
  local_patches_.resize(steps_.size());
  for (const std::int32_t body : sequence_of_future_) collect_local_patches(body, body);
}

Plan::~Plan() {
  for (auto& slot : free_contexts_) delete slot.load();
}

void Plan::compile_sequence(const Sequence& sequence) {
  std::vector<Step>& steps = steps_.emplace_back();
  for (const Instruction& instruction : sequence) {
    steps.push_back({instruction.kind, instruction.future, instruction.kernel,
                     static_cast<std::int64_t>(table_.size()), instruction.sizes.data(),
                     instruction.num_tasks, instruction.grain, trace::intern(instruction.name),
                     instruction.strides.empty() ? nullptr : instruction.strides.data(),
                     std::ssize(instruction.buffers), instruction.sequence, instruction.count});
    for (const BufferRef& ref : instruction.buffers) {
      if (ref.space == Space::kInput || ref.space == Space::kOutput)
        patches_.push_back({static_cast<std::int64_t>(table_.size()), ref.index,
                            ref.space == Space::kOutput, ref.byte_offset});
      table_.push_back(ref);
    }
  }
}

// What `body` and the sequences that it repeats have in its memory.
void Plan::collect_local_patches(std::size_t body, std::size_t sequence) {
  for (const Step& step : steps_[sequence]) {
    if (step.kind == Instruction::Kind::kRepeat) collect_local_patches(body, step.sequence);
    for (std::int64_t i = 0; i < step.num_buffers; ++i) {
      const BufferRef& ref = table_[step.first_buffer + i];
      if (ref.space == Space::kLocal)
        local_patches_[body].push_back({step.first_buffer + i, ref.byte_offset});
    }
  }
}

// Slots instead of a locked list: nothing to wait for, and nothing to repair after fork().
std::unique_ptr<RunContext> Plan::acquire_context() const {
  for (auto& slot : free_contexts_)
    if (slot.load(std::memory_order_relaxed))
      if (RunContext* context = slot.exchange(nullptr, std::memory_order_acquire))
        return std::unique_ptr<RunContext>(context);
  return std::make_unique<RunContext>(*this);
}

void Plan::release_context(std::unique_ptr<RunContext> context) const {
  for (auto& slot : free_contexts_) {
    RunContext* empty = nullptr;
    if (slot.compare_exchange_strong(empty, context.get(), std::memory_order_release,
                                     std::memory_order_relaxed)) {
      static_cast<void>(context.release());
      return;
    }
  }
}

// One look at the flag where the trace is off: a scope here costs 20 ns a request.
Status Plan::run(void* const* inputs, void* const* outputs, int max_threads,
                 RunControl* control) const {
  if (!trace::is_on()) [[likely]]
    return run_request(inputs, outputs, max_threads, control);
  trace::RequestScope traced(id_, max_threads);
  return run_request(inputs, outputs, max_threads, control);
}

Status Plan::run_request(void* const* inputs, void* const* outputs, int max_threads,
                         RunControl* control) const {
  ComputingScope computing(Scheduler::instance().native_pool(), control);
  if (!computing.is_admitted()) throw RunStopped(control->reason());
  std::unique_ptr<RunContext> context = acquire_context();
  context->begin(inputs, outputs, control);
  ThreadState& state = thread_state();
  const std::int32_t outer_limit = state.intra_limit;
  if (max_threads > 0)
    state.intra_limit = outer_limit > 0 ? std::min(outer_limit, max_threads) : max_threads;
  context->run_sequence(0);
  if (context->is_stopped()) context->finish_forks();
  state.intra_limit = outer_limit;
  const Status status = context->status();
  const bool lacks_memory = context->lacks_memory();
  const RunControl::Reason reason = context->stop_reason();
  release_context(std::move(context));
  if (lacks_memory) throw std::bad_alloc();
  if (status[0] == 0 && reason != RunControl::Reason::kNone) throw RunStopped(reason);
  return status;
}

std::vector<std::pair<std::string, double>> Plan::profile(void* const* inputs, void* const* outputs,
                                                          int repeats) const {
  std::size_t num_steps = 0;
  for (const auto& steps : steps_) num_steps += steps.size();
  std::vector<std::vector<double>> seconds(num_steps);
  std::unique_ptr<RunContext> context = acquire_context();
  for (int i = 0; i < repeats; ++i) {
    context->begin(inputs, outputs, nullptr);
    context->time_sequence(0, seconds);
  }
  release_context(std::move(context));

  std::vector<std::pair<std::string, double>> result;
  std::size_t position = 0;
  for (const Sequence& sequence : code_.sequences)
    for (const Instruction& instruction : sequence) {
      std::vector<double>& times = seconds[position++];
      if (times.empty()) continue;
      std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
      result.emplace_back(instruction.name, times[times.size() / 2]);
    }
  return result;
}

}  // namespace treadle
