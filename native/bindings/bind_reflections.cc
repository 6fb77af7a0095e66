// Householder's reflections, for matrices so small that LAPACK takes longer to begin.
#include <algorithm>
#include <cmath>
#include <vector>

#include "bindings.h"
#include "matrices.h"

namespace treadle {
namespace {

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
void factor(T* a, T* q, npy_intp rows, npy_intp columns, npy_intp q_columns) {
  const npy_intp count = std::min(rows, columns);
  std::vector<T> taus(static_cast<std::size_t>(count));
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

nb::tuple factor_qr(nb::handle array, bool complete) {
  const Matrices a = Matrices::copy_of(array);
  const Matrices q = a.with_sizes(a.rows(), complete ? a.rows() : std::min(a.rows(), a.columns()));
  a.for_each([&](auto zero, npy_intp n) {
    using T = decltype(zero);
    factor(a.at<T>(n), q.at<T>(n), a.rows(), a.columns(), q.columns());
  });
  return nb::make_tuple(q.narrowed(), a.narrowed(q.columns()));
}

}  // namespace

void bind_reflections(nb::module_& m) {
  m.def("factor_qr", factor_qr, nb::arg("array"), nb::arg("complete"),
        "Q and R of matrices; of Q all columns if `complete`.");
}

}  // namespace treadle
