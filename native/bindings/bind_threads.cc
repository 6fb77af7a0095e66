#include <nanobind/stl/string.h>
#include <algorithm>

#include "affinity.h"
#include "bindings.h"
#include "bound_plan.h"
#include "budget.h"
#include "scheduler.h"
#include "treadle/parallel.h"

namespace treadle {
namespace {

// contextvars.ContextVar, for ever
PyObject* limits_variable = nullptr;
PyObject* task_limits_variable = nullptr;

// Python's owner of a limit.
class TaskLimitHandle {
 public:
  explicit TaskLimitHandle(int max) : limit_(new TaskLimit(std::max(max, 1))) {}
  TaskLimitHandle(const TaskLimitHandle&) = delete;
  TaskLimitHandle& operator=(const TaskLimitHandle&) = delete;
  ~TaskLimitHandle() { limit_->release(); }
  TaskLimit* get() const { return limit_; }

 private:
  TaskLimit* limit_;
};

nb::dict cpu_limits(const std::string& root) {
  CpuLimits limits = read_cpu_limits(root);
  nb::dict result;
  result["affinity"] = limits.affinity;
  result["cores"] = limits.cores;
  result["quota"] = limits.quota;
  return result;
}

void use_backend(const std::string& name, const std::string& plugin, const std::string& library) {
  Scheduler& scheduler = Scheduler::instance();
  if (name == "native")
    scheduler.use_native();
  else if (name == "serial")
    scheduler.use_serial();
  else
    scheduler.use_plugin(plugin, library);
}

}  // namespace

int context_limit() {
  PyObject* value = nullptr;
  if (PyContextVar_Get(limits_variable, Py_None, &value) < 0) nb::raise_python_error();
  nb::object limit = nb::steal(value);
  return limit.is_none() ? 0 : nb::cast<int>(limit);
}

TaskLimit* context_task_limit() {
  PyObject* value = nullptr;
  if (PyContextVar_Get(task_limits_variable, Py_None, &value) < 0) nb::raise_python_error();
  nb::object limit = nb::steal(value);
  if (limit.is_none()) return nullptr;
  TaskLimit* found = nb::cast<TaskLimitHandle&>(limit).get();
  found->retain();
  return found;
}

void bind_threads(nb::module_& m) {
  nb::class_<TaskLimitHandle>(m, "TaskLimit", "How many forks of a scope run side by side.")
      .def(nb::init<int>(), nb::arg("max"))
      .def_prop_ro("max", [](const TaskLimitHandle& self) { return self.get()->max; });
  task_limits_variable = PyContextVar_New("treadle_inter_limit", nullptr);
  if (!task_limits_variable) nb::raise_python_error();
  m.attr("inter_limit") = nb::borrow(task_limits_variable);
  limits_variable = PyContextVar_New("treadle_intra_limit", nullptr);
  if (!limits_variable) nb::raise_python_error();
  m.attr("intra_limit") = nb::borrow(limits_variable);

  m.def("get_num_threads", get_num_threads, "The setting of intra-op threads.");
  m.def("set_num_threads", set_num_threads, nb::arg("threads"), "Set the intra-op threads.");
  m.def("get_num_interop_threads", get_num_interop_threads, "The setting of inter-op threads.");
  m.def("set_num_interop_threads", set_num_interop_threads, nb::arg("threads"),
        "Set the inter-op threads.");
  m.def("get_thread_num", get_thread_num, "The chunk's index inside a parallel region, else 0.");
  m.def("in_parallel_region", in_parallel_region,
        "Whether the caller is inside a parallel region.");
  m.def(
      "get_budget", [] { return Scheduler::instance().budget(); },
      "How many threads compute at most.");
  m.def(
      "set_budget", [](int budget) { Scheduler::instance().set_budget(budget); }, nb::arg("budget"),
      "Set how many threads compute at most.");
  m.def(
      "set_spin_us", [](int us) { Scheduler::instance().set_spin_us(us); }, nb::arg("us"),
      "Set how long an idle thread spins before it sleeps.");
  m.def(
      "set_affinity", [](const std::string& name) { set_affinity(parse_affinity(name)); },
      nb::arg("name"), "Tie workers to processors from now on: none, compact or spread.");
  m.def(
      "peak_computing", [] { return Scheduler::instance().native_pool().admission().take_peak(); },
      "The most threads that computed at a time since the last call.");
  m.def(
      "has_forked", [] { return Scheduler::instance().queue().num_pushed() > 0; },
      "Whether a task was ever forked.");
  m.def(
      "num_waiting", [] { return Scheduler::instance().native_pool().admission().num_waiting(); },
      "How many threads wait to compute.");
  m.def("cpu_limits", cpu_limits, nb::arg("root") = "",
        "CPUs of the affinity mask, physical cores among them, and the cgroup quota (0: none).");
  m.def("use_backend", use_backend, nb::arg("name"), nb::arg("plugin") = "",
        nb::arg("library") = "",
        "Make a thread pool current: native, serial, or one from a plugin that needs a library.");
  m.def(
      "backend", [] { return std::string(Scheduler::instance().pool().name()); },
      "The name of the current thread pool.");
  m.def(
      "num_workers", [] { return Scheduler::instance().native_pool().num_workers(); },
      "How many native worker threads exist.");
}

}  // namespace treadle
