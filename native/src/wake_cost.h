// What it takes to wake a thread on this machine, now.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace treadle {

// How much work a thread must be about to do alone for another to be worth waking: what the call
// costs the one who makes it, and what passes from there until the woken thread runs. Bare
// machines need a few microseconds for both, virtual processors that halt need ten times as many.
//
// Thread-safe: a hint, the mean of the last wake-ups. Never more than what it is before the first
// one: where processors are so busy that a wake-up takes long, it depends on who gets them.
class WakeCost {
 public:
  static constexpr std::int64_t kMostNs = 30'000;
  static constexpr std::int64_t kLeastNs = 4'000;

  void note_call(std::int64_t ns) noexcept { follow(call_ns_, ns); }
  void note_arrival(std::int64_t ns) noexcept { follow(arrival_ns_, ns); }

  std::int64_t ns() const noexcept {
    const std::int64_t sum_ns =
        call_ns_.load(std::memory_order_relaxed) + arrival_ns_.load(std::memory_order_relaxed);
    return std::clamp(sum_ns, kLeastNs, kMostNs);
  }

 private:
  static void follow(std::atomic<std::int64_t>& mean_ns, std::int64_t ns) noexcept {
    const std::int64_t before = mean_ns.load(std::memory_order_relaxed);
    mean_ns.store(before + (std::min(ns, kMostNs) - before) / 8, std::memory_order_relaxed);
  }

  std::atomic<std::int64_t> call_ns_{kMostNs / 3};
  std::atomic<std::int64_t> arrival_ns_{kMostNs - kMostNs / 3};
};

}  // namespace treadle
