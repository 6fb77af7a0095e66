// What runs the calls of one function that were made before.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "arrays.h"
#include "program.h"

namespace treadle {

// A call as it is looked up: dtype and scalarness of its tensors, all its other values.
struct CallKey {
  Signature words;
  std::vector<nb::object> tensors;  // of the call, in its order
  std::vector<nb::object> arrays;   // theirs
  std::vector<nb::object> objects;  // that `words` have the addresses of; for `remember` only
};

// Where a view lies in the array that it is one of.
struct Place {
  ArrayType type;
  std::int64_t byte_offset = 0;
  std::vector<npy_intp> byte_strides;
};

// The views that a call gives of an array, by the array's signature: they depend on nothing else.
struct Views {
  bool are_several = false;  // a tuple, even of one
  std::vector<Place> places;
};
using KnownViews = std::unordered_map<Signature, Views, SignatureHash>;

// A function of arrays and of the call's other arguments. While it runs, `variable` has `value` if
// there is one: that silences NumPy.
struct Reference {
  nb::object function, variable, value;
  std::vector<nb::object> arguments;  // an int stands for a tensor of the call if `places` says so
  std::vector<int> places;            // the number of the tensor, or -1
};

// How a call is run: by `program` on `inputs` if there is one and it has a plan for these, else by
// `reference` if there is one, else by `run(tensors)`, which also says best why either failed.
struct KnownCall {
  nb::object run;
  std::unique_ptr<Reference> reference;
  nb::object program;              // a Program or None
  std::vector<nb::object> inputs;  // an int for a tensor of the call, or an array
  bool in_order = true;            // whether `inputs` are the tensors of the call
  nb::object make;  // a class of tuples for several results, or None for the only one
  int target = -1;  // the tensor of the call that the result, or the view, is written to
  std::shared_ptr<KnownViews> views;  // of a call that gives views of its only tensor
  std::vector<nb::object> objects;    // keeps the addresses of the key from being used anew
};

// The calls of one function. Guarded by the GIL.
class KnownCalls {
 public:
  KnownCalls(nb::object tensor, std::size_t capacity)
      : tensor_(std::move(tensor)), capacity_(capacity) {}

  // Reads a call; false if a call like it cannot be known. With `keeps`, also notes objects.
  bool read(CallKey& key, PyObject* const* values, std::size_t count, PyObject* names,
            bool keeps) const;

  std::shared_ptr<const KnownCall> find(const CallKey& key) const;
  void add(CallKey key, KnownCall call);
  nb::handle tensor_class() const { return tensor_; }

 private:
  bool add_value(CallKey& key, PyObject* value, int depth, bool keeps) const;
  bool add_items(CallKey& key, PyObject* items, int depth, bool keeps) const;
  void add_tensor(CallKey& key, PyObject* tensor, nb::object array) const;

  nb::object tensor_;  // a class of Tensors
  std::size_t capacity_;
  std::unordered_map<Signature, std::shared_ptr<const KnownCall>, SignatureHash> calls_;
};

// The result of a known call of these tensors; null, with no error set, if `run` has to give it.
nb::object run_program(const KnownCall& call, const CallKey& key);

// The same for a call that has a reference.
nb::object run_reference(const KnownCall& call, const CallKey& key, nb::handle tensor);

// The same for a call that gives views of a tensor, which are of class `tensor`.
nb::object make_views(const KnownCall& call, const CallKey& key, nb::handle tensor);

nb::object list_of(const std::vector<nb::object>& items);

// The tuple `items` as an instance of `type`, a class derived from it; its constructor is not
// called.
nb::object make_tuple_of(const nb::object& type, const nb::object& items);

// Remembers that `result` is what the call gives, if it consists of views; false if it does not.
bool remember_views(const KnownCall& call, const CallKey& key, nb::handle tensor,
                    nb::handle result);

}  // namespace treadle
