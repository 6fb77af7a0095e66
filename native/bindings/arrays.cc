#define TREADLE_IMPORTS_NUMPY
#include "arrays.h"

#include <nanobind/stl/string.h>

#include <algorithm>

#include "tensor.h"
#include "treadle/block_cache.h"

namespace treadle {
namespace {

constexpr const char* kBlockCapsule = "treadle.block";

void free_capsule(PyObject* capsule) { free_block(PyCapsule_GetPointer(capsule, kBlockCapsule)); }

nb::object import_attribute(const char* module, const char* name) {
  return nb::module_::import_(module).attr(name);
}

nb::object parse_dtype(nb::handle name) {
  // NumPy knows bfloat16 only once ml_dtypes was imported.
  if (nb::isinstance<nb::str>(name) && nb::cast<std::string>(name) == "bfloat16")
    return import_attribute("numpy", "dtype")(import_attribute("ml_dtypes", "bfloat16"));
  return import_attribute("numpy", "dtype")(name);
}

nb::object convert(nb::handle argument) {
  if (is_tensor(argument)) {
    PyArrayObject* array = array_in(argument.ptr());
    if (!array) nb::raise_python_error();
    return nb::borrow(reinterpret_cast<PyObject*>(array));
  }
  if (!nb::hasattr(argument, "__array__") && nb::hasattr(argument, "__dlpack__"))
    return import_attribute("numpy", "from_dlpack")(argument);
  return nb::borrow(argument);
}

}  // namespace

void import_numpy() {
  if (_import_array() < 0) nb::raise_python_error();
}

ArrayType parse_array_type(nb::handle spec) {
  ArrayType type;
  type.descr = parse_dtype(spec[0]);
  auto* descr = reinterpret_cast<PyArray_Descr*>(type.descr.ptr());
  if (PyDataType_REFCHK(descr)) throw nb::type_error("plans have no arrays of Python objects");
  type.type_num = descr->type_num;
  type.bytes = PyDataType_ELSIZE(descr);
  for (nb::handle dim : spec[1]) {
    auto size = nb::cast<std::int64_t>(dim);
    if (size < 0) throw nb::value_error("a dimension is negative");
    if (__builtin_mul_overflow(type.bytes, size, &type.bytes))
      throw nb::value_error("an array has too many elements");
    type.shape.push_back(size);
  }
  return type;
}

bool matches(const ArrayType& type, PyArrayObject* array) {
  return PyArray_TYPE(array) == type.type_num &&
         PyArray_NDIM(array) == static_cast<int>(type.shape.size()) &&
         std::equal(type.shape.begin(), type.shape.end(), PyArray_DIMS(array));
}

static std::string describe(nb::handle descr, const npy_intp* shape, std::size_t rank) {
  std::string text = nb::cast<std::string>(nb::str(descr.attr("name"))) + "[";
  for (std::size_t i = 0; i < rank; ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string describe(const ArrayType& type) {
  return describe(type.descr, type.shape.data(), type.shape.size());
}

std::string describe(PyArrayObject* array) {
  return describe(reinterpret_cast<PyObject*>(PyArray_DESCR(array)), PyArray_DIMS(array),
                  PyArray_NDIM(array));
}

nb::object make_array(nb::handle descr, int rank, const npy_intp* shape) {
  auto* dtype = reinterpret_cast<PyArray_Descr*>(descr.ptr());
  std::int64_t bytes = PyDataType_ELSIZE(dtype);
  for (int i = 0; i < rank; ++i) bytes *= shape[i];
  void* block = allocate_block(static_cast<std::size_t>(bytes));
  PyObject* capsule = PyCapsule_New(block, kBlockCapsule, free_capsule);
  if (!capsule) {
    free_block(block);
    nb::raise_python_error();
  }
  nb::object owner = nb::steal(capsule);
  Py_INCREF(dtype);
  PyObject* array = PyArray_NewFromDescr(&PyArray_Type, dtype, rank, shape, nullptr, block,
                                         NPY_ARRAY_CARRAY, nullptr);
  if (!array) nb::raise_python_error();
  nb::object result = nb::steal(array);
  if (PyArray_SetBaseObject(as_numpy(result), owner.release().ptr()) < 0) nb::raise_python_error();
  return result;
}

nb::object make_view(const nb::object& whole, const ArrayType& type, std::int64_t byte_offset,
                     const npy_intp* byte_strides) {
  PyArrayObject* base = as_numpy(whole);
  if (byte_offset == 0 && matches(type, base) &&
      std::equal(byte_strides, byte_strides + type.shape.size(), PyArray_STRIDES(base)))
    return whole;
  auto* dtype = reinterpret_cast<PyArray_Descr*>(type.descr.ptr());
  const int flags = PyArray_FLAGS(base) & NPY_ARRAY_WRITEABLE;
  Py_INCREF(dtype);
  PyObject* array = PyArray_NewFromDescr(&PyArray_Type, dtype, static_cast<int>(type.shape.size()),
                                         type.shape.data(), byte_strides,
                                         PyArray_BYTES(base) + byte_offset, flags, nullptr);
  if (!array) nb::raise_python_error();
  nb::object view = nb::steal(array);
  if (PyArray_SetBaseObject(as_numpy(view), nb::object(whole).release().ptr()) < 0)
    nb::raise_python_error();
  return view;
}

std::pair<const char*, const char*> extent(PyArrayObject* array) {
  const char* first = PyArray_BYTES(array);
  const char* last = first;
  for (int i = 0; i < PyArray_NDIM(array); ++i) {
    const npy_intp reach = PyArray_STRIDE(array, i) * (PyArray_DIM(array, i) - 1);
    (reach < 0 ? first : last) += reach;
  }
  return {first, last + PyArray_ITEMSIZE(array)};
}

bool is_expanded(PyArrayObject* array) {
  for (int i = 0; i < PyArray_NDIM(array); ++i)
    if (PyArray_STRIDE(array, i) == 0 && PyArray_DIM(array, i) > 1) return true;
  return false;
}

bool is_within(PyArrayObject* array, const ArrayType& type) {
  if (PyArray_TYPE(array) != type.type_num || PyArray_SIZE(array) == 0) return false;
  const auto [first, last] = extent(array);
  return first == PyArray_BYTES(array) && last - first <= type.bytes;
}

static nb::object from_any(const nb::object& array, int requirements) {
  PyObject* made = PyArray_CheckFromAny(
      array.ptr(), nullptr, 0, 0,
      requirements | NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_ENSUREARRAY, nullptr);
  if (!made) nb::raise_python_error();
  return nb::steal(made);
}

nb::object array_of(nb::handle argument) {
  nb::object array = PyArray_Check(argument.ptr()) ? nb::borrow(argument) : convert(argument);
  if (!PyArray_Check(array.ptr())) return from_any(array, 0);
  PyArrayObject* strided = as_numpy(array);
  if (is_plain(strided)) return array;
  bool counts_elements = PyArray_ISBEHAVED_RO(strided) && PyArray_ITEMSIZE(strided) > 0;
  for (int i = 0; counts_elements && i < PyArray_NDIM(strided); ++i)
    counts_elements = PyArray_STRIDE(strided, i) % PyArray_ITEMSIZE(strided) == 0;
  return counts_elements ? array : from_any(array, NPY_ARRAY_C_CONTIGUOUS);
}

nb::object as_plain(const nb::object& array) {
  return is_plain(as_numpy(array)) ? array : from_any(array, NPY_ARRAY_C_CONTIGUOUS);
}

}  // namespace treadle
