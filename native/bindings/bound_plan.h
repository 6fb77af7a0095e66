// A plan as Python holds it: with the types of its arguments and what it must keep alive.
#pragma once

#include <memory>
#include <vector>

#include "arrays.h"
#include "treadle/plan.h"
#include "treadle/run_control.h"
#include "treadle/task.h"

namespace treadle {

// A result that is a strided view of an output or of an input as the caller gave it.
struct ResultView {
  bool of_input = false;
  std::size_t index = 0;
  std::int64_t byte_offset = 0;
  ArrayType type;
  std::vector<npy_intp> byte_strides;
};

struct BoundPlan {
  std::unique_ptr<Plan> plan;
  std::vector<ArrayType> inputs;
  std::vector<ArrayType> outputs;
  std::vector<ResultView> results;  // empty if they are the outputs, one by one
  nb::object constants;
  nb::object keepalive;
  nb::object on_status;

  // The results of a run, as a tuple: views of the outputs `made` and of what was `given`.
  nb::object view_results(const std::vector<nb::object>& given, nb::handle made) const;

  // Runs the plan with the GIL released, within the context's and the call's limits of threads.
  // Throws what `on_status` raises if a kernel reported a failure, RunStopped if `control` stops
  // it.
  void run(void* const* in, void* const* out, int threads, RunControl* control = nullptr) const;
};

// The intra-op limit of the current context (the variable `thread_limits`), 0 for none.
int context_limit();

// The limit of forks of the current context, for the caller to release; null for none.
TaskLimit* context_task_limit();

}  // namespace treadle
