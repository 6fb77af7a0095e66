#include <optional>

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "bound_plan.h"
#include "gil.h"
#include "interrupt.h"
#include "thread_state.h"

namespace treadle {
namespace {

Instruction parse_run(const nb::tuple& fields) {
  Instruction instruction;
  if (fields.size() != 7 && fields.size() != 8)
    throw nb::value_error("a run instruction has seven or eight fields");
  instruction.name = nb::cast<std::string>(fields[1]);
  instruction.kernel = reinterpret_cast<Kernel>(nb::cast<std::uintptr_t>(fields[2]));
  for (nb::handle buffer : fields[3])
    instruction.buffers.push_back({static_cast<Space>(nb::cast<std::int32_t>(buffer[0])),
                                   nb::cast<std::int32_t>(buffer[1]),
                                   nb::cast<std::int64_t>(buffer[2])});
  for (nb::handle size : fields[4]) instruction.sizes.push_back(nb::cast<std::int64_t>(size));
  instruction.num_tasks = nb::cast<std::int64_t>(fields[5]);
  instruction.grain = nb::cast<std::int64_t>(fields[6]);
  if (fields.size() == 8)
    for (nb::handle stride : fields[7])
      instruction.strides.push_back(nb::cast<std::int64_t>(stride));
  return instruction;
}

Instruction parse_instruction(nb::handle item) {
  auto fields = nb::cast<nb::tuple>(item);
  auto kind = fields.size() ? nb::cast<std::string>(fields[0]) : std::string();
  if (kind == "run") return parse_run(fields);
  Instruction instruction;
  if (kind == "fork" && fields.size() == 3) {
    instruction.kind = Instruction::Kind::kFork;
    instruction.sequence = nb::cast<std::int32_t>(fields[1]);
    instruction.future = nb::cast<std::int32_t>(fields[2]);
  } else if (kind == "join" && fields.size() == 2) {
    instruction.kind = Instruction::Kind::kJoin;
    instruction.future = nb::cast<std::int32_t>(fields[1]);
  } else if (kind == "repeat" && fields.size() == 3) {
    instruction.kind = Instruction::Kind::kRepeat;
    instruction.sequence = nb::cast<std::int32_t>(fields[1]);
    instruction.count = nb::cast<std::int64_t>(fields[2]);
  } else {
    throw nb::value_error(
        "an instruction is (\"run\", name, address, buffers, sizes, num_tasks, grain[, strides]), "
        "(\"fork\", sequence, future), (\"join\", future) or (\"repeat\", sequence, count)");
  }
  return instruction;
}

std::vector<ArrayType> parse_types(nb::handle specs) {
  std::vector<ArrayType> types;
  for (nb::handle spec : specs) types.push_back(parse_array_type(spec));
  return types;
}

// ("input" or "output", index, byte offset, dtype, shape, byte strides). What is a view of an
// output must lie in it; the array that an input comes from is known in a call only.
std::vector<ResultView> parse_results(nb::handle specs, std::size_t num_inputs,
                                      const std::vector<ArrayType>& outputs) {
  std::vector<ResultView> results;
  for (nb::handle spec : specs) {
    ResultView& view = results.emplace_back();
    view.of_input = nb::cast<std::string>(spec[0]) == "input";
    view.index = nb::cast<std::size_t>(spec[1]);
    view.byte_offset = nb::cast<std::int64_t>(spec[2]);
    view.type = parse_array_type(nb::make_tuple(spec[3], spec[4]));
    std::int64_t first = view.byte_offset, last = first;
    for (nb::handle stride : spec[5]) {
      const std::size_t dim = view.byte_strides.size();
      view.byte_strides.push_back(nb::cast<npy_intp>(stride));
      if (dim >= view.type.shape.size()) break;
      const std::int64_t reach = (view.type.shape[dim] - 1) * view.byte_strides.back();
      (reach < 0 ? first : last) += reach;
    }
    if (view.byte_strides.size() != view.type.shape.size())
      throw nb::value_error("a result needs a stride for each dimension");
    if (view.index >= (view.of_input ? num_inputs : outputs.size()))
      throw nb::value_error("a result is a view of nothing");
    if (view.of_input || view.type.bytes == 0) continue;
    last += PyDataType_ELSIZE(reinterpret_cast<PyArray_Descr*>(view.type.descr.ptr()));
    if (first < 0 || last > outputs[view.index].bytes)
      throw nb::value_error("a result reaches past the output that it is a view of");
  }
  return results;
}

std::vector<std::int64_t> bytes_of(const std::vector<ArrayType>& types) {
  std::vector<std::int64_t> bytes;
  for (const ArrayType& type : types) bytes.push_back(type.bytes);
  return bytes;
}

void make_plan(BoundPlan* self, nb::handle code, std::int64_t arena_bytes, nb::handle constants,
               nb::handle inputs, nb::handle outputs, nb::object keepalive, nb::object on_status,
               nb::handle results, std::vector<std::int64_t> local_bytes) {
  PlanCode plan_code;
  for (nb::handle items : code) {
    Sequence& sequence = plan_code.sequences.emplace_back();
    for (nb::handle item : items) sequence.push_back(parse_instruction(item));
  }
  plan_code.arena_bytes = arena_bytes;
  plan_code.local_bytes = std::move(local_bytes);
  nb::list kept;
  for (nb::handle constant : constants) {
    if (!PyArray_Check(constant.ptr()) || !is_plain(as_numpy(constant)))
      throw nb::type_error("a constant must be a C-contiguous NumPy array");
    kept.append(constant);
    plan_code.constants.push_back(
        {PyArray_DATA(as_numpy(constant)), PyArray_NBYTES(as_numpy(constant))});
  }
  std::vector<ArrayType> input_types = parse_types(inputs);
  std::vector<ArrayType> output_types = parse_types(outputs);
  plan_code.input_bytes = bytes_of(input_types);
  plan_code.output_bytes = bytes_of(output_types);
  std::vector<ResultView> views = parse_results(results, input_types.size(), output_types);
  std::unique_ptr<Plan> plan = Plan::load(std::move(plan_code));
  new (self)
      BoundPlan{std::move(plan), std::move(input_types), std::move(output_types), std::move(views),
                std::move(kept), std::move(keepalive),   std::move(on_status)};
}

// The memory of arrays that must have the declared types.
std::vector<void*> check_arrays(nb::handle arrays, const std::vector<ArrayType>& types,
                                const char* what, bool writeable) {
  std::vector<void*> data;
  for (nb::handle item : arrays) {
    std::size_t i = data.size();
    std::string name = std::string(what) + " " + std::to_string(i);
    if (i >= types.size()) throw nb::value_error(("there is no " + name).c_str());
    if (!PyArray_Check(item.ptr())) throw nb::type_error((name + " is no NumPy array").c_str());
    PyArrayObject* array = as_numpy(item);
    if (!matches(types[i], array))
      throw nb::value_error(
          (name + " must be " + describe(types[i]) + ", got " + describe(array)).c_str());
    if (!is_plain(array) || (writeable && !PyArray_ISWRITEABLE(array)))
      throw nb::value_error(
          (name + (writeable ? " must be C-contiguous and writeable" : " must be C-contiguous"))
              .c_str());
    data.push_back(PyArray_DATA(array));
  }
  if (data.size() != types.size())
    throw nb::value_error(("the plan takes " + std::to_string(types.size()) + " " + what +
                           "s, got " + std::to_string(data.size()))
                              .c_str());
  return data;
}

void run_into(const BoundPlan& self, nb::handle inputs, nb::handle outputs, int threads,
              RunControl* control) {
  std::vector<void*> in = check_arrays(inputs, self.inputs, "input", false);
  std::vector<void*> out = check_arrays(outputs, self.outputs, "output", true);
  self.run(in.data(), out.data(), threads, control);
}

std::vector<std::pair<std::string, double>> profile(const BoundPlan& self, nb::handle inputs,
                                                    int repeats) {
  std::vector<void*> in = check_arrays(inputs, self.inputs, "input", false);
  std::vector<nb::object> arrays;
  std::vector<void*> out;
  for (const ArrayType& type : self.outputs) {
    arrays.push_back(make_array(type));
    out.push_back(PyArray_DATA(as_numpy(arrays.back())));
  }
  const WithoutGil released;
  return self.plan->profile(in.data(), out.data(), repeats);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (!nb::inst_ready(self)) return 0;
  auto* plan = nb::inst_ptr<BoundPlan>(self);
  Py_VISIT(plan->constants.ptr());
  Py_VISIT(plan->keepalive.ptr());
  Py_VISIT(plan->on_status.ptr());
  return 0;
}

// The constants stay: the plan points into them until it dies itself.
int clear(PyObject* self) {
  if (!nb::inst_ready(self)) return 0;
  nb::inst_ptr<BoundPlan>(self)->on_status.reset();
  return 0;
}

// Whether a signal's handler raised: the error stays set in this thread.
bool has_signal_error() {
  const WithGil held;
  return PyErr_CheckSignals() < 0;
}

// The limit of forks of the context, for what this thread forks.
class TaskLimitScope {
 public:
  TaskLimitScope() : limit_(context_task_limit()), outer_(thread_state().task_limit) {
    thread_state().task_limit = limit_;
  }
  ~TaskLimitScope() {
    thread_state().task_limit = outer_;
    if (limit_) limit_->release();
  }
  TaskLimitScope(const TaskLimitScope&) = delete;
  TaskLimitScope& operator=(const TaskLimitScope&) = delete;

 private:
  TaskLimit* limit_;
  TaskLimit* outer_;
};

// A run that is stopped because the process ends does not come back, and needs Python's lock for
// that no more: nobody is there to take an error.
Status run_unless_ended(const Plan& plan, void* const* in, void* const* out, int limit,
                        RunControl* control) {
  try {
    return plan.run(in, out, limit, control);
  } catch (const RunStopped& stopped) {
    if (stopped.reason() == RunControl::Reason::kExit) stay_for_ever();
    throw;
  }
}

PyType_Slot kSlots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                        {Py_tp_clear, reinterpret_cast<void*>(clear)},
                        {0, nullptr}};

}  // namespace

void BoundPlan::run(void* const* in, void* const* out, int threads, RunControl* control) const {
  int limit = context_limit();
  if (threads > 0) limit = limit > 0 ? std::min(limit, threads) : threads;
  std::optional<TaskLimitScope> forks_limited;
  if (plan->code().sequences.size() > 1) forks_limited.emplace();
  const bool looks_for_signals = is_main_thread();
  RunControl own;
  if (looks_for_signals && !control) control = &own;
  Status status;
  try {
    const WithoutGil released;
    std::optional<InterruptScope> interrupts;
    if (looks_for_signals) interrupts.emplace(has_signal_error, *control);
    status = run_unless_ended(*plan, in, out, limit, control);
  } catch (const RunStopped&) {
    if (PyErr_Occurred()) nb::raise_python_error();
    throw;
  }
  if (status[0] == 0) return;
  if (on_status.is_valid() && !on_status.is_none())
    call_python([&] { on_status(status[0], nb::make_tuple(status[1], status[2], status[3])); });
  else
    throw std::runtime_error("a kernel failed with status " + std::to_string(status[0]));
}

nb::object BoundPlan::view_results(const std::vector<nb::object>& given, nb::handle made) const {
  nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(results.size())));
  if (!tuple.is_valid()) nb::raise_python_error();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ResultView& view = results[i];
    nb::object whole = view.of_input ? given[view.index] : nb::object(made[view.index]);
    nb::object result = make_view(whole, view.type, view.byte_offset, view.byte_strides.data());
    PyTuple_SET_ITEM(tuple.ptr(), static_cast<Py_ssize_t>(i), result.release().ptr());
  }
  return tuple;
}

void bind_plan(nb::module_& m) {
  nb::class_<BoundPlan>(m, "Plan", nb::type_slots(kSlots),
                        "A compiled model bound to its input shapes: kernel calls over one arena.")
      .def("__init__", make_plan, nb::arg("code"), nb::arg("arena_bytes"), nb::arg("constants"),
           nb::arg("inputs"), nb::arg("outputs"), nb::arg("keepalive") = nb::none(),
           nb::arg("on_status") = nb::none(), nb::arg("results") = nb::make_tuple(),
           nb::arg("local_bytes") = nb::make_tuple(),
           "Check the code once; raise PlanError, naming the instruction, if it is not sound.")
      .def("run", run_into, nb::arg("inputs"), nb::arg("outputs"), nb::arg("threads") = 0,
           nb::arg("control") = nb::none(),
           "Run into the caller's arrays, with at most `threads` threads if that is not 0.")
      .def("profile", profile, nb::arg("inputs"), nb::arg("repeats") = 1,
           "Name and median seconds of each kernel call, forks run in place.");
}

}  // namespace treadle
