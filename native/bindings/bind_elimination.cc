// Gauss' elimination, which NumPy has no routine for.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <utility>

#include "arrays.h"
#include "bindings.h"
#include "gil.h"
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

std::int32_t* ints_of(nb::handle array, npy_intp count) {
  if (!PyArray_Check(array.ptr()) || !PyArray_ISCARRAY(as_numpy(array)) ||
      PyArray_TYPE(as_numpy(array)) != NPY_INT32 || PyArray_SIZE(as_numpy(array)) != count)
    throw nb::type_error("expected a contiguous array of so many int32");
  return static_cast<std::int32_t*>(PyArray_DATA(as_numpy(array)));
}

void factor_lu(nb::handle array, nb::handle pivots, nb::handle info, bool exchanges) {
  const Matrices a = matrices_of(array);
  const npy_intp rank = std::min(a.rows, a.columns), size = a.rows * a.columns;
  std::int32_t* rows = ints_of(pivots, a.count * rank);
  std::int32_t* zeros = ints_of(info, a.count);
  const bool is_complex = PyArray_ISCOMPLEX(as_numpy(array));
  const WithoutGil released;
  for (npy_intp n = 0; n < a.count; ++n)
    zeros[n] = is_complex ? factor(static_cast<std::complex<double>*>(a.data) + n * size, a.rows,
                                   a.columns, rows + n * rank, exchanges)
                          : factor(static_cast<double*>(a.data) + n * size, a.rows, a.columns,
                                   rows + n * rank, exchanges);
}

template <typename T>
void substitute_all(const Matrices& a, const Matrices& b, bool upper, bool unit) {
  for (npy_intp n = 0; n < a.count; ++n)
    substitute(static_cast<const T*>(a.data) + n * a.rows * a.rows,
               static_cast<T*>(b.data) + n * b.rows * b.columns, a.rows, b.columns, upper, unit);
}

void solve_triangle(nb::handle triangle, nb::handle target, bool upper, bool unit) {
  const Matrices a = matrices_of(triangle), b = matrices_of(target);
  if (a.rows != a.columns || b.rows != a.rows || b.count != a.count ||
      PyArray_TYPE(as_numpy(triangle)) != PyArray_TYPE(as_numpy(target)))
    throw nb::value_error("the triangles do not fit the matrices");
  const bool is_complex = PyArray_ISCOMPLEX(as_numpy(triangle));
  const WithoutGil released;
  if (is_complex)
    substitute_all<std::complex<double>>(a, b, upper, unit);
  else
    substitute_all<double>(a, b, upper, unit);
}

}  // namespace

void bind_elimination(nb::module_& m) {
  m.def("factor_lu", factor_lu, nb::arg("array"), nb::arg("pivots"), nb::arg("info"),
        nb::arg("exchanges"),
        "Factor matrices in place; note which rows were exchanged, and the first pivot of 0.");
  m.def("solve_triangle", solve_triangle, nb::arg("triangle"), nb::arg("target"), nb::arg("upper"),
        nb::arg("unit"), "Replace matrices by those that triangles make them of.");
}

}  // namespace treadle
