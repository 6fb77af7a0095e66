#include "errors.h"

#include <new>
#include <typeinfo>

#include "treadle/plan.h"
#include "treadle/run_control.h"

namespace treadle {

namespace nb = nanobind;

namespace {

void raise_stopped(const RunStopped& stopped) {
  const bool is_late = stopped.reason() == RunControl::Reason::kDeadline;
  raise_as(is_late ? "DeadlineExceeded" : "Cancelled", stopped.what());
}

}  // namespace

void raise_as(const char* name, const std::string& message) {
  nb::object type = nb::module_::import_("treadle.errors").attr(name);
  PyErr_SetString(type.ptr(), message.c_str());
}

void set_python_error() noexcept {
  try {
    throw;
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const nb::builtin_exception& error) {
    PyErr_SetString(
        error.type() == nb::exception_type::type_error ? PyExc_TypeError : PyExc_ValueError,
        error.what());
  } catch (const PlanError& error) {
    raise_as("PlanError", error.what());
  } catch (const RunStopped& stopped) {
    raise_stopped(stopped);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

void register_errors() {
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    try {
      std::rethrow_exception(error);
    } catch (const PlanError& plan_error) {
      raise_as("PlanError", plan_error.what());
    } catch (const RunStopped& stopped) {
      raise_stopped(stopped);
    } catch (const std::bad_cast&) {
      PyErr_SetString(PyExc_TypeError, "a field of a plan has the wrong type, or does not fit it");
    }
  });
}

}  // namespace treadle
