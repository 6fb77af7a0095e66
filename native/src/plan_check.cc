#include <algorithm>
#include <cstddef>
#include <string>

#include "treadle/plan.h"

namespace treadle {
namespace {

std::string describe(std::size_t sequence, std::size_t position, const Instruction& instruction) {
  static constexpr const char* kKinds[] = {"run", "fork", "join", "repeat"};
  std::string text = "instruction " + std::to_string(position) + " of sequence " +
                     std::to_string(sequence) + " (" + kKinds[static_cast<int>(instruction.kind)];
  if (!instruction.name.empty()) text += " " + instruction.name;
  return text + ")";
}

// Every place of a sequence, and its end, is a node. A node comes after the one before it, a
// sequence's first after its fork, and what follows a join after the joined sequence's end.
class PlanChecker {
 public:
  explicit PlanChecker(const PlanCode& code) : code_(code) {}

  std::vector<std::int32_t> check() {
    require(!code_.sequences.empty(), "a plan needs a main sequence");
    require(code_.arena_bytes >= 0, "the arena's size is negative");
    require(std::ranges::all_of(code_.local_bytes, [](std::int64_t n) { return n >= 0; }),
            "the size of local memory is negative");
    collect_repetitions();
    for_each([&](std::size_t s, std::size_t p, const Instruction& i) { check_ranges(s, p, i); });
    collect_forks();
    check_order();
    return sequence_of_future_;
  }

 private:
  using Futures = std::vector<bool>;
  struct Knowledge {
    Futures forked, finished;
  };

  static void require(bool holds, const std::string& message) {
    if (!holds) throw PlanError(message);
  }

  template <typename F>
  void for_each(const F& f) const {
    for (std::size_t s = 0; s < code_.sequences.size(); ++s)
      for (std::size_t p = 0; p < code_.sequences[s].size(); ++p) f(s, p, code_.sequences[s][p]);
  }

  void check_ranges(std::size_t s, std::size_t p, const Instruction& i) const {
    auto fail = [&](const std::string& what) { throw PlanError(describe(s, p, i) + ": " + what); };
    if (i.kind == Instruction::Kind::kRepeat) return;
    if (i.kind != Instruction::Kind::kRun) {
      if (i.future < 0 || i.future >= kMaxFutures)
        fail("future " + std::to_string(i.future) + " is out of range");
      if (i.kind == Instruction::Kind::kFork &&
          (i.sequence < 1 || i.sequence >= std::ssize(code_.sequences)))
        fail("there is no sequence " + std::to_string(i.sequence) + " to fork");
      return;
    }
    if (!i.kernel) fail("the kernel's address is null");
    if (i.num_tasks < 0) fail("the number of tasks is negative");
    if (i.grain < 1) fail("the grain is below 1");
    if (!i.strides.empty() && i.strides.size() != i.buffers.size())
      fail("there must be a stride for each buffer");
    for (std::size_t b = 0; b < i.buffers.size(); ++b) {
      const std::int64_t stride = i.strides.empty() ? 0 : i.strides[b];
      std::string problem = check_buffer(s, i.buffers[b], stride);
      if (!problem.empty()) fail("buffer " + std::to_string(b) + ": " + problem);
    }
  }

  // Every repetition runs a sequence of kernels that nothing else runs.
  void collect_repetitions() {
    rounds_.assign(code_.sequences.size(), 1);
    local_bytes_ = code_.local_bytes;
    local_bytes_.resize(code_.sequences.size());
    local_bytes_[0] = kNone;
    std::vector<bool> is_repeated(code_.sequences.size());
    for_each([&](std::size_t s, std::size_t p, const Instruction& i) {
      if (i.kind != Instruction::Kind::kRepeat) return;
      auto fail = [&](const std::string& what) {
        throw PlanError(describe(s, p, i) + ": " + what);
      };
      if (i.sequence < 1 || i.sequence >= std::ssize(code_.sequences))
        fail("there is no sequence " + std::to_string(i.sequence) + " to repeat");
      if (i.count < 0) fail("the count is negative");
      if (is_repeated[i.sequence])
        fail("sequence " + std::to_string(i.sequence) + " is repeated twice");
      is_repeated[i.sequence] = true;
      rounds_[i.sequence] = i.count;
      local_bytes_[i.sequence] = local_bytes_[s];
      for (const Instruction& inner : code_.sequences[i.sequence])
        if (inner.kind != Instruction::Kind::kRun) fail("only kernels can be repeated");
    });
    is_used_ = is_repeated;
  }

  std::string check_buffer(std::size_t s, const BufferRef& ref, std::int64_t stride) const {
    auto in_list = [&](const char* what, std::ptrdiff_t size) {
      return ref.index >= 0 && ref.index < size
                 ? std::string()
                 : std::string("there is no ") + what + " " + std::to_string(ref.index);
    };
    std::int64_t bytes = 0;
    std::string problem;
    switch (ref.space) {
      case Space::kArena:
        bytes = code_.arena_bytes;
        break;
      case Space::kConstant:
        problem = in_list("constant", std::ssize(code_.constants));
        if (problem.empty()) bytes = code_.constants[ref.index].bytes;
        break;
      case Space::kInput:
        problem = in_list("input", std::ssize(code_.input_bytes));
        if (problem.empty()) bytes = code_.input_bytes[ref.index];
        break;
      case Space::kOutput:
        problem = in_list("output", std::ssize(code_.output_bytes));
        if (problem.empty()) bytes = code_.output_bytes[ref.index];
        break;
      case Space::kStatus:
        break;
      case Space::kLocal:
        if (local_bytes_[s] == kNone) problem = "only what is forked has local memory";
        bytes = local_bytes_[s];
        break;
      default:
        problem = "there is no space " + std::to_string(static_cast<int>(ref.space));
    }
    std::int64_t last = 0;
    if (__builtin_mul_overflow(stride, std::max<std::int64_t>(rounds_[s] - 1, 0), &last) ||
        __builtin_add_overflow(last, ref.byte_offset, &last))
      last = -1;
    for (const std::int64_t offset : {ref.byte_offset, last})
      if (problem.empty() && (offset < 0 || offset > bytes))
        problem =
            "offset " + std::to_string(offset) + " is outside " + std::to_string(bytes) + " bytes";
    return problem;
  }

  void collect_forks() {
    std::vector<bool> is_forked = is_used_;
    for_each([&](std::size_t s, std::size_t p, const Instruction& i) {
      if (i.kind != Instruction::Kind::kFork) return;
      if (i.future >= std::ssize(sequence_of_future_)) sequence_of_future_.resize(i.future + 1, -1);
      require(sequence_of_future_[i.future] < 0,
              describe(s, p, i) + ": future " + std::to_string(i.future) + " is forked twice");
      require(!is_forked[i.sequence],
              describe(s, p, i) + ": sequence " + std::to_string(i.sequence) + " is forked twice");
      sequence_of_future_[i.future] = i.sequence;
      is_forked[i.sequence] = true;
    });
    for (std::size_t s = 1; s < is_forked.size(); ++s)
      require(is_forked[s], "sequence " + std::to_string(s) + " is never forked");
    for (std::size_t f = 0; f < sequence_of_future_.size(); ++f)
      require(sequence_of_future_[f] >= 0, "future " + std::to_string(f) + " is never forked");
  }

  // Walks all sequences side by side as far as joins allow: what is then left waits for ever.
  void check_order() {
    const std::size_t num_sequences = code_.sequences.size();
    const std::size_t num_futures = sequence_of_future_.size();
    std::vector<Knowledge> known(num_sequences, {Futures(num_futures), Futures(num_futures)});
    std::vector<bool> started(num_sequences), ended(num_sequences);
    std::vector<std::size_t> position(num_sequences, 0);
    started = is_used_;
    started[0] = true;
    for (bool progress = true; progress;) {
      progress = false;
      for (std::size_t s = 0; s < num_sequences; ++s) {
        const Sequence& sequence = code_.sequences[s];
        while (started[s] && position[s] < sequence.size()) {
          const Instruction& i = sequence[position[s]];
          if (i.kind == Instruction::Kind::kFork) {
            // The body knows what was forked before it, but neither itself nor what waits for it.
            known[i.sequence] = known[s];
            started[i.sequence] = true;
            known[s].forked[i.future] = true;
          } else if (i.kind == Instruction::Kind::kJoin) {
            require(i.future < std::ssize(sequence_of_future_) && known[s].forked[i.future],
                    describe(s, position[s], i) + ": future " + std::to_string(i.future) +
                        " is not forked before");
            const std::size_t joined = sequence_of_future_[i.future];
            if (!ended[joined]) break;
            merge(known[s].forked, known[joined].forked);
            merge(known[s].finished, known[joined].finished);
            known[s].finished[i.future] = true;
          }
          ++position[s];
          progress = true;
        }
        if (started[s] && !ended[s] && position[s] == sequence.size()) ended[s] = progress = true;
      }
    }
    for (std::size_t s = 0; s < num_sequences; ++s)
      if (position[s] < code_.sequences[s].size())
        throw PlanError(describe(s, position[s], code_.sequences[s][position[s]]) +
                        " can never go on");
    for (std::size_t f = 0; f < num_futures; ++f)
      require(known[0].finished[f], "future " + std::to_string(f) + " is never joined");
  }

  static void merge(Futures& into, const Futures& from) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = into[i] || from[i];
  }

  static constexpr std::int32_t kMaxFutures = 1 << 20;
  static constexpr std::int64_t kNone = -1;

  const PlanCode& code_;
  std::vector<std::int32_t> sequence_of_future_;
  std::vector<std::int64_t> rounds_;       // of each sequence
  std::vector<std::int64_t> local_bytes_;  // what each may use; kNone: nothing
  std::vector<bool> is_used_;              // whether it is repeated
};

}  // namespace

std::vector<std::int32_t> check_plan(const PlanCode& code) { return PlanChecker(code).check(); }

}  // namespace treadle
