// Matrices in double precision, as the routines of linear algebra here take them.
#pragma once

#include "arrays.h"

namespace treadle {

struct Matrices {
  void* data;
  npy_intp count, rows, columns;
};

inline Matrices matrices_of(nb::handle array) {
  PyArrayObject* numpy = as_numpy(array);
  if (!PyArray_Check(array.ptr()) || !PyArray_ISCARRAY(numpy) || PyArray_NDIM(numpy) < 2 ||
      (PyArray_TYPE(numpy) != NPY_DOUBLE && PyArray_TYPE(numpy) != NPY_CDOUBLE))
    throw nb::type_error("expected contiguous matrices in double precision");
  const int batch = PyArray_NDIM(numpy) - 2;
  return {PyArray_DATA(numpy), PyArray_MultiplyList(PyArray_DIMS(numpy), batch),
          PyArray_DIM(numpy, batch), PyArray_DIM(numpy, batch + 1)};
}

}  // namespace treadle
