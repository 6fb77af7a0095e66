"""The budget is the least of affinity mask and cgroup quota, read in processes of their own."""

import os
import shutil
from pathlib import Path

import pytest

from tests.runtime.processes import run_python
from treadle import _native

pytestmark = pytest.mark.threads

CPUS = sorted(os.sched_getaffinity(0))
SHOW = "print(runtime.get_budget(), runtime.get_num_threads(), runtime.get_num_interop_threads())"
HAS_TASKSET = shutil.which("taskset") is not None


@pytest.mark.slow
@pytest.mark.skipif(not HAS_TASKSET, reason="taskset is not installed")
@pytest.mark.parametrize("count", [1, 2])
def test_affinity_mask_bounds_the_budget(count: int) -> None:
    if count > len(CPUS):
        pytest.skip(f"this machine shows {len(CPUS)} CPU")
    prefix = ["taskset", "-c", ",".join(map(str, CPUS[:count]))]
    budget, intra, interop = map(int, run_python(SHOW, prefix).stdout.split())
    assert 1 <= budget <= count
    assert intra == interop == budget


@pytest.mark.slow
@pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")
def test_budget_is_read_again_on_request() -> None:
    code = """
import os
before = runtime.get_budget()
runtime.set_num_threads(7)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
same = runtime.get_budget()
print(before == same, runtime.refresh_budget(), *(
    runtime.get_budget(), runtime.get_num_threads(), runtime.get_num_interop_threads()
))
"""
    assert run_python(code).stdout.split() == ["True", "1", "1", "7", "1"]


def test_user_decides_over_the_machine() -> None:
    code = SHOW + "; print(treadle.parallel_info(as_dict=True)['budget'].origin)"
    done = run_python(code, TREADLE_BUDGET="1")
    assert done.stdout.split() == ["1", "1", "1", "TREADLE_BUDGET"]


def write(root: Path, file: str, text: str) -> None:
    path = root / file.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


@pytest.fixture
def cgroup_v2(tmp_path: Path) -> Path:
    mount = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
    write(tmp_path, "/proc/self/mountinfo", mount)
    write(tmp_path, "/proc/self/cgroup", "0::/pod/box")
    return tmp_path


@pytest.fixture
def cgroup_v1(tmp_path: Path) -> Path:
    mount = "31 23 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct"
    write(tmp_path, "/proc/self/mountinfo", mount)
    write(tmp_path, "/proc/self/cgroup", "4:cpu,cpuacct:/box\n3:memory:/box")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("max 100000", 0),
        ("50000 100000", 1),
        ("199999 100000", 1),
        ("200000 100000", 2),
        ("1250000 50000", 25),
        ("nonsense", 0),
        ("", 0),
    ],
)
def test_quota_of_cgroup_v2_is_rounded_down(cgroup_v2: Path, text: str, quota: int) -> None:
    write(cgroup_v2, "/sys/fs/cgroup/pod/box/cpu.max", text)
    assert _native.cpu_limits(str(cgroup_v2))["quota"] == quota


def test_least_quota_on_the_path_holds(cgroup_v2: Path) -> None:
    write(cgroup_v2, "/sys/fs/cgroup/pod/box/cpu.max", "800000 100000")
    write(cgroup_v2, "/sys/fs/cgroup/pod/cpu.max", "300000 100000")
    assert _native.cpu_limits(str(cgroup_v2))["quota"] == 3


@pytest.mark.parametrize(("quota_us", "quota"), [("-1", 0), ("250000", 2), ("1000", 1)])
def test_quota_of_cgroup_v1(cgroup_v1: Path, quota_us: str, quota: int) -> None:
    write(cgroup_v1, "/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", quota_us)
    write(cgroup_v1, "/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000")
    assert _native.cpu_limits(str(cgroup_v1))["quota"] == quota


def test_no_cgroup_is_no_quota(tmp_path: Path) -> None:
    assert _native.cpu_limits(str(tmp_path))["quota"] == 0
