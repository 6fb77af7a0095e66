#include <cstdint>
#include <list>
#include <unordered_map>

#include "bindings.h"
#include "bound_plan.h"
#include "errors.h"
#include "signature.h"

namespace treadle {
namespace {

struct CallOptions {
  int threads = 0;
  RunControl* control = nullptr;  // alive as long as the call's keywords
};

int parse_threads(PyObject* value) {
  if (value == Py_None) return 0;
  long threads = PyLong_AsLong(value);
  if (threads == -1 && PyErr_Occurred()) nb::raise_python_error();
  if (threads < 1 || threads > INT32_MAX)
    throw nb::value_error("threads must be a positive integer");
  return static_cast<int>(threads);
}

CallOptions parse_options(PyObject* kwargs) {
  CallOptions options;
  if (!kwargs) return options;
  Py_ssize_t position = 0;
  PyObject *name, *value;
  while (PyDict_Next(kwargs, &position, &name, &value)) {
    if (PyUnicode_CompareWithASCIIString(name, "threads") == 0) {
      options.threads = parse_threads(value);
    } else if (PyUnicode_CompareWithASCIIString(name, "control") == 0 &&
               (value == Py_None || nb::isinstance<RunControl>(value))) {
      options.control = value == Py_None ? nullptr : nb::inst_ptr<RunControl>(value);
    } else {
      throw nb::type_error("a program takes arrays and the keyword threads or control");
    }
  }
  return options;
}

// The entry of a compiled model: finds the plan for the arguments' types and shapes, or has it
// made, and runs it. Everything but the run itself happens under the GIL, which guards the cache.
class Program {
 public:
  Program(nb::object bind, nb::object wrap, std::size_t capacity)
      : bind_(std::move(bind)), wrap_(std::move(wrap)), capacity_(capacity) {
    if (capacity_ == 0) throw nb::value_error("the capacity must be positive");
    wraps_in_tensors_ =
        PyType_Check(wrap_.ptr()) && PyObject_HasAttr(wrap_.ptr(), array_attribute());
  }

  nb::object call(PyObject* const* arguments, std::size_t count, const CallOptions& options) {
    std::vector<nb::object> given(count);
    bool all_plain = true;
    for (std::size_t i = 0; i < count; ++i) {
      given[i] = array_of(arguments[i]);
      all_plain = all_plain && is_plain(as_numpy(given[i]));
    }
    nb::object owner = find_plan(given);  // keeps the plan alive if the cache drops it meanwhile
    const BoundPlan& plan = *nb::inst_ptr<BoundPlan>(owner);

    std::vector<nb::object> copies;
    if (!all_plain)
      for (const nb::object& array : given) copies.push_back(as_plain(array));
    const std::vector<nb::object>& arrays = all_plain ? given : copies;
    std::vector<void*> data(count + plan.outputs.size());
    for (std::size_t i = 0; i < count; ++i) data[i] = PyArray_DATA(as_numpy(arrays[i]));
    nb::object results = run(plan, given, data, options);
    return wrap_.is_none() ? results : wrap_all(results);
  }

  // The cached plan for such arguments, made if there is none.
  nb::object plan_for(const nb::args& arguments) {
    std::vector<nb::object> arrays;
    for (nb::handle argument : arguments) arrays.push_back(array_of(argument));
    return find_plan(arrays);
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
    for (const Entry& entry : plans_) Py_VISIT(entry.plan.ptr());
    return 0;
  }

  void clear() {
    clear_plans();
    bind_ = nb::none();
    wrap_ = nb::none();
  }

 private:
  struct Entry {
    Signature signature;
    nb::object plan;
  };

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

  nb::object find_plan(const std::vector<nb::object>& arrays) {
    signature_.clear();
    for (const nb::object& array : arrays) append_to_signature(signature_, as_numpy(array));
    if (!plans_.empty() && plans_.front().signature == signature_) return plans_.front().plan;
    auto found = by_signature_.find(signature_);
    if (found == by_signature_.end()) return bind_plan(signature_, arrays);
    plans_.splice(plans_.begin(), plans_, found->second);
    return plans_.front().plan;
  }

  nb::object bind_plan(Signature signature, const std::vector<nb::object>& arrays) {
    nb::object plan = bind_(describe_arguments(arrays));
    if (!nb::isinstance<BoundPlan>(plan)) throw nb::type_error("bind must return a Plan");
    const BoundPlan& bound = *nb::inst_ptr<BoundPlan>(plan);
    bool fits = bound.inputs.size() == arrays.size();
    for (std::size_t i = 0; fits && i < arrays.size(); ++i)
      fits = matches(bound.inputs[i], as_numpy(arrays[i]));
    if (!fits) throw PlanError("bind returned a plan for other inputs than it was asked for");
    // `bind` may have come back here and added the same signature.
    if (by_signature_.contains(signature)) return plan;
    plans_.push_front({signature, plan});
    by_signature_.emplace(std::move(signature), plans_.begin());
    if (plans_.size() > capacity_) {
      by_signature_.erase(plans_.back().signature);
      nb::object dropped = std::move(plans_.back().plan);
      plans_.pop_back();
    }
    return plan;
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

  // A new reference. A Tensor is an object with one attribute, so its constructor is not called:
  // that would cost as much as a small plan.
  PyObject* wrap_one(PyObject* array) const {
    if (!wraps_in_tensors_) {
      PyObject* item = PyObject_CallOneArg(wrap_.ptr(), array);
      if (!item) nb::raise_python_error();
      return item;
    }
    auto* type = reinterpret_cast<PyTypeObject*>(wrap_.ptr());
    nb::object tensor = nb::steal(type->tp_alloc(type, 0));
    if (!tensor.is_valid() || PyObject_SetAttr(tensor.ptr(), array_attribute(), array) < 0)
      nb::raise_python_error();
    return tensor.release().ptr();
  }

  nb::object bind_;
  nb::object wrap_;
  std::size_t capacity_;
  bool wraps_in_tensors_ = false;  // whether `wrap` is the class of objects with an `_array`
  std::list<Entry> plans_;         // the latest used first
  std::unordered_map<Signature, std::list<Entry>::iterator, SignatureHash> by_signature_;
  Signature signature_;  // of the current call; a member to reuse its memory
};

// tp_call itself rather than a bound __call__: the way through nanobind's overload resolution costs
// more than a small plan.
PyObject* call_program(PyObject* self, PyObject* args, PyObject* kwargs) {
  return translate_errors([&] {
    return nb::inst_ptr<Program>(self)->call(&PyTuple_GET_ITEM(args, 0),
                                             static_cast<std::size_t>(PyTuple_GET_SIZE(args)),
                                             parse_options(kwargs));
  });
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return nb::inst_ready(self) ? nb::inst_ptr<Program>(self)->traverse(visit, arg) : 0;
}

int clear(PyObject* self) {
  if (nb::inst_ready(self)) nb::inst_ptr<Program>(self)->clear();
  return 0;
}

PyType_Slot kSlots[] = {{Py_tp_call, reinterpret_cast<void*>(call_program)},
                        {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                        {Py_tp_clear, reinterpret_cast<void*>(clear)},
                        {0, nullptr}};

}  // namespace

void bind_program(nb::module_& m) {
  nb::class_<Program>(
      m, "Program", nb::type_slots(kSlots),
      "A model compiled for any shapes: `program(*arrays, threads=n, control=c)` binds and runs "
      "it.")
      .def(nb::init<nb::object, nb::object, std::size_t>(), nb::arg("bind"),
           nb::arg("wrap") = nb::none(), nb::arg("capacity") = 64,
           "`bind(((dtype, shape), ...))` makes the plan for new types and shapes, of which the "
           "last "
           "`capacity` are kept; `wrap` is called on each result.")
      .def("plan_for", &Program::plan_for, "The plan for such arguments.")
      .def_prop_ro("num_plans", &Program::num_plans, "How many plans are kept.")
      .def("clear", &Program::clear_plans, "Drop all plans.");
}

}  // namespace treadle
