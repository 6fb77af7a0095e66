// How many threads this process should compute with, and why.
#pragma once

#include <string>
#include <vector>

namespace treadle {

struct CpuLimits {
  int affinity = 1;  // CPUs in the affinity mask
  int cores = 1;     // physical cores among them, as far as the system shows
  int quota = 0;     // floor of the cgroup CPU quota, at least 1; 0: no quota
};

// Reads the limits as they are now. `root` stands for "/" in tests.
CpuLimits read_cpu_limits(const std::string& root = "");

// The CPUs that a thread may run on; 0 is the calling one, the process id the main one.
std::vector<int> affinity_mask(int thread_id = 0);

}  // namespace treadle
