// NumPy arrays seen from C++: types, results from the block cache, inputs as plain memory.
#pragma once

#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL treadle_ARRAY_API
#ifndef TREADLE_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <nanobind/nanobind.h>
// nanobind brings Python.h, which NumPy needs first.
#include <numpy/arrayobject.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace treadle {

namespace nb = nanobind;

// Dtype and shape of an argument or result.
struct ArrayType {
  nb::object descr;  // numpy.dtype
  int type_num = 0;
  std::vector<npy_intp> shape;
  std::int64_t bytes = 0;
};

// The type named as in the plan's tables: ("float32", (2, 3)).
ArrayType parse_array_type(nb::handle spec);

bool matches(const ArrayType& type, PyArrayObject* array);

// "float32[2, 3]"
std::string describe(const ArrayType& type);
std::string describe(PyArrayObject* array);

// A fresh array over a block of the cache. Its contents are undefined.
nb::object make_array(nb::handle descr, int rank, const npy_intp* shape);
inline nb::object make_array(const ArrayType& type) {
  return make_array(type.descr, static_cast<int>(type.shape.size()), type.shape.data());
}

// `whole` seen under another type and other strides, from `byte_offset` after its first element on;
// `whole` itself if that is no other. It may be written to if `whole` may.
nb::object make_view(const nb::object& whole, const ArrayType& type, std::int64_t byte_offset,
                     const npy_intp* byte_strides);

inline PyArrayObject* as_numpy(nb::handle array) {
  return reinterpret_cast<PyArrayObject*>(array.ptr());
}

// C-contiguous, aligned, in native byte order: what a kernel can read where it lies.
inline bool is_plain(PyArrayObject* array) {
  return PyArray_IS_C_CONTIGUOUS(array) && PyArray_ISBEHAVED_RO(array);
}

// The first byte of an array that has elements, and the one after its last.
std::pair<const char*, const char*> extent(PyArrayObject* array);

// Whether several elements have one place, by a stride of 0.
bool is_expanded(PyArrayObject* array);

// Whether all elements of `array` would lie in an array of `type` that began where it begins.
bool is_within(PyArrayObject* array, const ArrayType& type);

// The array that a call's argument is, holds (that of a tensor) or gives (`__dlpack__`,
// `__array__`, numbers, lists). It need not be plain; strides and memory are the caller's, unless
// it is misaligned or in a foreign byte order.
nb::object array_of(nb::handle argument);

// `array`, copied if it is not plain.
nb::object as_plain(const nb::object& array);

void import_numpy();

}  // namespace treadle
