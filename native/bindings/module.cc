// The Python module treadle._native.
#include "arrays.h"
#include "bindings.h"
#include "errors.h"

NB_MODULE(_native, m) {
  m.doc() = "The native core: threads, tasks, plans, and the memory of results.";
  // At exit, tasks that nobody started are left as they are, and threads may still run.
  nanobind::set_leak_warnings(false);
  treadle::import_numpy();
  treadle::register_errors();
  treadle::bind_arrays(m);
  treadle::bind_control(m);
  treadle::bind_tensor(m);  // before those that look for the arrays of tensors
  treadle::bind_function(m);
  treadle::bind_elimination(m);
  treadle::bind_memory(m);
  treadle::bind_plan(m);
  treadle::bind_program(m);
  treadle::bind_random(m);
  treadle::bind_reflections(m);
  treadle::bind_rotations(m);
  treadle::bind_routine(m);
  treadle::bind_task(m);
  treadle::bind_threads(m);
  treadle::bind_trace(m);
}
