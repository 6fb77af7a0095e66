#include "bindings.h"
#include "errors.h"
#include "gil.h"
#include "known_calls.h"
// It needs Python.h, which comes with the others.
#include <structmember.h>

namespace treadle {
namespace {

constexpr std::size_t kCapacity = 1024;

// `Function(unknown, tensor)`: calls that it knows take no step in Python, others go to `unknown`.
struct FunctionObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* attributes;
  PyObject* unknown;
  std::shared_ptr<KnownCalls> calls;
};

FunctionObject* as_function(PyObject* self) { return reinterpret_cast<FunctionObject*>(self); }

// What a program raised; the slow way says it better, or gives what no plan can.
bool forget_exception() {
  if (!PyErr_ExceptionMatches(PyExc_Exception)) return false;
  PyErr_Clear();
  return true;
}

// The result without a step in Python that is none of the operator's; null if there is none, with
// an error set if something failed.
PyObject* run_natively(const KnownCall& call, const CallKey& key, nb::handle tensor) {
  PyObject* result = translate_errors(
      [&] { return call.views ? make_views(call, key, tensor) : run_program(call, key); });
  if (result || PyErr_Occurred() || !call.reference) return result;
  return translate_errors([&] { return run_reference(call, key, tensor); });
}

// Null with an error set, or the result of a call of which `key` was found.
PyObject* run_known(const KnownCall& call, const CallKey& key, nb::handle tensor) {
  PyObject* result = run_natively(call, key, tensor);
  if (!result && PyErr_Occurred() && !forget_exception()) return nullptr;
  if (result && !call.views) return result;
  return translate_errors([&] {
    nb::object made = result ? nb::steal(result) : nb::object(call.run(list_of(key.tensors)));
    return call.views && remember_views(call, key, tensor, made) ? make_views(call, key, tensor)
                                                                 : made;
  });
}

PyObject* call_function(PyObject* self, PyObject* const* values, std::size_t flagged,
                        PyObject* names) {
  FunctionObject* function = as_function(self);
  const auto count = static_cast<std::size_t>(PyVectorcall_NARGS(flagged));
  CallKey key;
  std::shared_ptr<const KnownCall> known;
  try {
    if (function->calls->read(key, values, count, names, false)) known = function->calls->find(key);
  } catch (...) {
    set_python_error();
    return nullptr;
  }
  if (known) return run_known(*known, key, function->calls->tensor_class());
  return call_python([&] { return PyObject_Vectorcall(function->unknown, values, count, names); });
}

PyObject* bind_method(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

std::vector<nb::object> parse_inputs(nb::handle inputs) {
  std::vector<nb::object> parsed;
  for (nb::handle input : inputs)
    parsed.push_back(PyLong_Check(input.ptr()) ? nb::borrow(input) : as_plain(array_of(input)));
  return parsed;
}

bool are_in_order(const std::vector<nb::object>& inputs, std::size_t num_tensors) {
  if (inputs.size() != num_tensors) return false;
  for (std::size_t i = 0; i < num_tensors; ++i)
    if (!PyLong_Check(inputs[i].ptr()) || nb::cast<std::size_t>(inputs[i]) != i) return false;
  return true;
}

bool is_tuple_class(PyObject* object) {
  return PyType_Check(object) &&
         PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(object), &PyTuple_Type);
}

void check_indices(const KnownCall& call, std::size_t num_tensors) {
  for (const nb::object& input : call.inputs)
    if (PyLong_Check(input.ptr()) && nb::cast<std::size_t>(input) >= num_tensors)
      throw nb::value_error("an input is none of the call's tensors");
  if (call.target >= static_cast<int>(num_tensors))
    throw nb::value_error("the target is none of the call's tensors");
}

// (function, arguments, places, None or (variable, value))
std::unique_ptr<Reference> parse_reference(nb::handle spec, std::size_t num_tensors) {
  auto reference = std::make_unique<Reference>();
  reference->function = spec[0];
  for (nb::handle argument : spec[1]) reference->arguments.push_back(nb::borrow(argument));
  for (nb::handle place : spec[2]) reference->places.push_back(nb::cast<int>(place));
  if (nb::object setting = spec[3]; !setting.is_none()) {
    reference->variable = setting[0];
    reference->value = setting[1];
  }
  bool fits = reference->arguments.size() == reference->places.size();
  for (int place : reference->places) fits = fits && place < static_cast<int>(num_tensors);
  if (!fits) throw nb::value_error("the reference takes what is none of the call's tensors");
  return reference;
}

// remember(args, kwargs, run, program, inputs, make, target, gives_views, reference)
nb::object remember_call(FunctionObject* function, PyObject* args) {
  PyObject *given, *keywords, *run, *program, *inputs, *make, *reference;
  int target, gives_views;
  if (!PyArg_ParseTuple(args, "O!O!OOOOipO", &PyTuple_Type, &given, &PyDict_Type, &keywords, &run,
                        &program, &inputs, &make, &target, &gives_views, &reference))
    nb::raise_python_error();
  std::vector<PyObject*> values(&PyTuple_GET_ITEM(given, 0),
                                &PyTuple_GET_ITEM(given, 0) + PyTuple_GET_SIZE(given));
  nb::list names;
  for (auto [name, value] : nb::borrow<nb::dict>(keywords)) {
    names.append(name);
    values.push_back(value.ptr());
  }
  CallKey key;
  const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(given));
  if (!function->calls->read(key, values.data(), count, nb::tuple(names).ptr(), true))
    return nb::bool_(false);
  KnownCall call;
  call.run = nb::borrow(run);
  call.program = nb::borrow(program);
  call.make = nb::borrow(make);
  if (make != Py_None && !is_tuple_class(make))
    throw nb::type_error("make must be a class of tuples");
  call.target = target;
  if (reference != Py_None) call.reference = parse_reference(reference, key.tensors.size());
  if (gives_views && key.tensors.size() == 1) call.views = std::make_shared<KnownViews>();
  if (!call.program.is_none()) {
    if (!nb::isinstance<Program>(call.program)) throw nb::type_error("program must be a Program");
    call.inputs = parse_inputs(inputs);
    call.in_order = are_in_order(call.inputs, key.tensors.size());
  }
  check_indices(call, key.tensors.size());
  function->calls->add(std::move(key), std::move(call));
  return nb::bool_(true);
}

PyObject* remember(PyObject* self, PyObject* args) {
  return translate_errors([&] { return remember_call(as_function(self), args); });
}

PyObject* share(PyObject* self, PyObject* other) {
  if (!Py_IS_TYPE(other, Py_TYPE(self))) {
    PyErr_SetString(PyExc_TypeError, "share takes a Function");
    return nullptr;
  }
  as_function(self)->calls = as_function(other)->calls;
  Py_RETURN_NONE;
}

// Functions are pickled by name.
PyObject* reduce(PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__name__"); }

PyObject* make_function(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *unknown, *tensor;
  if (!PyArg_ParseTuple(args, "OO!", &unknown, &PyType_Type, &tensor)) return nullptr;
  if (!is_tensor_type(tensor)) {
    PyErr_SetString(PyExc_TypeError, "tensors must be of a class of TensorBase");
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  FunctionObject* function = as_function(self);
  function->vectorcall = call_function;
  function->unknown = Py_NewRef(unknown);
  new (&function->calls)
      std::shared_ptr<KnownCalls>(std::make_shared<KnownCalls>(nb::borrow(tensor), kCapacity));
  return self;
}

// The known calls may be another function's too, so they are not visited: functions live as long
// as the process.
int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_function(self)->unknown);
  Py_VISIT(as_function(self)->attributes);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(as_function(self)->unknown);
  Py_CLEAR(as_function(self)->attributes);
  return 0;
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  as_function(self)->calls.~shared_ptr();
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef kMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(FunctionObject, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(FunctionObject, attributes), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyGetSetDef kAttributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef kMethods[] = {
    {"remember", remember, METH_VARARGS,
     "remember(args, kwargs, run, program, inputs, make, target, gives_views, reference): run "
     "calls "
     "like this one by `program` on `inputs`, or by `reference`, or else by `run(tensors)`."},
    {"share", share, METH_O, "Know the calls that another function knows, now and later."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot kSlots[] = {{Py_tp_new, reinterpret_cast<void*>(make_function)},
                        {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
                        {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                        {Py_tp_clear, reinterpret_cast<void*>(clear)},
                        {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                        {Py_tp_descr_get, reinterpret_cast<void*>(bind_method)},
                        {Py_tp_members, kMembers},
                        {Py_tp_getset, kAttributes},
                        {Py_tp_methods, kMethods},
                        {0, nullptr}};

PyType_Spec kSpec = {"treadle._native.Function", sizeof(FunctionObject), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                         Py_TPFLAGS_METHOD_DESCRIPTOR,
                     kSlots};

}  // namespace

void bind_function(nb::module_& m) {
  nb::object type = nb::steal(PyType_FromSpec(&kSpec));
  if (!type.is_valid()) nb::raise_python_error();
  m.attr("Function") = type;
}

}  // namespace treadle
