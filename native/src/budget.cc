#include "budget.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

namespace treadle {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Threads of one core list the same siblings.
int count_cores(const std::string& root, const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (int cpu : cpus) {
    std::string siblings = first_line(root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                                      "/topology/thread_siblings_list");
    cores.insert(siblings.empty() ? "cpu" + std::to_string(cpu) : siblings);
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

// CPUs that one cgroup directory grants, or 0.
double quota_in(const std::string& directory) {
  std::istringstream v2(first_line(directory + "/cpu.max"));
  double quota = 0, period = 0;
  if (v2 >> quota >> period) return period > 0 ? quota / period : 0;  // "max 100000" does not parse
  std::istringstream v1(first_line(directory + "/cpu.cfs_quota_us") + " " +
                        first_line(directory + "/cpu.cfs_period_us"));
  if (v1 >> quota >> period && quota > 0 && period > 0) return quota / period;
  return 0;
}

// The least quota between a cgroup and the root of its hierarchy.
double quota_on_path(const std::string& mount, std::string path) {
  double least = 0;
  while (true) {
    double quota = quota_in(mount + path);
    if (quota > 0) least = least > 0 ? std::min(least, quota) : quota;
    std::size_t slash = path.find_last_of('/');
    if (path.empty() || slash == std::string::npos) return least;
    path.resize(slash);
  }
}

bool has_cpu_controller(const std::string& controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');)
    if (name == "cpu") return true;
  return false;
}

struct Mount {
  std::string point, root, type, options;
};

std::vector<Mount> cgroup_mounts(const std::string& root) {
  std::vector<Mount> mounts;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string skip;
    Mount mount;
    fields >> skip >> skip >> skip >> mount.root >> mount.point;
    while (fields >> skip && skip != "-") {
    }
    fields >> mount.type >> skip >> mount.options;
    if (mount.type == "cgroup2" || mount.type == "cgroup") mounts.push_back(mount);
  }
  return mounts;
}

// A container sees its own cgroup as the root of the mount, though /proc/self/cgroup may say
// otherwise.
std::string path_in_mount(const Mount& mount, const std::string& path) {
  if (mount.root == "/") return path == "/" ? "" : path;
  const bool is_inside = (path + "/").starts_with(mount.root + "/");
  return is_inside ? path.substr(mount.root.size()) : "";
}

int read_quota(const std::string& root) {
  const std::vector<Mount> mounts = cgroup_mounts(root);
  double least = 0;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    for (const Mount& mount : mounts) {
      bool matches = controllers.empty()
                         ? mount.type == "cgroup2"
                         : mount.type == "cgroup" && has_cpu_controller(controllers) &&
                               has_cpu_controller(mount.options);
      if (!matches) continue;
      double quota = quota_on_path(root + mount.point, path_in_mount(mount, path));
      if (quota > 0) least = least > 0 ? std::min(least, quota) : quota;
    }
  }
  return least > 0 ? std::max(1, static_cast<int>(std::min(least, 1e6))) : 0;
}

}  // namespace

std::vector<int> affinity_mask(int thread_id) {
  std::vector<int> cpus;
  for (int size = CPU_SETSIZE; size <= (1 << 20); size *= 2) {
    cpu_set_t* set = CPU_ALLOC(size);
    bool known = sched_getaffinity(thread_id, CPU_ALLOC_SIZE(size), set) == 0;
    for (int cpu = 0; known && cpu < size; ++cpu)
      if (CPU_ISSET_S(cpu, CPU_ALLOC_SIZE(size), set)) cpus.push_back(cpu);
    CPU_FREE(set);
    if (known) break;
  }
  return cpus;
}

CpuLimits read_cpu_limits(const std::string& root) {
  std::vector<int> cpus = affinity_mask();
  CpuLimits limits;
  limits.affinity = std::max<int>(1, static_cast<int>(cpus.size()));
  limits.cores = count_cores(root, cpus);
  limits.quota = read_quota(root);
  return limits;
}

}  // namespace treadle
