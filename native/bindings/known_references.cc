// Operators without a program are run by their references, which take and give NumPy arrays.
#include "gil.h"
#include "known_calls.h"

namespace treadle {
namespace {

// The array of a tensor of the call, where it lies: a reference may write to it.
nb::object own_array(const nb::object& tensor) {
  if (!is_tensor(tensor)) return tensor;
  PyArrayObject* array = array_in(tensor.ptr());
  if (!array) nb::raise_python_error();
  return nb::borrow(reinterpret_cast<PyObject*>(array));
}

// What a reference gave, with Tensors for arrays, and tensors of the call for their own arrays.
class Wrapping {
 public:
  Wrapping(const CallKey& key, const std::vector<nb::object>& arrays, nb::handle tensor)
      : key_(key), arrays_(arrays), tensor_(tensor) {}

  nb::object wrap(const nb::object& value) const {
    if (PyArray_CheckExact(value.ptr())) return wrap_array(value);
    if (PyList_CheckExact(value.ptr())) return list_of(wrap_items(value));
    if (!PyArray_Check(value.ptr()) && !PyArray_IsScalar(value.ptr(), Generic)) return value;
    nb::object array =
        nb::steal(PyArray_FromAny(value.ptr(), nullptr, 0, 0, NPY_ARRAY_ENSUREARRAY, nullptr));
    if (!array.is_valid()) nb::raise_python_error();
    return make_tensor(tensor_, array);
  }

  std::vector<nb::object> wrap_items(nb::handle items) const {
    std::vector<nb::object> wrapped;
    for (nb::handle item : items) wrapped.push_back(wrap(nb::borrow(item)));
    return wrapped;
  }

 private:
  nb::object wrap_array(const nb::object& array) const {
    for (std::size_t i = 0; i < arrays_.size(); ++i)
      if (arrays_[i].is(array)) return key_.tensors[i];
    return make_tensor(tensor_, array);
  }

  const CallKey& key_;
  const std::vector<nb::object>& arrays_;
  nb::handle tensor_;
};

// Gives a context variable a value in a scope, if there is one.
class Setting {
 public:
  Setting(const nb::object& variable, const nb::object& value) : variable_(variable) {
    if (!variable.is_valid()) return;
    token_ = nb::steal(PyContextVar_Set(variable.ptr(), value.ptr()));
    if (!token_.is_valid()) nb::raise_python_error();
  }
  ~Setting() {
    if (token_.is_valid() && PyContextVar_Reset(variable_.ptr(), token_.ptr()) < 0) PyErr_Clear();
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const nb::object& variable_;
  nb::object token_;
};

nb::object call_reference(const Reference& reference, const std::vector<nb::object>& arrays) {
  std::vector<PyObject*> values;
  values.reserve(reference.arguments.size());
  for (std::size_t i = 0; i < reference.arguments.size(); ++i) {
    const int place = reference.places[i];
    values.push_back(place < 0 ? reference.arguments[i].ptr() : arrays[place].ptr());
  }
  const Setting silenced(reference.variable, reference.value);
  nb::object result = nb::steal(call_python([&] {
    return PyObject_Vectorcall(reference.function.ptr(), values.data(), values.size(), nullptr);
  }));
  if (!result.is_valid()) nb::raise_python_error();
  return result;
}

nb::object wrap_result(const KnownCall& call, const Wrapping& wrapping, const nb::object& result) {
  if (!PyTuple_CheckExact(result.ptr()) && !PyList_CheckExact(result.ptr()))
    return wrapping.wrap(result);
  nb::tuple all(list_of(wrapping.wrap_items(result)));
  if (call.make.is_none()) return all;
  return make_tuple_of(call.make, all);
}

}  // namespace

nb::object run_reference(const KnownCall& call, const CallKey& key, nb::handle tensor) {
  std::vector<nb::object> arrays;
  arrays.reserve(key.tensors.size());
  for (const nb::object& given : key.tensors) arrays.push_back(own_array(given));
  return wrap_result(call, Wrapping(key, arrays, tensor), call_reference(*call.reference, arrays));
}

}  // namespace treadle
