#include "program.h"

#include "bindings.h"
#include "errors.h"

namespace treadle {
namespace {

int parse_threads(PyObject* value) {
  if (value == Py_None) return 0;
  long threads = PyLong_AsLong(value);
  if (threads == -1 && PyErr_Occurred()) nb::raise_python_error();
  if (threads < 1 || threads > INT32_MAX)
    throw nb::value_error("threads must be a positive integer");
  return static_cast<int>(threads);
}

CallOptions parse_options(PyObject* kwargs) {
  CallOptions options;
  if (!kwargs) return options;
  Py_ssize_t position = 0;
  PyObject *name, *value;
  while (PyDict_Next(kwargs, &position, &name, &value)) {
    if (PyUnicode_CompareWithASCIIString(name, "threads") == 0) {
      options.threads = parse_threads(value);
    } else if (PyUnicode_CompareWithASCIIString(name, "control") == 0 &&
               (value == Py_None || nb::isinstance<RunControl>(value))) {
      options.control = value == Py_None ? nullptr : nb::inst_ptr<RunControl>(value);
    } else {
      throw nb::type_error("a program takes arrays and the keyword threads or control");
    }
  }
  return options;
}

// tp_call itself rather than a bound __call__: the way through nanobind's overload resolution costs
// more than a small plan.
PyObject* call_program(PyObject* self, PyObject* args, PyObject* kwargs) {
  return translate_errors([&] {
    return nb::inst_ptr<Program>(self)->call(&PyTuple_GET_ITEM(args, 0),
                                             static_cast<std::size_t>(PyTuple_GET_SIZE(args)),
                                             parse_options(kwargs));
  });
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return nb::inst_ready(self) ? nb::inst_ptr<Program>(self)->traverse(visit, arg) : 0;
}

int clear(PyObject* self) {
  if (nb::inst_ready(self)) nb::inst_ptr<Program>(self)->clear();
  return 0;
}

PyType_Slot kSlots[] = {{Py_tp_call, reinterpret_cast<void*>(call_program)},
                        {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                        {Py_tp_clear, reinterpret_cast<void*>(clear)},
                        {0, nullptr}};

}  // namespace

void bind_program(nb::module_& m) {
  nb::class_<Program>(
      m, "Program", nb::type_slots(kSlots),
      "A model compiled for any shapes: `program(*arrays, threads=n, control=c)` binds and runs "
      "it.")
      .def(nb::init<nb::object, nb::object, std::size_t, nb::object>(), nb::arg("bind"),
           nb::arg("wrap") = nb::none(), nb::arg("capacity") = 64, nb::arg("refusal") = nb::none(),
           "`bind(((dtype, shape), ...))` makes the plan for new types and shapes, of which the "
           "last `capacity` are kept; `wrap` is called on each result. Where `bind` raises "
           "`refusal` there is no plan, and it is not asked again.")
      .def("plan_for", &Program::plan_for, "The plan for such arguments.")
      .def_prop_ro("num_plans", &Program::num_plans, "How many plans are kept.")
      .def("clear", &Program::clear_plans, "Drop all plans.");
}

}  // namespace treadle
