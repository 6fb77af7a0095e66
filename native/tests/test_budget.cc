#include "budget.h"

#include "fake_root.h"
#include "testing.h"

namespace treadle {
namespace {

int quota(const FakeRoot& root) { return read_cpu_limits(root.path()).quota; }

TEST(no_cgroup_is_no_quota) { CHECK(quota(FakeRoot()) == 0); }

TEST(the_quota_of_cgroup_v2_is_rounded_down_along_the_path) {
  FakeRoot root;
  root.write("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
  root.write("/proc/self/cgroup", "0::/pod/box");
  root.write("/sys/fs/cgroup/pod/box/cpu.max", "max 100000");
  CHECK(quota(root) == 0);
  root.write("/sys/fs/cgroup/pod/cpu.max", "350000 100000");
  CHECK(quota(root) == 3);
  root.write("/sys/fs/cgroup/pod/box/cpu.max", "50000 100000");
  CHECK(quota(root) == 1);
}

TEST(the_quota_of_cgroup_v1_is_read_from_the_cpu_controller) {
  FakeRoot root;
  root.write(
      "/proc/self/mountinfo",
      "31 23 0:28 /docker/x /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct");
  root.write("/proc/self/cgroup", "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x");
  root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  CHECK(quota(root) == 0);
  root.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000");
  CHECK(quota(root) == 2);
}

TEST(a_group_whose_name_begins_like_the_mounts_root_is_not_inside_it) {
  FakeRoot root;
  root.write("/proc/self/mountinfo", "31 23 0:28 /box /cgroup rw - cgroup2 cgroup2 rw");
  root.write("/proc/self/cgroup", "0::/box/2");
  root.write("/cgroup/cpu.max", "300000 100000");
  root.write("/cgroup/2/cpu.max", "200000 100000");
  CHECK(quota(root) == 2);
  root.write("/proc/self/cgroup", "0::/box2");
  root.write("/cgroup2/cpu.max", "100000 100000");
  CHECK(quota(root) == 3);
}

TEST(hyperthreads_of_a_core_count_once) {
  CpuLimits real = read_cpu_limits();
  CHECK(real.cores >= 1 && real.cores <= real.affinity);
}

}  // namespace
}  // namespace treadle
