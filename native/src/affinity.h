// Which processor each worker is tied to, if the user asks for that.
#pragma once

#include <string>
#include <vector>

namespace treadle {

// compact: one NUMA node after the other; spread: the nodes in turn. Both give each core one
// thread before any gets a second.
enum class Affinity { kNone, kCompact, kSpread };

// Throws std::invalid_argument for a name other than none, compact, spread.
Affinity parse_affinity(const std::string& name);

// `cpus` in the order in which threads take them. `root` stands for "/" in tests.
std::vector<int> order_cpus(Affinity affinity, const std::vector<int>& cpus,
                            const std::string& root = "");

// For workers that start from now on.
void set_affinity(Affinity affinity) noexcept;

// Ties the calling worker to a processor that no other worker of any Treadle process in this
// network namespace has, until the end of the scope. One more is left to the thread that brings the
// work. Does nothing for `kNone`, or when all processors are taken.
class PinnedScope {
 public:
  PinnedScope();
  ~PinnedScope();
  PinnedScope(const PinnedScope&) = delete;
  PinnedScope& operator=(const PinnedScope&) = delete;

  int cpu() const noexcept { return cpu_; }  // -1: none

 private:
  int cpu_ = -1;
};

}  // namespace treadle
