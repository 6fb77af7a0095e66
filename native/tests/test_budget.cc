#include "budget.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "testing.h"

namespace treadle {
namespace {

// A copy of the files that say what a container may use.
class FakeRoot {
 public:
  FakeRoot() {
    char name[] = "/tmp/treadle-budget-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  void write(const std::string& file, const std::string& text) {
    std::filesystem::path full = path_ + file;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text << "\n";
  }
  int quota() const { return read_cpu_limits(path_).quota; }

 private:
  std::string path_;
};

TEST(no_cgroup_is_no_quota) { CHECK(FakeRoot().quota() == 0); }

TEST(the_quota_of_cgroup_v2_is_rounded_down_along_the_path) {
  FakeRoot root;
  root.write("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
  root.write("/proc/self/cgroup", "0::/pod/box");
  root.write("/sys/fs/cgroup/pod/box/cpu.max", "max 100000");
  CHECK(root.quota() == 0);
  root.write("/sys/fs/cgroup/pod/cpu.max", "350000 100000");
  CHECK(root.quota() == 3);
  root.write("/sys/fs/cgroup/pod/box/cpu.max", "50000 100000");
  CHECK(root.quota() == 1);
}

TEST(the_quota_of_cgroup_v1_is_read_from_the_cpu_controller) {
  FakeRoot root;
  root.write(
      "/proc/self/mountinfo",
      "31 23 0:28 /docker/x /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct");
  root.write("/proc/self/cgroup", "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x");
  root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  CHECK(root.quota() == 0);
  root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000");
  CHECK(root.quota() == 2);
}

TEST(hyperthreads_of_a_core_count_once) {
  CpuLimits real = read_cpu_limits();
  CHECK(real.cores >= 1 && real.cores <= real.affinity);
}

}  // namespace
}  // namespace treadle
