// C++ exceptions as the classes of treadle.errors.
#pragma once

#include <nanobind/nanobind.h>

#include <exception>
#include <string>

namespace treadle {

// Sets the error called `name` of treadle.errors.
void raise_as(const char* name, const std::string& message);

// Sets the Python error for the exception being handled.
void set_python_error() noexcept;

// Calls `f`, which returns an object, from a C slot.
template <typename F>
PyObject* translate_errors(const F& f) noexcept {
  try {
    return f().release().ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

void register_errors();

}  // namespace treadle
