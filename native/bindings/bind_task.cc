#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <nanobind/stl/optional.h>

#include "bindings.h"
#include "bound_plan.h"
#include "fork_handlers.h"
#include "gil.h"
#include "scheduler.h"
#include "thread_state.h"
#include "treadle/trace.h"
#include "waiting.h"

namespace treadle {
namespace {

// A Python callable to run, or, without one, a promise that somebody completes. Counted by the
// Python object and, from `submit` until the body is done, by the queue.
struct PythonTask : Task {
  std::atomic<int> owners{1};
  PyObject* function = nullptr;  // owned; the GIL guards it

  TaskLimit* own_limit = nullptr;  // retained

  ~PythonTask() {
    if (own_limit) own_limit->release();
  }
  void release() {
    if (owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
};

// Bodies under way, whichever pool runs them: the interpreter must not go while they need it.
std::atomic<int> num_running{0};
std::atomic<bool> is_ending{false};
std::atomic<bool> is_shut_down{false};

// In a child it is the thread that forked.
thread_local std::optional<bool> is_main;

// Python's idea of the calling thread, from its first task to its end if Python does not know it.
//
// Made without the GIL, under a lock that a fork of the process waits for: Python takes its list of
// threads' lock in the child before it mends that lock (3.11), and would wait for ever for a thread
// that was making a state.
class PythonThread {
 public:
  PythonThread() {
    if (PyGILState_GetThisThreadState()) return;
    std::lock_guard lock(mutex());
    state_ = PyThreadState_New(PyInterpreterState_Main());
  }
  ~PythonThread() {
    if (!state_) return;
    num_running.fetch_add(1);
    take_gil(state_);
    PyThreadState_Clear(state_);
    PyThreadState_DeleteCurrent();
    num_running.fetch_sub(1);
  }
  PythonThread(const PythonThread&) = delete;
  PythonThread& operator=(const PythonThread&) = delete;

 private:
  static ForkSafeMutex& mutex() {
    static auto* made = new ForkSafeMutex;
    return *made;
  }

  PyThreadState* state_ = nullptr;
};

// Python's limit of nested calls, whole for each task, as on a thread of its own: the C stack,
// which that limit protects, is watched where tasks nest.
class RecursionScope {
 public:
#if PY_VERSION_HEX >= 0x030C0000
  RecursionScope() : left_(state_->py_recursion_remaining) {
    state_->py_recursion_remaining = state_->py_recursion_limit;
  }
  ~RecursionScope() { state_->py_recursion_remaining = left_; }
#elif PY_VERSION_HEX >= 0x030B0000
  RecursionScope() : left_(state_->recursion_remaining) {
    state_->recursion_remaining = state_->recursion_limit;
  }
  ~RecursionScope() { state_->recursion_remaining = left_; }
#else
  RecursionScope() : left_(state_->recursion_depth) { state_->recursion_depth = 0; }
  ~RecursionScope() { state_->recursion_depth = left_; }
#endif
  RecursionScope(const RecursionScope&) = delete;
  RecursionScope& operator=(const RecursionScope&) = delete;

 private:
  PyThreadState* const state_ = PyThreadState_Get();
  const int left_;
};

void call_function(PyObject* function) {
  const RecursionScope fresh;
  PyObject* result = call_python([function] { return PyObject_CallNoArgs(function); });
  if (result)
    Py_DECREF(result);
  else
    PyErr_WriteUnraisable(function);
}

// Counts a task until its end. Of those that begin when the process ends, it waits for none: they
// are in others, or in daemon threads.
class RunningScope {
 public:
  RunningScope() {
    num_running.fetch_add(1);
    if (!is_ending.load()) return;
    num_running.fetch_sub(1);
    counts_ = false;
  }
  ~RunningScope() {
    if (counts_) num_running.fetch_sub(1);
  }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;

 private:
  bool counts_ = true;
};

void run_python(Task& task) {
  trace::Scope traced(trace::Kind::kHost);
  auto& self = static_cast<PythonTask&>(task);
  const RunningScope running;
  stay_if_shut_down();
  static thread_local const PythonThread known;
  {
    const WithGil held;
    call_function(self.function);
    Py_CLEAR(self.function);
  }
  self.done.set();
  self.release();
}

class TaskHandle {
 public:
  TaskHandle() : task_(new PythonTask) { Scheduler::instance().add_open_promises(1); }
  TaskHandle(nb::object function, bool may_run_early) : task_(new PythonTask) {
    task_->function = function.release().ptr();
    task_->body = run_python;
    task_->is_hosted = true;
    task_->limit = task_->own_limit = context_task_limit();
    task_->may_run_early = may_run_early;
    task_->owners.store(2);
    const WithoutGil released;
    Scheduler::instance().submit(*task_);
  }
  TaskHandle(const TaskHandle&) = delete;
  TaskHandle& operator=(const TaskHandle&) = delete;
  ~TaskHandle() {
    if (!task_->body && !task_->done.ready()) Scheduler::instance().add_open_promises(-1);
    task_->release();
  }

  bool done() const { return task_->done.ready(); }

  bool wait(std::optional<double> seconds) {
    return done() || wait_for_signals_too(seconds, [this](std::int64_t deadline_ns) {
             return Scheduler::instance().wait_until(*task_, deadline_ns);
           });
  }

  // Gives the task up if nobody has started it.
  bool cancel() {
    if (!task_->body) return false;
    if (!Scheduler::instance().queue().claim(*task_)) return false;
    PyObject* function = std::exchange(task_->function, nullptr);
    task_->done.set();
    task_->release();
    Py_XDECREF(function);
    return true;
  }

  void complete() {
    if (task_->body) throw nb::value_error("a submitted task completes by itself");
    if (done()) throw nb::value_error("the task is complete already");
    Scheduler::instance().add_open_promises(-1);
    task_->done.set();
  }

 private:
  PythonTask* task_;
};

// What is queued stays there, for tasks that run and wait for it.
bool shut_down(double seconds) {
  const WithoutGil released;
  is_ending.store(true);
  const std::int64_t deadline = monotonic_ns() + static_cast<std::int64_t>(seconds * 1e9);
  bool stopped = Scheduler::instance().shut_down(deadline);
  while (num_running.load() > 0 && monotonic_ns() < deadline)
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  is_shut_down.store(true);
  return stopped && num_running.load() == 0;
}

}  // namespace

void stay_if_shut_down() noexcept {
  if (!is_shut_down.load(std::memory_order_relaxed)) [[likely]]
    return;
  if (!is_main_thread()) stay_for_ever();
}

void stay_for_ever() noexcept {
  while (true) pause();
}

bool is_main_thread() noexcept {
  if (!is_main) is_main = getpid() == gettid();
  return *is_main;
}

void bind_task(nb::module_& m) {
  at_fork_in_child([] {
    num_running.store(0);  // they run on in the parent
    is_main = true;
  });
  nb::class_<TaskHandle>(m, "Task",
                         "An inter-op task, or without a function a promise to complete.")
      .def(nb::init<>(), "A promise.")
      .def(
          nb::init<nb::object, bool>(), nb::arg("function"), nb::arg("may_run_early") = true,
          "Queue `function()`, which must not raise. `may_run_early`: it waits only for tasks made "
          "before it, so a thread that waits for a later one may run it first.")
      .def("done", &TaskHandle::done, "Whether the task is finished.")
      .def("wait", &TaskHandle::wait, nb::arg("seconds") = nb::none(),
           "Wait for the end, running the task here if nobody started it; False after `seconds`.")
      .def("cancel", &TaskHandle::cancel,
           "Give a submitted task up; False if somebody has started it.")
      .def("complete", &TaskHandle::complete, "Fulfil a promise.");
  m.def("shut_down", shut_down, nb::arg("seconds"),
        "Stop runs that no task waits for and end the workers, which leave queued tasks to those "
        "who wait for them; False if some still run after `seconds`.");
}

}  // namespace treadle
