#include "tensor.h"

#include <utility>
#include <vector>

#include "errors.h"

namespace treadle {
namespace {

PyTypeObject* tensor_base = nullptr;

constexpr std::size_t kMaxDtypes = 64;

// The dtypes that were asked for, by NumPy's, of which there is one object each but for foreign
// byte orders. Guarded by the GIL.
std::vector<std::pair<PyArray_Descr*, TensorDtype>>& known_dtypes() {
  static std::vector<std::pair<PyArray_Descr*, TensorDtype>> known;
  return known;
}

TensorDtype ask_for_dtype(PyArrayObject* array) {
  nb::object dtype =
      nb::steal(PyObject_CallOneArg(tensor_hooks().dtype_of, reinterpret_cast<PyObject*>(array)));
  if (!dtype.is_valid()) nb::raise_python_error();
  return {dtype.ptr(), nb::cast<bool>(dtype.attr("is_floating_point")),
          nb::cast<bool>(dtype.attr("is_complex"))};
}

}  // namespace

TensorHooks& tensor_hooks() {
  static TensorHooks hooks;
  return hooks;
}

void define_tensor_base(nb::handle type) {
  tensor_base = reinterpret_cast<PyTypeObject*>(type.ptr());
}

bool is_tensor_type(nb::handle type) {
  return PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type.ptr()), tensor_base);
}

PyArrayObject* array_in(PyObject* tensor) {
  PyObject* array = as_tensor(tensor)->array;
  if (!array) PyErr_SetString(PyExc_RuntimeError, "the constructor of this Tensor did not run");
  return reinterpret_cast<PyArrayObject*>(array);
}

TensorDtype dtype_of_tensor(PyObject* tensor) {
  PyArrayObject* array = array_in(tensor);
  if (!array) return {};
  PyArray_Descr* descr = PyArray_DESCR(array);
  for (const auto& [known, dtype] : known_dtypes())
    if (known == descr) return dtype;
  try {
    const TensorDtype found = ask_for_dtype(array);
    if (PyArray_ISNBO(descr->byteorder) && known_dtypes().size() < kMaxDtypes) {
      Py_INCREF(descr);
      known_dtypes().emplace_back(descr, found);
    }
    return found;
  } catch (...) {
    set_python_error();
    return {};
  }
}

nb::object make_tensor(nb::handle type, nb::handle array) {
  auto* cls = reinterpret_cast<PyTypeObject*>(type.ptr());
  nb::object tensor = nb::steal(cls->tp_alloc(cls, 0));
  if (!tensor.is_valid()) nb::raise_python_error();
  as_tensor(tensor.ptr())->array = Py_NewRef(array.ptr());
  return tensor;
}

int set_array(PyObject* tensor, PyObject* array) {
  if (!array || !PyArray_Check(array)) {
    PyErr_SetString(PyExc_TypeError, "the memory of a Tensor is a numpy.ndarray");
    return -1;
  }
  PyObject* old = as_tensor(tensor)->array;
  as_tensor(tensor)->array = Py_NewRef(array);
  Py_XDECREF(old);
  return 0;
}

}  // namespace treadle
