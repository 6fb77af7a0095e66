// Matrices in double precision, row by row, as the routines of linear algebra here take them.
#pragma once

#include <complex>
#include <initializer_list>
#include <optional>

#include "arrays.h"
#include "gil.h"

namespace treadle {

inline double conjugate(double x) { return x; }
inline std::complex<double> conjugate(const std::complex<double>& x) { return std::conj(x); }

// Copies of matrices that may have been in single precision. Their batch dims are those of `array`.
class Matrices {
 public:
  // Throws TypeError if `array` holds no matrices of floats or complex numbers.
  static Matrices copy_of(nb::handle array);

  // As many of other sizes; their content is undefined.
  Matrices with_sizes(npy_intp rows, npy_intp columns) const;

  // The first rows of each, in the precision they came in.
  nb::object narrowed(npy_intp rows) const;
  nb::object narrowed() const { return narrowed(rows_); }

  // In double precision.
  const nb::object& wide() const { return array_; }

  // A new array of the batch dims and these.
  nb::object new_array(int type, std::initializer_list<npy_intp> sizes) const;

  npy_intp count() const { return count_; }
  npy_intp rows() const { return rows_; }
  npy_intp columns() const { return columns_; }
  bool is_complex() const { return wide_ == NPY_CDOUBLE; }

  // Matrix number `n`; T is double, or std::complex<double> if they are complex.
  template <typename T>
  T* at(npy_intp n) const {
    return static_cast<T*>(PyArray_DATA(as_numpy(array_))) + n * rows_ * columns_;
  }

  // Calls f(T(), n) for each number n of a matrix; without the GIL if there is much to do.
  template <typename F>
  void for_each(const F& f) const {
    std::optional<WithoutGil> released;
    if (count_ * rows_ * columns_ > kMany) released.emplace();
    for (npy_intp n = 0; n < count_; ++n)
      if (is_complex())
        f(std::complex<double>(), n);
      else
        f(double(), n);
  }

 private:
  static constexpr npy_intp kMany = 1 << 10;

  Matrices() = default;

  nb::object array_;  // C-contiguous, of type `wide_`
  npy_intp count_ = 0, rows_ = 0, columns_ = 0;
  int type_ = 0, wide_ = 0;  // of the array that was copied, and of the copy
};

}  // namespace treadle
