"""The quotas of real control groups, version 1 or 2, as processes inside them see them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.runtime.cgroups import CpuGroup, cpu_group
from tests.runtime.processes import plain_environment, run_python
from treadle import _native

pytestmark = [
    pytest.mark.threads,
    pytest.mark.slow,
    pytest.mark.skipif(_native.cpu_limits()["cores"] < 2, reason="needs two processors"),
]

SHOW = """
found = treadle.parallel_info(as_dict=True)
print(found["budget"].value, found["budget"].origin, found["quota"].value)
"""


@pytest.fixture
def group() -> Iterator[CpuGroup]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(cpu_group())
        except OSError as error:
            pytest.skip(f"no control groups can be made here: {error}")
        yield made


def _shown(code: str, group: CpuGroup, **environment: str) -> list[str]:
    return run_python(code, group.prefix, **environment).stdout.split()


@pytest.mark.parametrize("cpus", [0.3, 1, 1.9])
def test_the_quota_is_the_budget_rounded_down_to_at_least_one(group: CpuGroup, cpus: float) -> None:
    group.limit(cpus)
    counts = "print(treadle.get_num_threads(), treadle.get_num_interop_threads())"
    assert _shown(SHOW + counts, group) == ["1", "quota", "1", "1", "1"]


def test_a_group_without_quota_leaves_the_processors(group: CpuGroup) -> None:
    cores = str(_native.cpu_limits()["cores"])
    assert _shown(SHOW, group) == [cores, "affinity", "0"]


def test_the_least_quota_on_the_way_up_holds(group: CpuGroup) -> None:
    group.limit(1)
    with group.inner("middle") as middle, middle.inner("leaf") as leaf:
        assert _shown(SHOW, leaf) == ["1", "quota", "1"]
        group.limit(None)
        middle.limit(1.5)
        assert _shown(SHOW, leaf) == ["1", "quota", "1"]
        middle.limit(None)
        assert _shown(SHOW, leaf)[1:] == ["affinity", "0"]


def test_a_changed_quota_is_read_again_on_request(group: CpuGroup) -> None:
    code = f"""
import sys
print(treadle.get_budget(), flush=True)
sys.stdin.readline()
print(treadle.get_budget(), treadle.refresh_budget(), flush=True)
{SHOW}
"""
    process = subprocess.Popen(
        [*group.prefix, sys.executable, "-c", "import treadle\n" + code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=plain_environment(),
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        cores = process.stdout.readline().strip()
        group.limit(1)
        rest, _ = process.communicate("\n", timeout=300)
    assert cores == str(_native.cpu_limits()["cores"])
    assert rest.split() == [cores, "1", "1", "quota", "1"]


def test_info_shows_the_quota_of_the_group(group: CpuGroup) -> None:
    group.limit(1)
    with group.inner("leaf") as leaf:
        done = subprocess.run(
            [*leaf.prefix, sys.executable, "-m", "treadle", "info", "--json"],
            check=True, capture_output=True, text=True, timeout=300, env=plain_environment(),
        )  # fmt: skip
    threads = json.loads(done.stdout)["threads"]
    assert threads["budget"] == {"value": 1, "origin": "quota"}
    assert threads["quota"] == {"value": 1, "origin": "quota"}


def test_the_user_decides_over_the_group(group: CpuGroup) -> None:
    group.limit(1)
    assert _shown(SHOW, group, TREADLE_BUDGET="2") == ["2", "TREADLE_BUDGET", "1"]


def test_no_group_is_left_behind(group: CpuGroup) -> None:
    with group.inner("leaf") as leaf:
        inside = leaf.folder
    assert group.folder.exists()
    assert not inside.exists()
