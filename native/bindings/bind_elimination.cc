// Gauss' elimination and Cholesky's, for matrices so small that LAPACK takes longer to begin, and
// what NumPy has no routine for.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "bindings.h"
#include "matrices.h"

namespace treadle {
namespace {

double magnitude(double x) { return std::abs(x); }
// As LAPACK compares pivots.
double magnitude(const std::complex<double>& x) { return std::abs(x.real()) + std::abs(x.imag()); }

// One matrix in place: L below and U above the diagonal. `pivots` are the rows that each row was
// exchanged with, from 1; the result is the number of the first pivot that is 0, or 0.
template <typename T>
std::int32_t factor(T* a, npy_intp rows, npy_intp columns, std::int32_t* pivots, bool exchanges) {
  std::int32_t first_zero = 0;
  for (npy_intp k = 0; k < std::min(rows, columns); ++k) {
    npy_intp row = k;
    for (npy_intp i = k + 1; exchanges && i < rows; ++i)
      if (magnitude(a[i * columns + k]) > magnitude(a[row * columns + k])) row = i;
    pivots[k] = static_cast<std::int32_t>(row + 1);
    for (npy_intp j = 0; row != k && j < columns; ++j)
      std::swap(a[k * columns + j], a[row * columns + j]);
    const T pivot = a[k * columns + k];
    if (pivot == T(0)) {
      if (!first_zero) first_zero = static_cast<std::int32_t>(k + 1);
      continue;
    }
    for (npy_intp i = k + 1; i < rows; ++i) {
      const T scale = a[i * columns + k] /= pivot;
      for (npy_intp j = k + 1; j < columns; ++j) a[i * columns + j] -= scale * a[k * columns + j];
    }
  }
  return first_zero;
}

// One matrix in place: zeros above the diagonal of the lower factor. The result is the order of the
// first minor that is not positive definite, or 0; the factor ends before it.
template <typename T>
std::int32_t factor_definite(T* a, npy_intp n) {
  for (npy_intp i = 0; i < n; ++i) {
    T* row = a + i * n;
    for (npy_intp j = 0; j <= i; ++j) {
      T sum = row[j];
      for (npy_intp k = 0; k < j; ++k) sum -= row[k] * conjugate(a[j * n + k]);
      if (j < i) {
        row[j] = sum / a[j * n + j];
      } else if (std::real(sum) > 0) {
        row[j] = std::sqrt(std::real(sum));
      } else {
        std::fill(row, a + n * n, T(0));
        return static_cast<std::int32_t>(i + 1);
      }
    }
    std::fill(row + i + 1, row + n, T(0));
  }
  return 0;
}

// Replaces the rows of `b` by those that the triangle in `a` makes them of.
template <typename T>
void substitute(const T* a, T* b, npy_intp n, npy_intp columns, bool upper, bool unit) {
  for (npy_intp step = 0; step < n; ++step) {
    const npy_intp i = upper ? n - 1 - step : step;
    T* row = b + i * columns;
    for (npy_intp j = upper ? i + 1 : 0; j < (upper ? n : i); ++j)
      for (npy_intp c = 0; c < columns; ++c) row[c] -= a[i * n + j] * b[j * columns + c];
    for (npy_intp c = 0; !unit && c < columns; ++c) row[c] /= a[i * n + i];
  }
}

// The triangles of one matrix that was factored.
template <typename T>
void split(const Matrices& factors, const Matrices& low, const Matrices& high, npy_intp n) {
  const npy_intp rows = factors.rows(), columns = factors.columns(), rank = low.columns();
  const T* a = factors.at<T>(n);
  T *l = low.at<T>(n), *u = high.at<T>(n);
  for (npy_intp i = 0; i < rows; ++i)
    for (npy_intp j = 0; j < rank; ++j)
      l[i * rank + j] = i > j ? a[i * columns + j] : T(i == j ? 1 : 0);
  for (npy_intp i = 0; i < rank; ++i)
    for (npy_intp j = 0; j < columns; ++j) u[i * columns + j] = i > j ? T(0) : a[i * columns + j];
}

// P of one ``A = P @ L @ U``; false if a pivot is no row.
template <typename T>
bool permute(T* p, npy_intp rows, const std::int32_t* pivots, npy_intp rank) {
  std::fill_n(p, rows * rows, T(0));
  for (npy_intp i = 0; i < rows; ++i) p[i * rows + i] = T(1);
  for (npy_intp k = 0; k < rank; ++k) {
    const npy_intp row = pivots[k] - 1;
    if (row < 0 || row >= rows) return false;
    for (npy_intp i = 0; row != k && i < rows; ++i) std::swap(p[i * rows + k], p[i * rows + row]);
  }
  return true;
}

std::int32_t* ints_in(const nb::object& array) {
  return static_cast<std::int32_t*>(PyArray_DATA(as_numpy(array)));
}

nb::tuple factor_lu(nb::handle array, bool exchanges) {
  const Matrices a = Matrices::copy_of(array);
  const npy_intp rank = std::min(a.rows(), a.columns());
  nb::object pivots = a.new_array(NPY_INT32, {rank}), info = a.new_array(NPY_INT32, {});
  a.for_each([&](auto zero, npy_intp n) {
    using T = decltype(zero);
    ints_in(info)[n] =
        factor(a.at<T>(n), a.rows(), a.columns(), ints_in(pivots) + n * rank, exchanges);
  });
  return nb::make_tuple(a.narrowed(), pivots, info);
}

nb::tuple split_lu(nb::handle array) {
  const Matrices a = Matrices::copy_of(array);
  const npy_intp rank = std::min(a.rows(), a.columns());
  const Matrices low = a.with_sizes(a.rows(), rank), high = a.with_sizes(rank, a.columns());
  a.for_each([&](auto zero, npy_intp n) { split<decltype(zero)>(a, low, high, n); });
  return nb::make_tuple(low.narrowed(), high.narrowed());
}

nb::object permutation_of(nb::handle array, nb::handle pivots) {
  const Matrices a = Matrices::copy_of(array);
  const npy_intp rank = std::min(a.rows(), a.columns());
  if (!PyArray_Check(pivots.ptr()) || PyArray_TYPE(as_numpy(pivots)) != NPY_INT32 ||
      PyArray_SIZE(as_numpy(pivots)) != a.count() * rank)
    throw nb::type_error("expected int32 pivots, one for each column of L");
  const nb::object plain = as_plain(nb::borrow(pivots));
  const Matrices order = a.with_sizes(a.rows(), a.rows());
  bool are_rows = true;
  order.for_each([&](auto zero, npy_intp n) {
    using T = decltype(zero);
    are_rows &= permute(order.at<T>(n), a.rows(), ints_in(plain) + n * rank, rank);
  });
  if (!are_rows) throw nb::value_error("a pivot is no number of a row");
  return order.narrowed();
}

nb::tuple factor_cholesky(nb::handle array) {
  const Matrices a = Matrices::copy_of(array);
  if (a.rows() != a.columns()) throw nb::value_error("expected square matrices");
  nb::object info = a.new_array(NPY_INT32, {});
  a.for_each([&](auto zero, npy_intp n) {
    ints_in(info)[n] = factor_definite(a.at<decltype(zero)>(n), a.rows());
  });
  return nb::make_tuple(a.narrowed(), info);
}

nb::object solve_triangle(nb::handle triangle, nb::handle target, bool upper, bool unit) {
  const Matrices a = Matrices::copy_of(triangle), b = Matrices::copy_of(target);
  if (a.rows() != a.columns() || b.rows() != a.rows() || b.count() != a.count() ||
      a.is_complex() != b.is_complex())
    throw nb::value_error("the triangles do not fit the matrices");
  b.for_each([&](auto zero, npy_intp n) {
    using T = decltype(zero);
    substitute(a.at<const T>(n), b.at<T>(n), a.rows(), b.columns(), upper, unit);
  });
  return b.narrowed();
}

}  // namespace

void bind_elimination(nb::module_& m) {
  m.def("factor_lu", factor_lu, nb::arg("array"), nb::arg("exchanges"),
        "L below and U above the diagonal, which rows were exchanged, and the first pivot of 0.");
  m.def("split_lu", split_lu, nb::arg("array"), "L and U of matrices that `factor_lu` made.");
  m.def("permutation_of", permutation_of, nb::arg("array"), nb::arg("pivots"),
        "P that belongs to matrices and pivots that `factor_lu` made.");
  m.def("factor_cholesky", factor_cholesky, nb::arg("array"),
        "The lower factor, and the order of the first minor that is not positive definite.");
  m.def("solve_triangle", solve_triangle, nb::arg("triangle"), nb::arg("target"), nb::arg("upper"),
        nb::arg("unit"), "The matrices that triangles make others of.");
}

}  // namespace treadle
