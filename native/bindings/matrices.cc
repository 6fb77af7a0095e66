#include "matrices.h"

#include <algorithm>
#include <array>

namespace treadle {
namespace {

template <typename From, typename To>
void convert(const void* from, void* to, npy_intp count) {
  std::transform(static_cast<const From*>(from), static_cast<const From*>(from) + count,
                 static_cast<To*>(to), [](const From& value) { return static_cast<To>(value); });
}

using Convert = void (*)(const void*, void*, npy_intp);

Convert widening(int type) {
  switch (type) {
    case NPY_FLOAT:
      return convert<float, double>;
    case NPY_DOUBLE:
      return convert<double, double>;
    case NPY_CFLOAT:
      return convert<std::complex<float>, std::complex<double>>;
    default:
      return convert<std::complex<double>, std::complex<double>>;
  }
}

Convert narrowing(int type) {
  if (type == NPY_FLOAT) return convert<double, float>;
  if (type == NPY_CFLOAT) return convert<std::complex<double>, std::complex<float>>;
  return widening(type);
}

}  // namespace

Matrices Matrices::copy_of(nb::handle array) {
  PyArrayObject* given = as_numpy(array);
  if (!PyArray_Check(array.ptr()) || PyArray_NDIM(given) < 2 ||
      (PyArray_TYPE(given) != NPY_FLOAT && PyArray_TYPE(given) != NPY_DOUBLE &&
       PyArray_TYPE(given) != NPY_CFLOAT && PyArray_TYPE(given) != NPY_CDOUBLE))
    throw nb::type_error("expected matrices of floats or complex numbers");
  Matrices made;
  made.type_ = PyArray_TYPE(given);
  made.wide_ = PyArray_ISCOMPLEX(given) ? NPY_CDOUBLE : NPY_DOUBLE;
  const int batch = PyArray_NDIM(given) - 2;
  made.count_ = PyArray_MultiplyList(PyArray_DIMS(given), batch);
  made.rows_ = PyArray_DIM(given, batch);
  made.columns_ = PyArray_DIM(given, batch + 1);
  made.array_ = nb::steal(PyArray_SimpleNew(batch + 2, PyArray_DIMS(given), made.wide_));
  if (!made.array_.is_valid()) nb::raise_python_error();
  PyArrayObject* copy = as_numpy(made.array_);
  if (is_plain(given))
    widening(made.type_)(PyArray_DATA(given), PyArray_DATA(copy), PyArray_SIZE(given));
  else if (PyArray_CopyInto(copy, given) < 0)
    nb::raise_python_error();
  return made;
}

Matrices Matrices::with_sizes(npy_intp rows, npy_intp columns) const {
  Matrices made = *this;
  made.array_ = new_array(wide_, {rows, columns});
  made.rows_ = rows;
  made.columns_ = columns;
  return made;
}

nb::object Matrices::narrowed(npy_intp rows) const {
  if (type_ == wide_ && rows == rows_) return array_;
  nb::object made = new_array(type_, {rows, columns_});
  const npy_intp wide_bytes = PyArray_ITEMSIZE(as_numpy(array_));
  const npy_intp bytes = PyArray_ITEMSIZE(as_numpy(made));
  for (npy_intp n = 0; n < count_; ++n)
    narrowing(type_)(PyArray_BYTES(as_numpy(array_)) + n * rows_ * columns_ * wide_bytes,
                     PyArray_BYTES(as_numpy(made)) + n * rows * columns_ * bytes, rows * columns_);
  return made;
}

nb::object Matrices::new_array(int type, std::initializer_list<npy_intp> sizes) const {
  std::array<npy_intp, NPY_MAXDIMS> shape;
  const int batch = PyArray_NDIM(as_numpy(array_)) - 2;
  std::copy_n(PyArray_DIMS(as_numpy(array_)), batch, shape.begin());
  std::copy(sizes.begin(), sizes.end(), shape.begin() + batch);
  const int rank = batch + static_cast<int>(sizes.size());
  nb::object made = nb::steal(PyArray_SimpleNew(rank, shape.data(), type));
  if (!made.is_valid()) nb::raise_python_error();
  return made;
}

}  // namespace treadle
