#include "treadle/plan.h"

#include <cstdint>
#include <new>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "testing.h"

namespace treadle {
namespace {

void add(void** buffers, const std::int64_t*, std::int64_t begin, std::int64_t end) {
  auto* to = static_cast<std::int64_t*>(buffers[0]);
  auto* from = static_cast<const std::int64_t*>(buffers[1]);
  for (std::int64_t i = begin; i < end; ++i) to[i] += from[i];
}

void copy(void** buffers, const std::int64_t*, std::int64_t begin, std::int64_t end) {
  auto* to = static_cast<std::int64_t*>(buffers[0]);
  auto* from = static_cast<const std::int64_t*>(buffers[1]);
  for (std::int64_t i = begin; i < end; ++i) to[i] = from[i];
}

void complain(void** buffers, const std::int64_t* sizes, std::int64_t, std::int64_t) {
  static_cast<std::int32_t*>(buffers[0])[0] = static_cast<std::int32_t>(sizes[0]);
}

constexpr std::int64_t kSize = 37, kBytes = kSize * 8;

Instruction run(Kernel kernel, BufferRef to, BufferRef from, std::int64_t grain = 4) {
  Instruction i;
  i.name = "kernel";
  i.kernel = kernel;
  i.buffers = {to, from};
  i.num_tasks = kSize;
  i.grain = grain;
  return i;
}

Instruction fork_of(int sequence, int future) {
  Instruction i;
  i.kind = Instruction::Kind::kFork;
  i.sequence = sequence;
  i.future = future;
  return i;
}

Instruction join_of(int future) {
  Instruction i;
  i.kind = Instruction::Kind::kJoin;
  i.future = future;
  return i;
}

BufferRef arena(int index) { return {Space::kArena, 0, index * 512}; }
constexpr BufferRef kIn{Space::kInput, 0, 0}, kOut{Space::kOutput, 0, 0};
constexpr BufferRef kLocal{Space::kLocal, 0, 64};
constexpr std::int64_t kLocalBytes = 64 + kBytes;

PlanCode code_of(std::vector<Sequence> sequences, std::int64_t arena_bytes = 1 << 16) {
  PlanCode code;
  code.sequences = std::move(sequences);
  code.arena_bytes = arena_bytes;
  code.input_bytes = {kBytes};
  code.output_bytes = {kBytes};
  return code;
}

std::vector<std::int64_t> result_of(const Plan& plan, int threads = 0) {
  std::vector<std::int64_t> in(kSize), out(kSize);
  std::iota(in.begin(), in.end(), 1);
  void* inputs[] = {in.data()};
  void* outputs[] = {out.data()};
  CHECK(plan.run(inputs, outputs, threads) == Status{});
  return out;
}

std::string error_of(PlanCode code) {
  try {
    Plan::load(std::move(code));
  } catch (const PlanError& error) {
    return error.what();
  }
  return "none";
}

TEST(a_straight_plan_runs_alike_with_any_limit) {
  auto plan = Plan::load(
      code_of({{run(copy, arena(0), kIn), run(copy, kOut, arena(0)), run(add, kOut, kIn)}}));
  for (int threads : {0, 1, 2, 3, 8}) {
    std::vector<std::int64_t> out = result_of(*plan, threads);
    for (std::int64_t i = 0; i < kSize; ++i) CHECK(out[i] == 2 * (i + 1));
  }
}

TEST(kernels_report_through_the_status) {
  Instruction failing;
  failing.kernel = complain;
  failing.buffers = {{Space::kStatus, 0, 0}};
  failing.sizes = {3};
  failing.num_tasks = 1;
  auto plan = Plan::load(code_of({{failing}}));
  std::int64_t memory[kSize];
  void* arrays[] = {memory};
  CHECK(plan->run(arrays, arrays, 0)[0] == 3);
}

TEST(unsound_plans_are_refused_by_name) {
  CHECK(error_of(code_of({})) == "a plan needs a main sequence");
  CHECK(error_of(code_of({{run(add, kOut, {Space::kInput, 1, 0})}})) ==
        "instruction 0 of sequence 0 (run kernel): buffer 1: there is no input 1");
  CHECK(error_of(code_of({{run(add, {Space::kArena, 0, 65}, kIn)}}, 64)) ==
        "instruction 0 of sequence 0 (run kernel): buffer 0: offset 65 is outside 64 bytes");
  CHECK(error_of(code_of({{run(nullptr, kOut, kIn)}})) ==
        "instruction 0 of sequence 0 (run kernel): the kernel's address is null");
  CHECK(error_of(code_of({{join_of(0)}})) ==
        "instruction 0 of sequence 0 (join): future 0 is not forked before");
  CHECK(error_of(code_of({{fork_of(1, 0)}, {}})) == "future 0 is never joined");
  CHECK(error_of(code_of({{}, {}})) == "sequence 1 is never forked");
  CHECK(error_of(code_of({{fork_of(1, 0), join_of(0)}, {join_of(0)}})) ==
        "instruction 0 of sequence 1 (join): future 0 is not forked before");
  CHECK(error_of(code_of({{fork_of(2, 0)}, {}})) ==
        "instruction 0 of sequence 0 (fork): there is no sequence 2 to fork");
  CHECK(error_of(code_of({{fork_of(1, 0), fork_of(1, 1)}, {}})) ==
        "instruction 1 of sequence 0 (fork): sequence 1 is forked twice");
}

TEST(a_repetition_moves_its_buffers_from_round_to_round) {
  Instruction step = run(add, arena(0), kIn);
  step.strides = {0, 0};
  Instruction hop = run(copy, arena(1), arena(0));
  hop.strides = {512, 0};
  Instruction repeat;
  repeat.kind = Instruction::Kind::kRepeat;
  repeat.sequence = 1;
  repeat.count = 5;
  // Slot 1 + r holds what slot 0 had after round r.
  PlanCode code = code_of(
      {{run(copy, arena(0), kIn), repeat, run(copy, kOut, arena(5)), run(add, kOut, arena(1))},
       {step, hop}});
  auto plan = Plan::load(code);
  for (int again = 0; again < 3; ++again) {
    std::vector<std::int64_t> out = result_of(*plan);
    for (std::int64_t i = 0; i < kSize; ++i) CHECK(out[i] == 8 * (i + 1));
  }
  code.sequences[0][1].count = 1 << 20;
  CHECK(error_of(code).ends_with("is outside 65536 bytes"));
  code.sequences[0][1].count = -1;
  CHECK(error_of(code) == "instruction 1 of sequence 0 (repeat): the count is negative");
  code.sequences[0][1].count = 1;
  code.sequences[1].push_back(repeat);
  CHECK(error_of(code) == "instruction 1 of sequence 0 (repeat): only kernels can be repeated");
}

TEST(a_fork_has_memory_of_its_own_also_in_what_it_repeats) {
  Instruction hop = run(add, kLocal, kIn);
  hop.strides = {0, 0};
  Instruction repeat;
  repeat.kind = Instruction::Kind::kRepeat;
  repeat.sequence = 2;
  repeat.count = 3;
  PlanCode code = code_of({{fork_of(1, 0), join_of(0), run(copy, kOut, arena(0))},
                           {run(copy, kLocal, kIn), repeat, run(copy, arena(0), kLocal)},
                           {hop}});
  CHECK(error_of(code) ==
        "instruction 0 of sequence 1 (run kernel): buffer 0: offset 64 is outside 0 bytes");
  code.local_bytes = {0, kLocalBytes};
  auto plan = Plan::load(code);
  for (int again = 0; again < 3; ++again) {
    std::vector<std::int64_t> out = result_of(*plan);
    for (std::int64_t i = 0; i < kSize; ++i) CHECK(out[i] == 4 * (i + 1));
  }
  std::int64_t in[kSize] = {}, out[kSize] = {};
  void* inputs[] = {in};
  void* outputs[] = {out};
  CHECK(plan->profile(inputs, outputs, 2).size() == 4);
}

TEST(only_forks_have_memory_of_their_own) {
  PlanCode code = code_of({{run(copy, kLocal, kIn)}});
  code.local_bytes = {kLocalBytes};
  CHECK(error_of(code) ==
        "instruction 0 of sequence 0 (run kernel): buffer 0: only what is forked has local memory");
  code.local_bytes = {-1};
  CHECK(error_of(code) == "the size of local memory is negative");
}

TEST(a_fork_without_memory_ends_the_run) {
  PlanCode code =
      code_of({{fork_of(1, 0), join_of(0), run(copy, kOut, kIn)}, {run(copy, kLocal, kIn)}});
  code.local_bytes = {0, std::int64_t{1} << 60};
  auto plan = Plan::load(code);
  CHECK_THROWS(std::bad_alloc, result_of(*plan));
}

TEST(a_branch_may_join_an_older_one) {
  auto plan =
      Plan::load(code_of({{fork_of(1, 0), fork_of(2, 1), join_of(1), run(copy, kOut, arena(1))},
                          {run(copy, arena(0), kIn)},
                          {join_of(0), run(copy, arena(1), arena(0)), run(add, arena(1), kIn)}}));
  std::vector<std::int64_t> out = result_of(*plan);
  for (std::int64_t i = 0; i < kSize; ++i) CHECK(out[i] == 2 * (i + 1));
}

// A random tree of forks; each sequence adds the input to its own slot, then its children's slots.
struct RandomPlan {
  std::mt19937 random;
  std::vector<Sequence> sequences;
  int num_futures = 0;
  std::int64_t expected = 0;  // how often the input ends up in the output

  std::int64_t build(std::size_t index, int depth) {
    const BufferRef mine = arena(static_cast<int>(index));
    std::vector<Instruction> code{run(copy, mine, kIn, 1 + random() % 40)};
    std::int64_t sum = 1;
    std::vector<std::pair<int, std::size_t>> open;
    for (int step = random() % 5; step-- > 0;) {
      if (depth > 0 && sequences.size() < 60 && random() % 2) {
        const std::size_t child = sequences.size();
        sequences.emplace_back();
        const int future = num_futures++;
        code.push_back(fork_of(static_cast<int>(child), future));
        sum += build(child, depth - 1);
        open.emplace_back(future, child);
      } else {
        const bool is_forked = index > 0;
        if (is_forked) code.push_back(run(copy, kLocal, kIn, 1 + random() % 40));
        code.push_back(run(add, mine, is_forked ? kLocal : kIn, 1 + random() % 40));
        ++sum;
      }
    }
    while (!open.empty()) {
      std::size_t pick = random() % open.size();
      code.push_back(join_of(open[pick].first));
      code.push_back(run(add, mine, arena(static_cast<int>(open[pick].second)), 1 + random() % 40));
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    sequences[index] = std::move(code);
    return sum;
  }
};

TEST(random_trees_of_forks_give_the_same_sums_from_many_clients) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    RandomPlan random{std::mt19937(seed), {{}}};
    const std::int64_t expected = random.build(0, 4);
    random.sequences[0].push_back(run(copy, kOut, arena(0)));
    PlanCode code = code_of(random.sequences);
    code.local_bytes.assign(code.sequences.size(), kLocalBytes);
    auto plan = Plan::load(std::move(code));
    std::vector<std::thread> clients;
    for (int c = 0; c < 3; ++c)
      clients.emplace_back([&] {
        for (int round = 0; round < 5; ++round) {
          std::vector<std::int64_t> out = result_of(*plan, round);
          for (std::int64_t i = 0; i < kSize; ++i) CHECK(out[i] == expected * (i + 1));
        }
      });
    for (std::thread& client : clients) client.join();
  }
}

TEST(a_profile_names_every_kernel_once) {
  auto plan = Plan::load(
      code_of({{fork_of(1, 0), run(copy, kOut, kIn), join_of(0)}, {run(copy, arena(0), kIn)}}));
  std::int64_t memory[kSize] = {}, out[kSize] = {};
  void* inputs[] = {memory};
  void* outputs[] = {out};
  auto profile = plan->profile(inputs, outputs, 3);
  CHECK(profile.size() == 2);
  CHECK(profile[0].first == "kernel" && profile[0].second >= 0);
}

}  // namespace
}  // namespace treadle
