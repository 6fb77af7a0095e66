// Euclidean norms of a matrix's rows, on the threads that Treadle's own operators use.
#include <treadle/parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace {

// Rows that make a thread worth waking: about ten microseconds of work.
std::int64_t rows_per_piece(std::int64_t columns) {
  return std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(columns, 1));
}

double norm(const float* row, std::int64_t columns) {
  double sum = 0;
  for (std::int64_t i = 0; i < columns; ++i) sum += double{row[i]} * row[i];
  if (std::isnan(sum)) throw std::domain_error("a row holds no number");
  return std::sqrt(sum);
}

}  // namespace

// Writes the norm of each row to `norms`, and to `pieces` which piece of the loop computed it.
// Returns 0, or 1 if an element is not a number: exceptions cross `parallel_for`, but not C.
extern "C" int row_norms(const float* matrix, std::int64_t rows, std::int64_t columns,
                         double* norms, std::int32_t* pieces) {
  try {
    treadle::parallel_for(0, rows, rows_per_piece(columns),
                          [&](std::int64_t first, std::int64_t last) {
                            for (std::int64_t row = first; row < last; ++row) {
                              norms[row] = norm(matrix + row * columns, columns);
                              pieces[row] = treadle::get_thread_num();
                            }
                          });
  } catch (const std::domain_error&) {
    return 1;
  }
  return 0;
}

// The settings as the extension sees them: the same as Python's.
extern "C" int intra_op_threads() { return treadle::get_num_threads(); }
extern "C" int is_in_region() { return treadle::in_parallel_region(); }
