// A compiled model for any shapes, as Python calls it.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "bound_plan.h"
#include "gil.h"
#include "signature.h"
#include "tensor.h"

namespace treadle {

struct CallOptions {
  int threads = 0;
  RunControl* control = nullptr;  // alive as long as the call's keywords
};

constexpr std::size_t kMostLying = 64;  // arguments that a plan may read as they lie

// The entry of a compiled model: finds the plan for the arguments' types and shapes, or has it
// made, and runs it. Everything but the run itself happens under the GIL, which guards the cache.
class Program {
 public:
  Program(nb::object bind, nb::object wrap, std::size_t capacity, nb::object refusal)
      : bind_(std::move(bind)),
        wrap_(std::move(wrap)),
        refusal_(std::move(refusal)),
        capacity_(capacity) {
    if (capacity_ == 0) throw nb::value_error("the capacity must be positive");
    wraps_in_tensors_ = PyType_Check(wrap_.ptr()) && is_tensor_type(wrap_);
  }

  nb::object call(PyObject* const* arguments, std::size_t count, const CallOptions& options) {
    std::vector<nb::object> given(count);
    for (std::size_t i = 0; i < count; ++i) given[i] = array_of(arguments[i]);
    return call(given, options);
  }

  // The same for arrays that `array_of` gave.
  nb::object call(const std::vector<nb::object>& given, const CallOptions& options) {
    const Found found = find_plan(given);
    if (found.is_refused()) raise(found);
    return run_found(found, given, options);
  }

  // The same; null, with no error set, if no plan takes such arrays.
  nb::object call_if_planned(const std::vector<nb::object>& given) {
    const Found found = find_plan(given);
    return found.is_refused() ? nb::object() : run_found(found, given, {});
  }

  // Writes the only result to `target`; false if that is not of its type and shape, read-only or
  // expanded, or if no plan takes such arrays.
  bool call_into(const std::vector<nb::object>& given, const nb::object& target) {
    const Found found = find_plan(given);
    if (found.is_refused()) return false;
    const BoundPlan& plan = *nb::inst_ptr<BoundPlan>(found.plan);
    PyArrayObject* out = as_numpy(target);
    if (plan.outputs.size() != 1 || !plan.results.empty() || !matches(plan.outputs[0], out) ||
        !PyArray_ISBEHAVED(out) || is_expanded(out))
      return false;
    std::vector<nb::object> copies;
    std::vector<void*> data = plain_data(found, given, copies, 1);
    const bool is_direct = is_plain(out) && !overlaps(out, copies.empty() ? given : copies);
    nb::object output = is_direct ? target : make_array(plan.outputs[0]);
    data.back() = PyArray_DATA(as_numpy(output));
    plan.run(data.data(), data.data() + given.size(), 0);
    if (!is_direct && PyArray_CopyInto(out, as_numpy(output)) < 0) nb::raise_python_error();
    return true;
  }

  // The cached plan for such arguments, made if there is none.
  nb::object plan_for(const nb::args& arguments) {
    std::vector<nb::object> arrays;
    for (nb::handle argument : arguments) arrays.push_back(array_of(argument));
    const Found found = find_plan(arrays);
    if (found.is_refused()) raise(found);
    return found.plan;
  }

  std::size_t num_plans() const { return plans_.size(); }

  void clear_plans() {
    std::list<Entry> dropped;
    dropped.swap(plans_);  // destructors may run Python code: let it see an empty cache
    by_signature_.clear();
  }

  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(bind_.ptr());
    Py_VISIT(wrap_.ptr());
    Py_VISIT(refusal_.ptr());
    for (const Entry& entry : plans_) Py_VISIT(entry.found.plan.ptr());
    return 0;
  }

  void clear() {
    clear_plans();
    bind_ = nb::none();
    wrap_ = nb::none();
    refusal_ = nb::none();
  }

 private:
  // A plan, kept alive if the cache drops it, and which arguments it reads where they lie though
  // they are not plain: a bit for each. Or the reason why there is no plan.
  struct Found {
    nb::object plan;
    std::uint64_t lying = 0;
    nb::object reason;

    bool is_refused() const { return reason.is_valid(); }

    bool reads_in_place(std::size_t i) const { return i < kMostLying && (lying >> i & 1); }
  };

  struct Entry {
    Signature signature;
    Found found;
  };

  // Where the arguments lie, copied if the plan cannot read them there, with room for the results'
  // addresses.
  static std::vector<void*> plain_data(const Found& found, const std::vector<nb::object>& given,
                                       std::vector<nb::object>& copies, std::size_t results) {
    auto is_readable = [&](std::size_t i) {
      return is_plain(as_numpy(given[i])) || found.reads_in_place(i);
    };
    bool all_readable = true;
    for (std::size_t i = 0; i < given.size(); ++i) all_readable = all_readable && is_readable(i);
    if (!all_readable)
      for (std::size_t i = 0; i < given.size(); ++i)
        copies.push_back(is_readable(i) ? given[i] : as_plain(given[i]));
    const std::vector<nb::object>& arrays = all_readable ? given : copies;
    std::vector<void*> data(given.size() + results);
    for (std::size_t i = 0; i < given.size(); ++i) data[i] = PyArray_DATA(as_numpy(arrays[i]));
    return data;
  }

  // Whether a kernel that reads `arrays` could see what it writes to `out`, which is plain.
  static bool overlaps(PyArrayObject* out, const std::vector<nb::object>& arrays) {
    const char* begin = PyArray_BYTES(out);
    const char* end = begin + PyArray_NBYTES(out);
    for (const nb::object& array : arrays) {
      if (PyArray_SIZE(as_numpy(array)) == 0) continue;
      const auto [first, last] = extent(as_numpy(array));
      if (first < end && begin < last) return true;
    }
    return false;
  }

  [[noreturn]] void raise(const Found& found) const {
    PyErr_SetObject(refusal_.ptr(), found.reason.ptr());
    nb::raise_python_error();
  }

  nb::object run_found(const Found& found, const std::vector<nb::object>& given,
                       const CallOptions& options) const {
    const BoundPlan& plan = *nb::inst_ptr<BoundPlan>(found.plan);
    std::vector<nb::object> copies;
    std::vector<void*> data = plain_data(found, given, copies, plan.outputs.size());
    nb::object results = run(plan, given, data, options);
    return wrap_.is_none() ? results : wrap_all(results);
  }

  // The results of `plan` on arguments that were `given` and lie at `data`, which has room for the
  // addresses of the outputs.
  static nb::object run(const BoundPlan& plan, const std::vector<nb::object>& given,
                        std::vector<void*>& data, const CallOptions& options) {
    const std::size_t count = given.size();
    nb::object outputs = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(plan.outputs.size())));
    if (!outputs.is_valid()) nb::raise_python_error();
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
      nb::object output = make_array(plan.outputs[i]);
      data[count + i] = PyArray_DATA(as_numpy(output));
      PyTuple_SET_ITEM(outputs.ptr(), static_cast<Py_ssize_t>(i), output.release().ptr());
    }
    plan.run(data.data(), data.data() + count, options.threads, options.control);
    return plan.results.empty() ? outputs : plan.view_results(given, outputs);
  }

  Found find_plan(const std::vector<nb::object>& arrays) {
    signature_.clear();
    for (const nb::object& array : arrays) append_to_signature(signature_, as_numpy(array));
    if (!plans_.empty() && plans_.front().signature == signature_) return plans_.front().found;
    auto found = by_signature_.find(signature_);
    if (found == by_signature_.end()) return bind_plan(signature_, arrays);
    plans_.splice(plans_.begin(), plans_, found->second);
    return plans_.front().found;
  }

  // What `bind` gave: a plan, or a plan and the numbers of the arguments that it reads as they lie.
  static Found parse_bound(const nb::object& given) {
    if (!PyTuple_Check(given.ptr())) return {given, 0, {}};
    Found found{given[0], 0, {}};
    for (nb::handle number : given[1]) {
      const auto i = nb::cast<std::size_t>(number);
      if (i >= kMostLying) throw nb::value_error("only the first arguments are read as they lie");
      found.lying |= std::uint64_t{1} << i;
    }
    return found;
  }

  Found bind_plan(Signature signature, const std::vector<nb::object>& arrays) {
    Found found = ask_for_plan(arrays);
    if (!found.is_refused()) check_plan(found, arrays);
    // `bind` may have come back here and added the same signature.
    if (by_signature_.contains(signature)) return found;
    plans_.push_front({signature, found});
    by_signature_.emplace(std::move(signature), plans_.begin());
    if (plans_.size() > capacity_) {
      by_signature_.erase(plans_.back().signature);
      Found dropped = std::move(plans_.back().found);
      plans_.pop_back();
    }
    return found;
  }

  Found ask_for_plan(const std::vector<nb::object>& arrays) const {
    try {
      return parse_bound(call_python([&] { return bind_(describe_arguments(arrays)); }));
    } catch (nb::python_error& error) {
      if (refusal_.is_none() || !error.matches(refusal_)) throw;
      return {nb::object(), 0, nb::str(error.value())};
    }
  }

  static void check_plan(const Found& found, const std::vector<nb::object>& arrays) {
    if (!nb::isinstance<BoundPlan>(found.plan)) throw nb::type_error("bind must return a Plan");
    const BoundPlan& bound = *nb::inst_ptr<BoundPlan>(found.plan);
    bool fits = bound.inputs.size() == arrays.size();
    for (std::size_t i = 0; fits && i < arrays.size(); ++i) {
      fits = found.reads_in_place(i) ? is_within(as_numpy(arrays[i]), bound.inputs[i])
                                     : matches(bound.inputs[i], as_numpy(arrays[i]));
    }
    if (!fits) throw PlanError("bind returned a plan for other inputs than it was asked for");
  }

  nb::object wrap_all(const nb::object& results) const {
    const Py_ssize_t count = PyTuple_GET_SIZE(results.ptr());
    nb::object wrapped = nb::steal(PyTuple_New(count));
    if (!wrapped.is_valid()) nb::raise_python_error();
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyTuple_SET_ITEM(wrapped.ptr(), i, wrap_one(PyTuple_GET_ITEM(results.ptr(), i)));
    }
    return wrapped;
  }

  // A new reference.
  PyObject* wrap_one(PyObject* array) const {
    if (wraps_in_tensors_) return make_tensor(wrap_, array).release().ptr();
    PyObject* item = call_python([&] { return PyObject_CallOneArg(wrap_.ptr(), array); });
    if (!item) nb::raise_python_error();
    return item;
  }

  nb::object bind_;
  nb::object wrap_;
  nb::object refusal_;  // a class of exceptions or None
  std::size_t capacity_;
  bool wraps_in_tensors_ = false;  // whether `wrap` is a class of Tensors
  std::list<Entry> plans_;         // the latest used first
  std::unordered_map<Signature, std::list<Entry>::iterator, SignatureHash> by_signature_;
  Signature signature_;  // of the current call; a member to reuse its memory
};

}  // namespace treadle
