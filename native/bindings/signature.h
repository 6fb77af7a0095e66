// The dtypes and shapes of a call's arguments, as a key that is cheap to make and to compare.
#pragma once

#include <cstdint>
#include <vector>

#include "arrays.h"

namespace treadle {

using Signature = std::vector<std::int64_t>;

// Appends type number, rank and dimensions; of an array that is not plain also its strides, after a
// number that no array begins with.
inline void append_to_signature(Signature& signature, PyArrayObject* array) {
  const int rank = PyArray_NDIM(array);
  const std::size_t end = signature.size();
  signature.resize(end + 2 + rank);
  signature[end] = PyArray_TYPE(array);
  signature[end + 1] = rank;
  for (int i = 0; i < rank; ++i) signature[end + 2 + i] = PyArray_DIM(array, i);
  if (is_plain(array)) return;
  signature.push_back(-1);
  for (int i = 0; i < rank; ++i) signature.push_back(PyArray_STRIDE(array, i));
}

struct SignatureHash {
  std::size_t operator()(const Signature& signature) const noexcept;
};

// ((dtype name, shape), ...), what `bind` of a program takes; of arrays that are not plain (dtype
// name, shape, strides), in elements.
nb::object describe_arguments(const std::vector<nb::object>& arrays);

}  // namespace treadle
