// The class TensorBase. Attributes are C functions: torch reads them in 0.05 us, Python's property
// takes twice that.
#include <algorithm>
#include <string>
#include <vector>

#include "bindings.h"
#include "errors.h"
#include "gil.h"
#include "tensor.h"
// It needs Python.h, which comes with the others.
#include <structmember.h>

namespace treadle {
namespace {

// --- attributes ----------------------------------------------------------------------------------

PyObject* get_array(PyObject* self, void*) {
  return Py_XNewRef(reinterpret_cast<PyObject*>(array_in(self)));
}

int assign_array(PyObject* self, PyObject* value, void*) { return set_array(self, value); }

// A tuple, or an instance of a class of tuples, of `count` ints.
template <typename F>
PyObject* make_ints(PyTypeObject* type, int count, const F& value_of) {
  PyObject* ints = type->tp_alloc(type, count);
  for (int i = 0; ints && i < count; ++i) {
    PyObject* value = PyLong_FromSsize_t(value_of(i));
    if (!value) Py_CLEAR(ints);
    if (ints) PyTuple_SET_ITEM(ints, i, value);
  }
  return ints;
}

PyObject* get_shape(PyObject* self, void*) {
  PyArrayObject* array = array_in(self);
  if (!array) return nullptr;
  return make_ints(tensor_hooks().size, PyArray_NDIM(array),
                   [&](int i) { return PyArray_DIM(array, i); });
}

PyObject* get_dtype(PyObject* self, void*) {
  const TensorDtype found = dtype_of_tensor(self);
  return Py_XNewRef(found.dtype);
}

template <auto Read>
PyObject* get_number(PyObject* self, void*) {
  PyArrayObject* array = array_in(self);
  return array ? PyLong_FromSsize_t(Read(array)) : nullptr;
}

npy_intp rank_of(PyArrayObject* array) { return PyArray_NDIM(array); }
npy_intp item_bytes(PyArrayObject* array) { return PyArray_ITEMSIZE(array); }
npy_intp bytes_of(PyArrayObject* array) { return PyArray_NBYTES(array); }
npy_intp count_of(PyArrayObject* array) { return PyArray_SIZE(array); }

npy_intp address_of(PyArrayObject* array) {
  return reinterpret_cast<npy_intp>(PyArray_DATA(array));
}

npy_intp offset_of(PyArrayObject* array) {
  PyArrayObject* base = array;
  while (PyArray_BASE(base) && PyArray_Check(PyArray_BASE(base)))
    base = reinterpret_cast<PyArrayObject*>(PyArray_BASE(base));
  const npy_intp bytes = address_of(array) - address_of(base);
  return bytes / std::max<npy_intp>(1, PyArray_ITEMSIZE(array));
}

// --- methods -------------------------------------------------------------------------------------

template <auto Read>
PyObject* tell_number(PyObject* self, PyObject*) {
  return get_number<Read>(self, nullptr);
}

// The only argument, `dim`, of a call with at most that; null if it is missing or None. False with
// an error set for other arguments.
bool read_dim(PyObject*& dim, const char* method, PyObject* const* values, Py_ssize_t count,
              PyObject* names) {
  const Py_ssize_t num_names = names ? PyTuple_GET_SIZE(names) : 0;
  const bool is_named =
      num_names == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "dim") == 0;
  if (count + num_names > 1 || (num_names && !is_named)) {
    PyErr_Format(PyExc_TypeError, "%s takes no argument but dim", method);
    return false;
  }
  dim = count + num_names == 0 || values[0] == Py_None ? nullptr : values[0];
  return true;
}

// `value_of` the dim that `argument` is, which counts from the end if it is negative.
template <typename F>
PyObject* tell_one(PyArrayObject* array, PyObject* argument, const F& value_of) {
  const int rank = PyArray_NDIM(array);
  const Py_ssize_t dim = PyNumber_AsSsize_t(argument, PyExc_OverflowError);
  if (dim == -1 && PyErr_Occurred()) return nullptr;
  if (dim < -rank || dim >= rank) {
    raise_as("IndexOutOfRange", "dim " + std::to_string(dim) + " of a tensor with " +
                                    std::to_string(rank) + " dimensions");
    return nullptr;
  }
  return PyLong_FromSsize_t(value_of(static_cast<int>(dim < 0 ? dim + rank : dim)));
}

PyObject* size(PyObject* self, PyObject* const* values, Py_ssize_t count, PyObject* names) {
  PyObject* dim = nullptr;
  PyArrayObject* array = array_in(self);
  if (!array || !read_dim(dim, "size", values, count, names)) return nullptr;
  if (!dim) return get_shape(self, nullptr);
  return tell_one(array, dim, [&](int i) { return PyArray_DIM(array, i); });
}

PyObject* stride(PyObject* self, PyObject* const* values, Py_ssize_t count, PyObject* names) {
  PyObject* dim = nullptr;
  PyArrayObject* array = array_in(self);
  if (!array || !read_dim(dim, "stride", values, count, names)) return nullptr;
  const npy_intp bytes = std::max<npy_intp>(1, PyArray_ITEMSIZE(array));
  auto stride_of = [&](int i) { return PyArray_STRIDE(array, i) / bytes; };
  if (dim) return tell_one(array, dim, stride_of);
  return make_ints(&PyTuple_Type, PyArray_NDIM(array), stride_of);
}

PyObject* is_same_size(PyObject* self, PyObject* other) {
  PyArrayObject* array = array_in(self);
  if (array && !is_tensor(other)) PyErr_SetString(PyExc_TypeError, "is_same_size takes a tensor");
  PyArrayObject* second = array && is_tensor(other) ? array_in(other) : nullptr;
  return second ? PyBool_FromLong(PyArray_SAMESHAPE(array, second)) : nullptr;
}

PyObject* is_contiguous(PyObject* self, PyObject*) {
  PyArrayObject* array = array_in(self);
  return array ? PyBool_FromLong(PyArray_IS_C_CONTIGUOUS(array)) : nullptr;
}

PyObject* contiguous(PyObject* self, PyObject* const* values, Py_ssize_t count, PyObject* names) {
  PyArrayObject* array = array_in(self);
  if (!array) return nullptr;
  if (PyArray_IS_C_CONTIGUOUS(array) && count == 0 && !names) return Py_NewRef(self);
  std::vector<PyObject*> all{self};
  all.insert(all.end(), values, values + count + (names ? PyTuple_GET_SIZE(names) : 0));
  return call_python([&] {
    return PyObject_Vectorcall(tensor_hooks().to_contiguous, all.data(),
                               static_cast<std::size_t>(count + 1), names);
  });
}

PyObject* is_floating_point(PyObject* self, PyObject*) {
  const TensorDtype found = dtype_of_tensor(self);
  return found.dtype ? PyBool_FromLong(found.is_floating) : nullptr;
}

PyObject* is_complex(PyObject* self, PyObject*) {
  const TensorDtype found = dtype_of_tensor(self);
  return found.dtype ? PyBool_FromLong(found.is_complex) : nullptr;
}

PyObject* numpy(PyObject* self, PyObject*) { return get_array(self, nullptr); }

PyObject* tolist(PyObject* self, PyObject*) {
  PyArrayObject* array = array_in(self);
  return array ? PyArray_ToList(array) : nullptr;
}

PyObject* item(PyObject* self, PyObject*) {
  static PyObject* name = PyUnicode_InternFromString("item");
  PyArrayObject* array = array_in(self);
  if (!array) return nullptr;
  if (PyArray_SIZE(array) == 1)
    return PyObject_CallMethodNoArgs(reinterpret_cast<PyObject*>(array), name);
  raise_as("InputError", "item: a tensor of " + std::to_string(PyArray_SIZE(array)) +
                             " elements is not a single number");
  return nullptr;
}

Py_ssize_t length(PyObject* self) {
  PyArrayObject* array = array_in(self);
  if (!array) return -1;
  if (PyArray_NDIM(array) > 0) return PyArray_DIM(array, 0);
  PyErr_SetString(PyExc_TypeError, "len() of a 0-dim tensor");
  return -1;
}

// --- the class -----------------------------------------------------------------------------------

int construct(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"data", nullptr};
  PyObject* data;
  if (!kwargs && PyTuple_GET_SIZE(args) == 1)
    data = PyTuple_GET_ITEM(args, 0);
  else if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", const_cast<char**>(names), &data))
    return -1;
  if (PyArray_CheckExact(data)) return set_array(self, data);
  nb::object array =
      nb::steal(call_python([&] { return PyObject_CallOneArg(tensor_hooks().to_array, data); }));
  return array.is_valid() ? set_array(self, array.ptr()) : -1;
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  if (as_tensor(self)->weak_references) PyObject_ClearWeakRefs(self);
  Py_CLEAR(as_tensor(self)->array);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef kMembers[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyGetSetDef kAttributes[] = {
    {"_array", get_array, assign_array, "The array over the tensor's memory.", nullptr},
    {"shape", get_shape, nullptr, "The sizes of all dimensions.", nullptr},
    {"dtype", get_dtype, nullptr, "The type of the elements.", nullptr},
    {"ndim", get_number<rank_of>, nullptr, "The number of dimensions.", nullptr},
    {"itemsize", get_number<item_bytes>, nullptr, "Bytes of an element.", nullptr},
    {"nbytes", get_number<bytes_of>, nullptr, "Bytes of all elements.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

template <typename F>
PyCFunction as_method(F function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

constexpr int kFast = METH_FASTCALL | METH_KEYWORDS;
PyMethodDef kMethods[] = {
    {"size", as_method(size), kFast, "size(dim=None)\n--\n\nAll sizes, or that of `dim`."},
    {"stride", as_method(stride), kFast,
     "stride(dim=None)\n--\n\nThe distance of neighbours along all dimensions, or along `dim`, in "
     "elements."},
    {"dim", tell_number<rank_of>, METH_NOARGS, "dim()\n--\n\nThe number of dimensions."},
    {"ndimension", tell_number<rank_of>, METH_NOARGS,
     "ndimension()\n--\n\nThe number of dimensions."},
    {"numel", tell_number<count_of>, METH_NOARGS, "numel()\n--\n\nThe number of elements."},
    {"nelement", tell_number<count_of>, METH_NOARGS, "nelement()\n--\n\nThe number of elements."},
    {"element_size", tell_number<item_bytes>, METH_NOARGS,
     "element_size()\n--\n\nBytes of an element."},
    {"storage_offset", tell_number<offset_of>, METH_NOARGS,
     "storage_offset()\n--\n\nThe position of the first element in the memory it shares, in "
     "elements."},
    {"data_ptr", tell_number<address_of>, METH_NOARGS,
     "data_ptr()\n--\n\nThe address of the first element."},
    {"is_contiguous", is_contiguous, METH_NOARGS,
     "is_contiguous()\n--\n\nWhether the elements lie row by row, without gaps."},
    {"is_same_size", is_same_size, METH_O,
     "is_same_size(other)\n--\n\nWhether another tensor has the same shape."},
    {"contiguous", as_method(contiguous), kFast,
     "contiguous(memory_format=0)\n--\n\nThe tensor itself if its elements lie row by row, else a "
     "copy in which they do."},
    {"is_floating_point", is_floating_point, METH_NOARGS,
     "is_floating_point()\n--\n\nWhether the elements are floating numbers."},
    {"is_complex", is_complex, METH_NOARGS,
     "is_complex()\n--\n\nWhether the elements are complex numbers."},
    {"numpy", numpy, METH_NOARGS, "numpy()\n--\n\nThe array whose memory the tensor shares."},
    {"tolist", tolist, METH_NOARGS,
     "tolist()\n--\n\nThe elements as nested lists of Python's numbers; of a 0-dim tensor the "
     "number."},
    {"item", item, METH_NOARGS,
     "item()\n--\n\nThe only element as Python's number.\n\nRaises:\n    InputError: if there are "
     "more or fewer."},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("The memory of a tensor, and what it tells of itself.")},
    {Py_tp_init, reinterpret_cast<void*>(construct)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_mp_length, reinterpret_cast<void*>(length)},
    {Py_tp_members, kMembers},
    {Py_tp_getset, kAttributes},
    {Py_tp_methods, kMethods},
    {0, nullptr}};

PyType_Spec kSpec = {"treadle._native.TensorBase", sizeof(TensorObject), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kSlots};

}  // namespace

static void define_tensors(nb::type_object size, nb::callable dtype_of, nb::callable to_array,
                           nb::callable to_contiguous) {
  TensorHooks& hooks = tensor_hooks();
  hooks.size = reinterpret_cast<PyTypeObject*>(size.release().ptr());
  hooks.dtype_of = dtype_of.release().ptr();
  hooks.to_array = to_array.release().ptr();
  hooks.to_contiguous = to_contiguous.release().ptr();
}

void bind_tensor(nb::module_& m) {
  nb::object type = nb::steal(PyType_FromSpec(&kSpec));
  if (!type.is_valid()) nb::raise_python_error();
  define_tensor_base(type);
  m.attr("TensorBase") = type;
  m.def("define_tensors", define_tensors, nb::arg("size"), nb::arg("dtype_of"), nb::arg("to_array"),
        nb::arg("to_contiguous"),
        "Tell TensorBase the class of shapes, and what Python has to do for it.");
}

}  // namespace treadle
