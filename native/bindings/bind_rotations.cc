// Singular values by rotations of pairs of columns (Hestenes 1958), for matrices so small that
// LAPACK takes longer to begin.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "bindings.h"
#include "matrices.h"

namespace treadle {
namespace {

constexpr int kMostSweeps = 60;

// The columns of one matrix, or those of its adjoint if these are fewer. Behind each is a row of
// the unit matrix, which the rotations turn into a vector of the other side.
template <typename T>
class Columns {
 public:
  Columns(const T* a, npy_intp rows, npy_intp columns)
      : is_adjoint_(rows < columns),
        count_(std::min(rows, columns)),
        length_(std::max(rows, columns)),
        data_(static_cast<std::size_t>(count_ * (length_ + count_))),
        values_(static_cast<std::size_t>(count_)),
        order_(static_cast<std::size_t>(count_)) {
    for (npy_intp c = 0; c < count_; ++c) {
      for (npy_intp i = 0; i < length_; ++i)
        at(c)[i] = is_adjoint_ ? conjugate(a[c * length_ + i]) : a[i * count_ + c];
      at(c)[length_ + c] = T(1);
    }
  }

  // Makes all columns orthogonal and puts them in order; false if that has no end.
  bool decompose() {
    if (!scale()) return false;
    int sweep = 0;
    while (rotate_all())
      if (++sweep == kMostSweeps) return false;
    for (npy_intp c = 0; c < count_; ++c) values_[c] = std::sqrt(square_of(at(c)));
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(),
                     [this](npy_intp c, npy_intp d) { return values_[c] > values_[d]; });
    return true;
  }

  void write_values(double* values) const {
    for (npy_intp k = 0; k < count_; ++k) values[k] = std::ldexp(values_[order_[k]], exponent_);
  }

  // U, of `count` columns, and the adjoint of V; zeros beside a value of 0.
  void write_vectors(T* u, T* vh) {
    for (npy_intp k = 0; k < count_; ++k) {
      const T *column = at(order_[k]), *other = column + length_;
      const double value = values_[order_[k]];
      for (npy_intp i = 0; i < length_; ++i) {
        const T unit = value > 0 ? column[i] / value : T(0);
        if (is_adjoint_)
          vh[k * length_ + i] = conjugate(unit);
        else
          u[i * count_ + k] = unit;
      }
      for (npy_intp i = 0; i < count_; ++i)
        if (is_adjoint_)
          u[i * count_ + k] = other[i];
        else
          vh[k * count_ + i] = conjugate(other[i]);
    }
  }

 private:
  T* at(npy_intp c) { return data_.data() + c * (length_ + count_); }

  double square_of(const T* column) const {
    double sum = 0.0;
    for (npy_intp i = 0; i < length_; ++i) sum += std::norm(column[i]);
    return sum;
  }

  // Lets the largest part of an element be near 1, so that squares are numbers; false if that of
  // one is not finite.
  bool scale() {
    double largest = 0.0;
    for (npy_intp c = 0; c < count_; ++c)
      for (npy_intp i = 0; i < length_; ++i) {
        const double real = std::abs(std::real(at(c)[i])), imag = std::abs(std::imag(at(c)[i]));
        if (!std::isfinite(real) || !std::isfinite(imag)) return false;
        largest = std::max({largest, real, imag});
      }
    if (largest == 0.0) return true;
    exponent_ = std::ilogb(largest);
    for (npy_intp c = 0; c < count_; ++c)
      for (npy_intp i = 0; i < length_; ++i) at(c)[i] = scaled(at(c)[i], -exponent_);
    return true;
  }

  static double scaled(double x, int exponent) { return std::ldexp(x, exponent); }
  static std::complex<double> scaled(const std::complex<double>& x, int exponent) {
    return {std::ldexp(x.real(), exponent), std::ldexp(x.imag(), exponent)};
  }

  bool rotate_all() {
    bool has_turned = false;
    for (npy_intp p = 0; p < count_; ++p)
      for (npy_intp q = p + 1; q < count_; ++q) has_turned |= rotate(at(p), at(q));
    return has_turned;
  }

  // Makes two columns orthogonal; false if they are.
  bool rotate(T* p, T* q) const {
    const double alpha = square_of(p), beta = square_of(q);
    T product(0);
    for (npy_intp i = 0; i < length_; ++i) product += conjugate(p[i]) * q[i];
    const double size = std::abs(product);
    const double rounding = std::numeric_limits<double>::epsilon() * static_cast<double>(length_);
    if (size <= rounding * std::sqrt(alpha) * std::sqrt(beta)) return false;
    const double zeta = (beta - alpha) / (2 * size);
    const double tangent = std::copysign(1 / (std::abs(zeta) + std::sqrt(1 + zeta * zeta)), zeta);
    const double cosine = 1 / std::sqrt(1 + tangent * tangent), sine = cosine * tangent;
    const T turn = conjugate(product) / size;  // makes the product of both real
    for (npy_intp i = 0; i < length_ + count_; ++i) {
      const T x = p[i], y = q[i] * turn;
      p[i] = cosine * x - sine * y;
      q[i] = sine * x + cosine * y;
    }
    return true;
  }

  bool is_adjoint_;
  npy_intp count_, length_;
  std::vector<T> data_;
  std::vector<double> values_;
  std::vector<npy_intp> order_;
  int exponent_ = 0;
};

// Calls `write` for the columns of each of the matrices; false if one has no singular values.
template <typename F>
bool decompose_all(const Matrices& a, const F& write) {
  bool are_found = true;
  a.for_each([&](auto zero, npy_intp n) {
    using T = decltype(zero);
    Columns<T> columns(a.at<T>(n), a.rows(), a.columns());
    are_found = are_found && columns.decompose();
    if (are_found) write(columns, n, zero);
  });
  return are_found;
}

double* doubles_in(const nb::object& array) {
  return static_cast<double*>(PyArray_DATA(as_numpy(array)));
}

nb::object find_singular_values(nb::handle array) {
  const Matrices a = Matrices::copy_of(array);
  const npy_intp count = std::min(a.rows(), a.columns());
  nb::object values = a.new_array(NPY_DOUBLE, {count});
  const bool are_found = decompose_all(a, [&](auto& columns, npy_intp n, auto) {
    columns.write_values(doubles_in(values) + n * count);
  });
  return are_found ? values : nb::none();
}

nb::object find_singular_vectors(nb::handle array) {
  const Matrices a = Matrices::copy_of(array);
  const npy_intp count = std::min(a.rows(), a.columns());
  nb::object values = a.new_array(NPY_DOUBLE, {count});
  const Matrices u = a.with_sizes(a.rows(), count), vh = a.with_sizes(count, a.columns());
  const bool are_found = decompose_all(a, [&](auto& columns, npy_intp n, auto zero) {
    using T = decltype(zero);
    columns.write_values(doubles_in(values) + n * count);
    columns.write_vectors(u.at<T>(n), vh.at<T>(n));
  });
  if (!are_found) return nb::none();
  return nb::make_tuple(u.wide(), values, vh.wide());
}

}  // namespace

void bind_rotations(nb::module_& m) {
  m.def("find_singular_values", find_singular_values, nb::arg("array"),
        "Singular values of matrices, in double precision; None if an element is not finite.");
  m.def("find_singular_vectors", find_singular_vectors, nb::arg("array"),
        "U, singular values and the adjoint of V, without vectors for values of 0; None as well.");
}

}  // namespace treadle
