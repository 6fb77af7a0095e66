// Views are made from where the same call put them in another array of that shape and those
// strides.
#include "known_calls.h"

namespace treadle {
namespace {

constexpr std::size_t kMaxViews = 64;

Signature signature_of(const nb::object& array) {
  Signature signature;
  append_to_signature(signature, as_numpy(array));
  return signature;
}

// Whether `result` is a tensor over memory of `whole`; then also where.
bool find_place(Place& place, PyArrayObject* whole, nb::handle tensor, nb::handle result) {
  if (!Py_IS_TYPE(result.ptr(), reinterpret_cast<PyTypeObject*>(tensor.ptr()))) return false;
  PyArrayObject* view = array_in(result.ptr());
  if (!view) nb::raise_python_error();
  if (view == whole || PyArray_SIZE(view) == 0) return false;
  const auto [first, end] = extent(whole);
  const auto [view_first, view_end] = extent(view);
  if (view_first < first || view_end > end) return false;
  place.type.descr = nb::borrow(reinterpret_cast<PyObject*>(PyArray_DESCR(view)));
  place.type.type_num = PyArray_TYPE(view);
  place.type.shape.assign(PyArray_DIMS(view), PyArray_DIMS(view) + PyArray_NDIM(view));
  place.type.bytes = PyArray_NBYTES(view);
  place.byte_offset = PyArray_BYTES(view) - PyArray_BYTES(whole);
  place.byte_strides.assign(PyArray_STRIDES(view), PyArray_STRIDES(view) + PyArray_NDIM(view));
  return true;
}

nb::object make_one(const nb::object& whole, const Place& place, nb::handle tensor) {
  nb::object view = make_view(whole, place.type, place.byte_offset, place.byte_strides.data());
  return make_tensor(tensor, view);
}

}  // namespace

nb::object make_views(const KnownCall& call, const CallKey& key, nb::handle tensor) {
  const nb::object& whole = key.arrays[0];
  auto found = call.views->find(signature_of(whole));
  if (found == call.views->end()) return {};
  const Views& views = found->second;
  if (call.target >= 0) {
    const nb::object& target = key.tensors[call.target];
    if (!is_tensor(target)) return {};
    const Place& place = views.places[0];
    nb::object view = make_view(whole, place.type, place.byte_offset, place.byte_strides.data());
    if (set_array(target.ptr(), view.ptr()) < 0) nb::raise_python_error();
    return target;
  }
  if (!views.are_several) return make_one(whole, views.places[0], tensor);
  nb::object all = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(views.places.size())));
  if (!all.is_valid()) nb::raise_python_error();
  for (std::size_t i = 0; i < views.places.size(); ++i)
    PyTuple_SET_ITEM(all.ptr(), static_cast<Py_ssize_t>(i),
                     make_one(whole, views.places[i], tensor).release().ptr());
  return all;
}

bool remember_views(const KnownCall& call, const CallKey& key, nb::handle tensor,
                    nb::handle result) {
  PyArrayObject* whole = as_numpy(key.arrays[0]);
  if (PyArray_SIZE(whole) == 0) return false;
  Views views;
  views.are_several = PyTuple_CheckExact(result.ptr());
  const Py_ssize_t count = views.are_several ? PyTuple_GET_SIZE(result.ptr()) : 1;
  for (Py_ssize_t i = 0; i < count; ++i) {
    nb::handle item = views.are_several ? PyTuple_GET_ITEM(result.ptr(), i) : result.ptr();
    if (!find_place(views.places.emplace_back(), whole, tensor, item)) return false;
  }
  if (call.views->size() >= kMaxViews) call.views->clear();
  call.views->insert_or_assign(signature_of(key.arrays[0]), std::move(views));
  return true;
}

}  // namespace treadle
