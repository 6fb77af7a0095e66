# The Python module treadle._native.
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module NumPy)
execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
                OUTPUT_STRIP_TRAILING_WHITESPACE OUTPUT_VARIABLE nanobind_ROOT)
find_package(nanobind CONFIG REQUIRED)

nanobind_add_module(_native NB_STATIC NOMINSIZE
  native/bindings/arrays.cc
  native/bindings/bind_arrays.cc
  native/bindings/bind_control.cc
  native/bindings/bind_elimination.cc
  native/bindings/bind_function.cc
  native/bindings/bind_memory.cc
  native/bindings/bind_plan.cc
  native/bindings/bind_program.cc
  native/bindings/bind_random.cc
  native/bindings/bind_reflections.cc
  native/bindings/bind_rotations.cc
  native/bindings/bind_routine.cc
  native/bindings/bind_task.cc
  native/bindings/bind_tensor.cc
  native/bindings/bind_threads.cc
  native/bindings/bind_trace.cc
  native/bindings/errors.cc
  native/bindings/known_calls.cc
  native/bindings/known_views.cc
  native/bindings/matrices.cc
  native/bindings/module.cc
  native/bindings/known_references.cc
  native/bindings/signature.cc
  native/bindings/tensor.cc)
target_include_directories(_native PRIVATE native/src)
target_link_libraries(_native PRIVATE treadle_core Python::NumPy)
install(TARGETS _native LIBRARY DESTINATION treadle)
set_target_properties(_native PROPERTIES BUILD_RPATH "$ORIGIN" INSTALL_RPATH "$ORIGIN")
