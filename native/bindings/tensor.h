// The memory of a Tensor, as C++ sees it; `bind_tensor.cc` has the class.
#pragma once

#include "arrays.h"

namespace treadle {

// The layout of every Tensor. `array` is a NumPy array, or null until the constructor ran.
struct TensorObject {
  PyObject_HEAD PyObject* array;
  PyObject* weak_references;
};

inline TensorObject* as_tensor(PyObject* tensor) { return reinterpret_cast<TensorObject*>(tensor); }

// What Python has to tell: the class of shapes, the dtype of an array, an array of anything, and
// the copy of a tensor whose elements do not lie row by row. They live as long as the process.
struct TensorHooks {
  PyTypeObject* size = nullptr;
  PyObject* dtype_of = nullptr;
  PyObject* to_array = nullptr;
  PyObject* to_contiguous = nullptr;
};

// Guarded by the GIL; set once, by `treadle.tensor`.
TensorHooks& tensor_hooks();

// Objects of this class and of those derived from it are Tensors.
void define_tensor_base(nb::handle type);

// Whether all objects of `type` are Tensors.
bool is_tensor_type(nb::handle type);

inline bool is_tensor(nb::handle object) {
  return is_tensor_type(reinterpret_cast<PyObject*>(Py_TYPE(object.ptr())));
}

// The array of a Tensor, borrowed; null with an error set if it has none.
PyArrayObject* array_in(PyObject* tensor);

struct TensorDtype {
  PyObject* dtype = nullptr;  // Python's object, borrowed: there is one for each, for ever
  bool is_floating = false, is_complex = false;
};

// The dtype of a Tensor; with an error set a null one, of arrays that tensors cannot have.
TensorDtype dtype_of_tensor(PyObject* tensor);

// A Tensor of class `type` over `array`; the constructor is not called.
nb::object make_tensor(nb::handle type, nb::handle array);

// Gives the Tensor another array. -1 with an error set if it is none.
int set_array(PyObject* tensor, PyObject* array);

}  // namespace treadle
