#include "known_calls.h"

#include <bit>

namespace treadle {
namespace {

enum Word : std::int64_t { kTensor, kInt, kFloat, kItems, kObject, kName };
constexpr int kMaxDepth = 4;

// The arrays that a program takes: those of the call, or these and constants in another order.
std::vector<nb::object> gather(const KnownCall& call, const CallKey& key) {
  std::vector<nb::object> arrays;
  for (const nb::object& input : call.inputs)
    arrays.push_back(PyLong_Check(input.ptr()) ? key.arrays[nb::cast<std::size_t>(input)] : input);
  return arrays;
}

}  // namespace

nb::object list_of(const std::vector<nb::object>& items) {
  nb::list list;
  for (const nb::object& item : items) list.append(item);
  return list;
}

nb::object make_tuple_of(const nb::object& type, const nb::object& items) {
  auto* cls = reinterpret_cast<PyTypeObject*>(type.ptr());
  if (cls == &PyTuple_Type) return items;
  const Py_ssize_t count = PyTuple_GET_SIZE(items.ptr());
  nb::object made = nb::steal(cls->tp_alloc(cls, count));
  if (!made.is_valid()) nb::raise_python_error();
  for (Py_ssize_t i = 0; i < count; ++i)
    PyTuple_SET_ITEM(made.ptr(), i, Py_NewRef(PyTuple_GET_ITEM(items.ptr(), i)));
  return made;
}

void KnownCalls::add_tensor(CallKey& key, PyObject* tensor, nb::object array) const {
  PyArrayObject* numpy = as_numpy(array);
  key.words.push_back(kTensor);
  key.words.push_back(2 * PyArray_TYPE(numpy) + (PyArray_NDIM(numpy) == 0));
  key.tensors.push_back(nb::borrow(tensor));
  key.arrays.push_back(is_plain(numpy) ? std::move(array) : array_of(array));
}

bool KnownCalls::add_value(CallKey& key, PyObject* value, int depth, bool keeps) const {
  PyTypeObject* type = Py_TYPE(value);
  if (reinterpret_cast<PyObject*>(type) == tensor_.ptr()) {
    PyArrayObject* array = array_in(value);
    if (!array) nb::raise_python_error();
    add_tensor(key, value, nb::borrow(reinterpret_cast<PyObject*>(array)));
    return true;
  }
  if (type == &PyArray_Type) {
    add_tensor(key, value, nb::borrow(value));
    return true;
  }
  if (PyTuple_Check(value) || PyList_Check(value)) return add_items(key, value, depth, keeps);
  if (type == &PyFloat_Type) {
    key.words.push_back(kFloat);
    key.words.push_back(std::bit_cast<std::int64_t>(PyFloat_AS_DOUBLE(value)));
    return true;
  }
  if (type == &PyLong_Type) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    key.words.push_back(kInt);
    key.words.push_back(number);
    return overflow == 0;
  }
  key.words.push_back(kObject);
  key.words.push_back(reinterpret_cast<std::int64_t>(value));
  if (keeps) key.objects.push_back(nb::borrow(value));
  return true;
}

bool KnownCalls::add_items(CallKey& key, PyObject* items, int depth, bool keeps) const {
  if (depth == kMaxDepth) return false;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
  key.words.push_back(kItems);
  key.words.push_back(count);
  for (Py_ssize_t i = 0; i < count; ++i)
    if (!add_value(key, PySequence_Fast_GET_ITEM(items, i), depth + 1, keeps)) return false;
  return true;
}

bool KnownCalls::read(CallKey& key, PyObject* const* values, std::size_t count, PyObject* names,
                      bool keeps) const {
  for (std::size_t i = 0; i < count; ++i)
    if (!add_value(key, values[i], 0, keeps)) return false;
  const Py_ssize_t num_names = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t i = 0; i < num_names; ++i) {
    PyObject* name = PyTuple_GET_ITEM(names, i);
    key.words.push_back(kName);
    key.words.push_back(reinterpret_cast<std::int64_t>(name));
    if (keeps) key.objects.push_back(nb::borrow(name));
    if (!add_value(key, values[count + i], 0, keeps)) return false;
  }
  return true;
}

std::shared_ptr<const KnownCall> KnownCalls::find(const CallKey& key) const {
  auto found = calls_.find(key.words);
  return found == calls_.end() ? nullptr : found->second;
}

void KnownCalls::add(CallKey key, KnownCall call) {
  call.objects = std::move(key.objects);
  std::unordered_map<Signature, std::shared_ptr<const KnownCall>, SignatureHash> dropped;
  if (calls_.size() >= capacity_) dropped.swap(calls_);  // destructors may run Python code
  calls_.insert_or_assign(std::move(key.words), std::make_shared<KnownCall>(std::move(call)));
}

nb::object run_program(const KnownCall& call, const CallKey& key) {
  if (call.program.is_none())
    return call.target < 0 ? nb::object() : nb::object(key.tensors[call.target]);
  Program& program = *nb::inst_ptr<Program>(call.program);
  const std::vector<nb::object> gathered =
      call.in_order ? std::vector<nb::object>() : gather(call, key);
  const std::vector<nb::object>& arrays = call.in_order ? key.arrays : gathered;
  if (call.target >= 0) {
    const nb::object& tensor = key.tensors[call.target];
    return program.call_into(arrays, key.arrays[call.target]) ? tensor : nb::object();
  }
  nb::object results = program.call_if_planned(arrays);
  if (!results.is_valid()) return {};
  if (call.make.is_none()) return nb::borrow(PyTuple_GET_ITEM(results.ptr(), 0));
  return make_tuple_of(call.make, results);
}

}  // namespace treadle
