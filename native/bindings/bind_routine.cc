// The routines of LAPACK that NumPy brings. A small matrix is decomposed in less time than NumPy
// takes to find the loop, to set how errors are treated, and to convert arrays.
#include <nanobind/stl/string.h>
#include <optional>

#include <cfenv>

#include "arrays.h"
#include "bindings.h"
#include "gil.h"
// It needs Python.h, which comes with the others.
#define NO_IMPORT_UFUNC
#include <numpy/ufuncobject.h>

namespace treadle {
namespace {

constexpr npy_intp kMany = 1 << 12;  // elements beyond which the GIL is released

// The loop of a generalised ufunc for arguments and results of given types. Immutable.
class Routine {
 public:
  // `types` are characters of NumPy's: "dd->d".
  Routine(nb::object ufunc, const std::string& types) : owner_(std::move(ufunc)) {
    if (nb::cast<std::string>(nb::str(owner_.type().attr("__name__"))) != "ufunc")
      throw nb::type_error("expected a ufunc");
    ufunc_ = reinterpret_cast<PyUFuncObject*>(owner_.ptr());
    for (char letter : types)
      if (letter != '-' && letter != '>') types_.push_back(type_of(letter));
    if (!ufunc_->core_enabled || static_cast<int>(types_.size()) != ufunc_->nargs)
      throw nb::value_error("expected a generalised ufunc with so many arguments and results");
    for (loop_ = 0; loop_ < ufunc_->ntypes; ++loop_)
      if (fits(loop_)) return;
    throw nb::value_error("the ufunc has no loop for these types");
  }

  // Results of these shapes, in the routine's dtypes, of arrays with the same batch dims. Throws
  // FloatingPointError if the routine fails.
  nb::tuple call(const nb::args& inputs, const nb::list& shapes) const {
    if (static_cast<int>(inputs.size()) != ufunc_->nin ||
        static_cast<int>(shapes.size()) != ufunc_->nout)
      throw nb::value_error("expected as many arrays and shapes as the routine has");
    std::vector<nb::object> arrays;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      arrays.push_back(as_input(inputs[i], types_[i]));
    nb::list results;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      arrays.push_back(make_output(shapes[i], types_[inputs.size() + i]));
      results.append(arrays.back());
    }
    run(arrays);
    return nb::tuple(results);
  }

 private:
  static int type_of(char letter) {
    if (letter == 'd') return NPY_DOUBLE;
    if (letter == 'D') return NPY_CDOUBLE;
    throw nb::value_error("the types are d and D");
  }

  bool fits(int loop) const {
    for (int i = 0; i < ufunc_->nargs; ++i)
      if (ufunc_->types[loop * ufunc_->nargs + i] != types_[i]) return false;
    return true;
  }

  static nb::object as_input(nb::handle array, int type) {
    PyObject* made =
        PyArray_FROMANY(array.ptr(), type, 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST);
    if (!made) nb::raise_python_error();
    return nb::steal(made);
  }

  static nb::object make_output(nb::handle shape, int type) {
    std::vector<npy_intp> sizes;
    for (nb::handle size : shape) sizes.push_back(nb::cast<npy_intp>(size));
    PyObject* made = PyArray_SimpleNew(static_cast<int>(sizes.size()), sizes.data(), type);
    if (!made) nb::raise_python_error();
    return nb::steal(made);
  }

  void run(const std::vector<nb::object>& arrays) const {
    std::vector<npy_intp> sizes(1 + ufunc_->core_num_dim_ix, -1);
    std::vector<npy_intp> steps(arrays.size());
    std::vector<char*> data;
    npy_intp elements = 0;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      PyArrayObject* array = as_numpy(arrays[i]);
      const int core = ufunc_->core_num_dims[i], batch = PyArray_NDIM(array) - core;
      if (batch < 0) throw nb::value_error("an array has too few dims");
      set_size(sizes[0], PyArray_MultiplyList(PyArray_DIMS(array), batch));
      npy_intp step = PyArray_ITEMSIZE(array);
      for (int dim = core - 1; dim >= 0; --dim) step *= PyArray_DIM(array, batch + dim);
      steps[i] = step;
      for (int dim = 0; dim < core; ++dim) {
        const int number = ufunc_->core_dim_ixs[ufunc_->core_offsets[i] + dim];
        set_size(sizes[1 + number], PyArray_DIM(array, batch + dim));
        steps.push_back(PyArray_STRIDE(array, batch + dim));
      }
      data.push_back(PyArray_BYTES(array));
      elements += PyArray_SIZE(array);
    }
    std::feclearexcept(FE_INVALID);
    std::optional<WithoutGil> released;
    if (elements > kMany) released.emplace();
    ufunc_->functions[loop_](data.data(), sizes.data(), steps.data(),
                             ufunc_->data ? ufunc_->data[loop_] : nullptr);
    released.reset();
    if (!std::fetestexcept(FE_INVALID)) return;
    std::feclearexcept(FE_INVALID);
    PyErr_SetString(PyExc_FloatingPointError, ufunc_->name);
    nb::raise_python_error();
  }

  static void set_size(npy_intp& size, npy_intp found) {
    if (size >= 0 && size != found) throw nb::value_error("the sizes of the arrays do not fit");
    size = found;
  }

  nb::object owner_;
  PyUFuncObject* ufunc_;
  std::vector<int> types_;
  int loop_ = 0;
};

}  // namespace

void bind_routine(nb::module_& m) {
  nb::class_<Routine>(m, "Routine", "The loop of a generalised ufunc for given types.")
      .def(nb::init<nb::object, const std::string&>(), nb::arg("ufunc"), nb::arg("types"))
      .def("__call__", &Routine::call, nb::arg("inputs"), nb::arg("shapes"),
           "Results of these shapes, in double precision.");
}

}  // namespace treadle
