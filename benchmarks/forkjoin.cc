// Parallel regions and forks of one runtime, the one that is named when this is compiled
// (-DRUNTIME_TREADLE, -DRUNTIME_OPENMP or -DRUNTIME_TBB), timed alike. For benchmarks/forkjoin.py.
#include <algorithm>
#include <chrono>
#include <cstdint>

#if defined(RUNTIME_TREADLE)
#include <vector>

#include "treadle/future.h"
#include "treadle/parallel.h"
#elif defined(RUNTIME_TBB)
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#elif !defined(RUNTIME_OPENMP)
#error "define RUNTIME_TREADLE, RUNTIME_OPENMP or RUNTIME_TBB"
#endif

namespace {

using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Turns of a loop that the compiler cannot shorten: work without memory.
void work(std::int64_t turns) {
  for (std::int64_t i = 0; i < turns; ++i) asm volatile("" ::: "memory");
}

std::int64_t turns_of(double us) {
  static const double us_per_turn = [] {
    double best = 1;
    for (int i = 0; i < 20; ++i) {
      const auto start = Clock::now();
      work(100'000);
      best = std::min(best, us_since(start) / 100'000);
    }
    return best;
  }();
  return static_cast<std::int64_t>(us / us_per_turn);
}

// `in_team` calls f where the two functions below it may be used. `region`: one piece for each
// thread. `batch`: n forks, then all waits. `tree`: a binary tree whose left halves are forked.
#if defined(RUNTIME_TREADLE)

template <typename F>
void in_team(int threads, const F& f) {
  treadle::set_num_threads(threads);
  f();
}

template <typename F>
void region(int threads, const F& f) {
  treadle::parallel_for(0, threads, 1, [&](std::int64_t, std::int64_t) { f(); });
}

template <typename F>
void batch(int n, const F& f) {
  if (n == 1) return treadle::fork(f).wait();
  std::vector<treadle::Future<void>> futures;
  futures.reserve(n);
  for (int i = 0; i < n; ++i) futures.push_back(treadle::fork(f));
  for (auto& future : futures) future.wait();
}

template <typename F>
void tree(int depth, const F& f) {
  if (depth == 0) return f();
  auto left = treadle::fork([&f, depth] { tree(depth - 1, f); });
  tree(depth - 1, f);
  left.wait();
}

#elif defined(RUNTIME_OPENMP)

template <typename F>
void in_team(int threads, const F& f) {
#pragma omp parallel num_threads(threads)
#pragma omp single
  f();
}

template <typename F>
void region(int threads, const F& f) {
#pragma omp parallel num_threads(threads)
  f();
}

template <typename F>
void batch(int n, const F& f) {
  for (int i = 0; i < n; ++i) {
#pragma omp task
    f();
  }
#pragma omp taskwait
}

template <typename F>
void tree(int depth, const F& f) {
  if (depth == 0) return f();
#pragma omp task
  tree(depth - 1, f);
  tree(depth - 1, f);
#pragma omp taskwait
}

#else

template <typename F>
void in_team(int threads, const F& f) {
  static oneapi::tbb::task_arena arena(threads);
  arena.execute(f);
}

template <typename F>
void region(int threads, const F& f) {
  oneapi::tbb::parallel_for(
      0, threads, [&](int) { f(); }, oneapi::tbb::simple_partitioner());
}

template <typename F>
void batch(int n, const F& f) {
  oneapi::tbb::task_group group;
  for (int i = 0; i < n; ++i) group.run(f);
  group.wait();
}

template <typename F>
void tree(int depth, const F& f) {
  if (depth == 0) return f();
  oneapi::tbb::task_group group;
  group.run([&f, depth] { tree(depth - 1, f); });
  tree(depth - 1, f);
  group.wait();
}

#endif

}  // namespace

// Microseconds of a region whose pieces each work `body_us`: `count` samples of `repeats` regions
// each, after the caller has worked alone for `idle_us`.
extern "C" void measure_regions(int threads, double body_us, double idle_us, int count, int repeats,
                                double* us) {
  const std::int64_t turns = turns_of(body_us), idle_turns = turns_of(idle_us);
  auto sample = [&](double& result) {
    work(idle_turns);
    const auto start = Clock::now();
    for (int i = 0; i < repeats; ++i) region(threads, [turns] { work(turns); });
    result = us_since(start) / repeats;
  };
#if defined(RUNTIME_OPENMP)
  for (int i = 0; i < count; ++i) sample(us[i]);  // not inside a region: teams do not nest
#else
  in_team(threads, [&] {
    for (int i = 0; i < count; ++i) sample(us[i]);
  });
#endif
}

// Microseconds per task of batches of forks of `body_us` each.
extern "C" void measure_forks(int threads, int size, double body_us, int count, int repeats,
                              double* us) {
  const std::int64_t turns = turns_of(body_us);
  in_team(threads, [&] {
    for (int i = 0; i < count; ++i) {
      const auto start = Clock::now();
      for (int j = 0; j < repeats; ++j) batch(size, [turns] { work(turns); });
      us[i] = us_since(start) / repeats / size;
    }
  });
}

// Microseconds per fork of a binary tree of forks without work.
extern "C" void measure_tree(int threads, int depth, int count, double* us) {
  in_team(threads, [&] {
    for (int i = 0; i < count; ++i) {
      const auto start = Clock::now();
      tree(depth, [] {});
      us[i] = us_since(start) / ((1 << depth) - 1);
    }
  });
}
