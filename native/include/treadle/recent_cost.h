// How long a piece of work took of late.
#pragma once

#include <atomic>
#include <cstdint>

namespace treadle {

// Of loops as if on one thread. Kept by whoever runs the work again; rises at once and falls
// slowly. Thread-safe: a hint.
class RecentCost {
 public:
  RecentCost() = default;
  RecentCost(const RecentCost& other) noexcept : ns_(other.ns()) {}
  RecentCost& operator=(const RecentCost&) = delete;

  bool is_known() const noexcept { return ns() != kUnknown; }
  // More than anything while nothing is known.
  std::int64_t ns() const noexcept { return ns_.load(std::memory_order_relaxed); }
  void note(std::int64_t ns) noexcept {
    const std::int64_t before = this->ns();
    const bool falls = before != kUnknown && ns < before;
    ns_.store(falls ? before - (before - ns) / 4 : ns, std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kUnknown = INT64_MAX;
  std::atomic<std::int64_t> ns_{kUnknown};
};

}  // namespace treadle
