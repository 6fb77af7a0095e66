// Python's lock, and threads that ask for it when the interpreter is going.
//
// Until 3.14 Python ends a thread that asks then, by unwinding its stack: through our frames, which
// would end the process, or give back what needs the lock. Such threads stay where they are.
#pragma once

#include <cxxabi.h>

#include "bindings.h"

namespace treadle {

// Without the lock: once the interpreter is going, only the main thread comes back from here.
void stay_if_shut_down() noexcept;

[[noreturn]] void stay_for_ever() noexcept;

// Whether the calling thread is the one that handles the process's signals.
bool is_main_thread() noexcept;

// Calls what may ask for the lock: Python's functions, and all that may run any of them.
template <typename F>
auto call_python(const F& f) {
  try {
    return f();
  } catch (abi::__forced_unwind&) {
    stay_for_ever();
  }
}

// Takes the lock for the calling thread, whose state this is.
inline void take_gil(PyThreadState* state) {
  stay_if_shut_down();
  call_python([state] { PyEval_RestoreThread(state); });
}

// Gives the lock back in a scope.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() { take_gil(state_); }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

// Has the lock in a scope, in a thread that Python may not know.
class WithGil {
 public:
  WithGil() : state_(call_python([] { return PyGILState_Ensure(); })) {}
  ~WithGil() { PyGILState_Release(state_); }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  PyGILState_STATE state_;
};

}  // namespace treadle
