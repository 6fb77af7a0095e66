// One `bind_<class>` per file; module.cc calls them.
#pragma once

#include <nanobind/nanobind.h>

namespace treadle {

namespace nb = nanobind;

void bind_arrays(nb::module_& m);
void bind_control(nb::module_& m);
void bind_elimination(nb::module_& m);
void bind_function(nb::module_& m);
void bind_memory(nb::module_& m);
void bind_plan(nb::module_& m);
void bind_program(nb::module_& m);
void bind_random(nb::module_& m);
void bind_reflections(nb::module_& m);
void bind_rotations(nb::module_& m);
void bind_routine(nb::module_& m);
void bind_task(nb::module_& m);
void bind_tensor(nb::module_& m);
void bind_threads(nb::module_& m);
void bind_trace(nb::module_& m);

}  // namespace treadle
