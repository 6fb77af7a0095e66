#include "signature.h"

namespace treadle {

std::size_t SignatureHash::operator()(const Signature& signature) const noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (std::int64_t word : signature) {
    hash = (hash ^ static_cast<std::uint64_t>(word)) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 29;
  }
  return hash;
}

nb::object describe_arguments(const std::vector<nb::object>& arrays) {
  nb::list arguments;
  for (const nb::object& item : arrays) {
    PyArrayObject* array = as_numpy(item);
    nb::list shape;
    for (int i = 0; i < PyArray_NDIM(array); ++i) shape.append(PyArray_DIM(array, i));
    nb::object name = item.attr("dtype").attr("name");
    if (is_plain(array)) {
      arguments.append(nb::make_tuple(name, nb::tuple(shape)));
      continue;
    }
    nb::list strides;
    for (int i = 0; i < PyArray_NDIM(array); ++i)
      strides.append(PyArray_STRIDE(array, i) / PyArray_ITEMSIZE(array));
    arguments.append(nb::make_tuple(name, nb::tuple(shape), nb::tuple(strides)));
  }
  return nb::tuple(arguments);
}

}  // namespace treadle
