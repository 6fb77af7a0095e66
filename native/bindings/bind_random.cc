#include <algorithm>
#include <optional>
#include <utility>

#include "bindings.h"
#include "distributions.h"
#include "gil.h"

namespace treadle {
namespace {

constexpr npy_intp kMany = 1 << 14;   // beyond, the GIL is released
constexpr npy_intp kPiece = 1 << 18;  // some milliseconds; signals are handled in between
constexpr double kMostEvents = 0x1p62;

// Fills arrays with numbers of one of NumPy's bit generators, whose lock it takes meanwhile.
class Drawer {
 public:
  explicit Drawer(nb::object generator)
      : generator_(generator),
        acquire_(generator.attr("lock").attr("acquire")),
        release_(generator.attr("lock").attr("release")) {
    nb::object capsule = generator.attr("capsule");
    bits_ = static_cast<bitgen_t*>(PyCapsule_GetPointer(capsule.ptr(), "BitGenerator"));
    if (!bits_) nb::raise_python_error();
  }

  void fill_uniform(nb::handle array, double low, double high) {
    if (!(low <= high)) throw nb::value_error("from must not exceed to");
    const double width = high - low;
    fill_floats(array, [&]<typename T>(T* element) {
      *element = static_cast<T>(draw_unit<T>(*bits_) * width + low);
    });
  }

  void fill_normal(nb::handle array, double mean, double std) {
    if (!(std >= 0.0)) throw nb::value_error("std must not be negative");
    const Ziggurat& ziggurat = Ziggurat::tables();
    fill_floats(array, [&]<typename T>(T* element) {
      *element = static_cast<T>(ziggurat.draw(*bits_) * std + mean);
    });
  }

  // Ones with the chances that the elements of `array` are, else zeros, in their place.
  void fill_bernoulli(nb::handle array) {
    fill_floats(array, [&]<typename T>(T* element) {
      *element = static_cast<T>(bits_->next_double(bits_->state) < static_cast<double>(*element));
    });
  }

  // Numbers of events of which the elements of `array` are expected, in their place.
  void fill_poisson(nb::handle array) {
    bool are_rates = true;
    fill_floats(array, [&]<typename T>(T* element) {
      const auto rate = static_cast<double>(*element);
      const bool is_rate = rate >= 0.0 && rate <= kMostEvents;
      are_rates = are_rates && is_rate;
      if (is_rate) *element = static_cast<T>(draw_events(*bits_, rate));
    });
    if (!are_rates) throw nb::value_error("rates must be from 0 to 2**62");
  }

  // Ones with this chance, else zeros.
  void fill_chance(nb::handle array, double chance) {
    if (!(chance >= 0.0 && chance <= 1.0)) throw nb::value_error("p must be from 0 to 1");
    fill_floats(array, [&]<typename T>(T* element) {
      *element = static_cast<T>(bits_->next_double(bits_->state) < chance);
    });
  }

  void fill_exponential(nb::handle array, double rate) {
    if (!(rate > 0.0)) throw nb::value_error("lambd must be positive");
    fill_floats(array, [&]<typename T>(T* element) {
      *element = static_cast<T>(-std::log1p(-bits_->next_double(bits_->state)) / rate);
    });
  }

  // Puts the elements in random order: each swaps with one of those before it, or itself.
  void shuffle(nb::handle array) {
    check_integers(array);
    const auto* first = static_cast<std::int64_t*>(PyArray_DATA(as_numpy(array)));
    fill<std::int64_t>(array, [&](std::int64_t* element) {
      const auto before = static_cast<std::uint64_t>(element - first);
      std::swap(*element, *(element - static_cast<std::ptrdiff_t>(draw_below(*bits_, before + 1))));
    });
  }

  // Integers in [low, low + count).
  void fill_integers(nb::handle array, std::int64_t low, double count) {
    check_integers(array);
    fill<std::int64_t>(array, [&](std::int64_t* element) {
      *element = low + static_cast<std::int64_t>(bits_->next_double(bits_->state) * count);
    });
  }

 private:
  class Locked {
   public:
    explicit Locked(const Drawer& drawer) : drawer_(drawer) {
      call_python([&] { drawer_.acquire_(); });
    }
    ~Locked() { Py_XDECREF(PyObject_CallNoArgs(drawer_.release_.ptr())); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

   private:
    const Drawer& drawer_;
  };

  static void check(nb::handle array) {
    if (!PyArray_Check(array.ptr()) || !PyArray_ISCARRAY(as_numpy(array)))
      throw nb::type_error("expected a contiguous array that can be written to");
  }

  static void check_integers(nb::handle array) {
    check(array);
    if (PyArray_TYPE(as_numpy(array)) != NPY_INT64) throw nb::type_error("expected int64");
  }

  template <typename F>
  void fill_floats(nb::handle array, const F& draw) {
    check(array);
    const int type = PyArray_TYPE(as_numpy(array));
    if (type != NPY_FLOAT && type != NPY_DOUBLE)
      throw nb::type_error("expected float32 or float64");
    if (type == NPY_FLOAT)
      fill<float>(array, draw);
    else
      fill<double>(array, draw);
  }

  template <typename T, typename F>
  void fill(nb::handle array, const F& draw) {
    T* data = static_cast<T*>(PyArray_DATA(as_numpy(array)));
    for (npy_intp left = PyArray_SIZE(as_numpy(array)); left > 0;) {
      const npy_intp count = std::min(left, kPiece);
      fill_piece(data, count, draw);
      data += count;
      left -= count;
      if (left > 0 && PyErr_CheckSignals() < 0) nb::raise_python_error();
    }
  }

  template <typename T, typename F>
  void fill_piece(T* data, npy_intp count, const F& draw) {
    const Locked locked(*this);
    std::optional<WithoutGil> released;
    if (count > kMany) released.emplace();
    for (npy_intp i = 0; i < count; ++i) draw(data + i);
  }

  nb::object generator_;  // has what `bits_` points to
  nb::object acquire_, release_;
  bitgen_t* bits_;
};

}  // namespace

void bind_random(nb::module_& m) {
  nb::class_<Drawer>(m, "Drawer", "Fills arrays with numbers of a bit generator of NumPy's.")
      .def(nb::init<nb::object>(), nb::arg("generator"))
      .def("fill_uniform", &Drawer::fill_uniform, nb::arg("array"), nb::arg("low") = 0.0,
           nb::arg("high") = 1.0, "Numbers in [low, high).")
      .def("fill_normal", &Drawer::fill_normal, nb::arg("array"), nb::arg("mean") = 0.0,
           nb::arg("std") = 1.0, "Numbers of a normal distribution.")
      .def("fill_bernoulli", &Drawer::fill_bernoulli, nb::arg("array"),
           "Ones with the chances that the elements are, else zeros, in their place.")
      .def("fill_poisson", &Drawer::fill_poisson, nb::arg("array"),
           "Numbers of events of which the elements are expected, in their place.")
      .def("fill_chance", &Drawer::fill_chance, nb::arg("array"), nb::arg("chance") = 0.5,
           "Ones with this chance, else zeros.")
      .def("fill_exponential", &Drawer::fill_exponential, nb::arg("array"), nb::arg("rate") = 1.0,
           "Numbers of an exponential distribution.")
      .def("shuffle", &Drawer::shuffle, nb::arg("array"), "Put int64 elements in random order.")
      .def("fill_integers", &Drawer::fill_integers, nb::arg("array"), nb::arg("low"),
           nb::arg("count"), "Integers in [low, low + count).");
}

}  // namespace treadle
