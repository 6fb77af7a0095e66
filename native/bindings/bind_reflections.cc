// Householder's reflections, for matrices so small that LAPACK takes longer to begin.
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "arrays.h"
#include "bindings.h"
#include "matrices.h"

namespace treadle {
namespace {

double conjugate(double x) { return x; }
std::complex<double> conjugate(const std::complex<double>& x) { return std::conj(x); }
double imaginary(double) { return 0.0; }
double imaginary(const std::complex<double>& x) { return x.imag(); }

// A matrix of `columns` columns, from its row and column `k` on.
template <typename T>
struct Part {
  T* data;
  npy_intp rows, columns, k;

  T& at(npy_intp i, npy_intp j) const { return data[i * columns + j]; }
};

// The length of what is below the diagonal in column `k`; neither overflows nor underflows.
template <typename T>
double length_below(const Part<T>& a) {
  double largest = 0.0, sum = 0.0;
  for (npy_intp i = a.k + 1; i < a.rows; ++i) largest = std::max(largest, std::abs(a.at(i, a.k)));
  if (largest == 0.0 || !std::isfinite(largest)) return largest;
  for (npy_intp i = a.k + 1; i < a.rows; ++i) sum += std::norm(a.at(i, a.k) / largest);
  return largest * std::sqrt(sum);
}

// Makes column `k` of `a` a vector v below its diagonal such that I - tau v v* sends the column to
// a multiple of the first unit vector, which it writes; returns tau. As LAPACK chooses them.
template <typename T>
T reflect(const Part<T>& a) {
  T& first = a.at(a.k, a.k);
  const double below = length_below(a);
  if (below == 0.0 && imaginary(first) == 0.0) return T(0);
  const double beta = -std::copysign(std::hypot(std::abs(first), below), std::real(first));
  const T tau = (beta - conjugate(first)) / beta;
  const T scale = first - beta;
  for (npy_intp i = a.k + 1; i < a.rows; ++i) a.at(i, a.k) /= scale;
  first = beta;
  return conjugate(tau);
}

// Applies I - tau v v*, where v is in column `k` of `a`, to the columns of `b` from `begin` on.
template <typename T>
void apply(const Part<T>& a, const T& tau, const Part<T>& b, npy_intp begin) {
  for (npy_intp j = begin; j < b.columns; ++j) {
    T sum = b.at(a.k, j);
    for (npy_intp i = a.k + 1; i < a.rows; ++i) sum += conjugate(a.at(i, a.k)) * b.at(i, j);
    sum *= tau;
    b.at(a.k, j) -= sum;
    for (npy_intp i = a.k + 1; i < a.rows; ++i) b.at(i, j) -= a.at(i, a.k) * sum;
  }
}

// One matrix: `a` becomes R, and zeros below it; `q` is written.
template <typename T>
void factor(T* a, T* q, npy_intp rows, npy_intp columns, npy_intp q_columns, std::vector<T>& taus) {
  const npy_intp count = std::min(rows, columns);
  taus.assign(static_cast<std::size_t>(count), T(0));
  for (npy_intp k = 0; k < count; ++k) {
    const Part<T> part{a, rows, columns, k};
    taus[k] = reflect(part);
    apply(part, conjugate(taus[k]), part, k + 1);
  }
  const Part<T> target{q, rows, q_columns, 0};
  for (npy_intp i = 0; i < rows; ++i)
    for (npy_intp j = 0; j < q_columns; ++j) target.at(i, j) = T(i == j ? 1 : 0);
  for (npy_intp k = count - 1; k >= 0; --k) apply(Part<T>{a, rows, columns, k}, taus[k], target, k);
  for (npy_intp i = 1; i < rows; ++i) std::fill_n(a + i * columns, std::min(i, columns), T(0));
}

template <typename T>
void factor_all(const Matrices& a, const Matrices& q) {
  std::vector<T> taus;
  for (npy_intp n = 0; n < a.count; ++n)
    factor(static_cast<T*>(a.data) + n * a.rows * a.columns,
           static_cast<T*>(q.data) + n * q.rows * q.columns, a.rows, a.columns, q.columns, taus);
}

void factor_qr(nb::handle array, nb::handle target) {
  const Matrices a = matrices_of(array), q = matrices_of(target);
  if (q.rows != a.rows || q.count != a.count || q.columns > q.rows ||
      q.columns < std::min(a.rows, a.columns) ||
      PyArray_TYPE(as_numpy(array)) != PyArray_TYPE(as_numpy(target)))
    throw nb::value_error("the matrix Q does not fit");
  if (PyArray_ISCOMPLEX(as_numpy(array)))
    factor_all<std::complex<double>>(a, q);
  else
    factor_all<double>(a, q);
}

}  // namespace

void bind_reflections(nb::module_& m) {
  m.def("factor_qr", factor_qr, nb::arg("array"), nb::arg("target"),
        "Factor matrices in place: R, and zeros below it; write Q, or its first columns.");
}

}  // namespace treadle
