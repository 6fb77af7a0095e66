// What operators ask of whole arrays.
#include <cstring>

#include "arrays.h"
#include "bindings.h"

namespace treadle {
namespace {

template <typename T>
bool are_same(PyArrayObject* a, PyArrayObject* b, npy_intp count) {
  const T* first = static_cast<const T*>(PyArray_DATA(a));
  const T* second = static_cast<const T*>(PyArray_DATA(b));
  npy_intp different = 0;
  for (npy_intp i = 0; i < count; ++i) different += !(first[i] == second[i]);
  return different == 0;
}

bool are_same_generic(nb::handle a, nb::handle b) {
  nb::object same = nb::steal(PyObject_RichCompare(a.ptr(), b.ptr(), Py_EQ));
  if (!same.is_valid()) nb::raise_python_error();
  const int truth = PyObject_IsTrue(nb::object(same.attr("all")()).ptr());
  if (truth < 0) nb::raise_python_error();
  return truth != 0;
}

// Whether two arrays have one shape and equal elements: none of NaN.
bool are_equal(nb::handle a, nb::handle b) {
  if (!PyArray_Check(a.ptr()) || !PyArray_Check(b.ptr())) throw nb::type_error("expected arrays");
  PyArrayObject *first = as_numpy(a), *second = as_numpy(b);
  if (!PyArray_SAMESHAPE(first, second)) return false;
  const int type = PyArray_TYPE(first);
  if (type != PyArray_TYPE(second) || !is_plain(first) || !is_plain(second))
    return are_same_generic(a, b);
  const npy_intp count = PyArray_SIZE(first);
  if (PyTypeNum_ISINTEGER(type) || PyTypeNum_ISBOOL(type)) {
    const auto bytes = static_cast<std::size_t>(PyArray_NBYTES(first));
    return std::memcmp(PyArray_DATA(first), PyArray_DATA(second), bytes) == 0;
  }
  if (type == NPY_FLOAT || type == NPY_CFLOAT)
    return are_same<float>(first, second, type == NPY_FLOAT ? count : 2 * count);
  if (type == NPY_DOUBLE || type == NPY_CDOUBLE)
    return are_same<double>(first, second, type == NPY_DOUBLE ? count : 2 * count);
  return are_same_generic(a, b);
}

// The positions of elements that are not zero, one a row, of an array with dims.
nb::object find_nonzero(nb::handle array) {
  if (!PyArray_Check(array.ptr())) throw nb::type_error("expected an array");
  nb::object found = nb::steal(PyArray_Nonzero(as_numpy(array)));
  if (!found.is_valid()) nb::raise_python_error();
  const npy_intp rank = PyTuple_GET_SIZE(found.ptr());
  if (rank == 0) throw nb::value_error("expected an array with dims");
  const npy_intp count = PyArray_SIZE(as_numpy(PyTuple_GET_ITEM(found.ptr(), 0)));
  const npy_intp shape[] = {count, rank};
  nb::object positions = nb::steal(PyArray_SimpleNew(2, shape, NPY_INT64));
  if (!positions.is_valid()) nb::raise_python_error();
  auto* data = static_cast<std::int64_t*>(PyArray_DATA(as_numpy(positions)));
  for (npy_intp dim = 0; dim < rank; ++dim) {
    PyArrayObject* places = as_numpy(PyTuple_GET_ITEM(found.ptr(), dim));
    const char* place = PyArray_BYTES(places);
    for (npy_intp i = 0; i < count; ++i)
      std::memcpy(data + i * rank + dim, place + i * PyArray_STRIDE(places, 0), sizeof(npy_intp));
  }
  return positions;
}

template <typename T>
void fill_with_steps(PyArrayObject* array, double first, double step) {
  T* data = static_cast<T*>(PyArray_DATA(array));
  const npy_intp count = PyArray_SIZE(array);
  for (npy_intp i = 0; i < count; ++i)
    data[i] = static_cast<T>(static_cast<double>(i) * step + first);
}

// first, first + step, ...
void fill_steps(nb::handle array, double first, double step) {
  PyArrayObject* target = as_numpy(array);
  if (!PyArray_Check(array.ptr()) || !PyArray_ISCARRAY(target))
    throw nb::type_error("expected a contiguous array that can be written to");
  if (PyArray_TYPE(target) == NPY_FLOAT)
    fill_with_steps<float>(target, first, step);
  else if (PyArray_TYPE(target) == NPY_DOUBLE)
    fill_with_steps<double>(target, first, step);
  else
    throw nb::type_error("expected float32 or float64");
}

// An array of float64 or complex128 in half the precision; what is too large becomes infinite,
// without a warning.
nb::object narrow(nb::handle array) {
  PyArrayObject* source = as_numpy(array);
  if (!PyArray_Check(array.ptr()) || !is_plain(source) ||
      (PyArray_TYPE(source) != NPY_DOUBLE && PyArray_TYPE(source) != NPY_CDOUBLE))
    throw nb::type_error("expected a contiguous array in double precision");
  const bool is_complex = PyArray_TYPE(source) == NPY_CDOUBLE;
  nb::object result = nb::steal(PyArray_SimpleNew(PyArray_NDIM(source), PyArray_DIMS(source),
                                                  is_complex ? NPY_CFLOAT : NPY_FLOAT));
  if (!result.is_valid()) nb::raise_python_error();
  const auto* wide = static_cast<const double*>(PyArray_DATA(source));
  auto* narrow = static_cast<float*>(PyArray_DATA(as_numpy(result)));
  const npy_intp count = PyArray_SIZE(source) * (is_complex ? 2 : 1);
  for (npy_intp i = 0; i < count; ++i) narrow[i] = static_cast<float>(wide[i]);
  return result;
}

}  // namespace

void bind_arrays(nb::module_& m) {
  m.def("are_equal", are_equal, nb::arg("a"), nb::arg("b"),
        "Whether two arrays have one shape and equal elements.");
  m.def("find_nonzero", find_nonzero, nb::arg("array"),
        "The positions of elements that are not zero, one a row.");
  m.def("narrow", narrow, nb::arg("array"),
        "An array of float64 or complex128 in half the precision.");
  m.def("fill_steps", fill_steps, nb::arg("array"), nb::arg("first"), nb::arg("step"),
        "Fill with `first` and what follows it at distances of `step`, in double precision.");
}

}  // namespace treadle
