"""Nothing burns when idle: seen in CPU clocks and in what the kernel says of the workers."""

import pytest

from tests.runtime.processes import run_python

pytestmark = [pytest.mark.threads, pytest.mark.slow]

CODE = """
import os
import time
from tests.runtime.kernels import address
from treadle import _native
from treadle.runtime.plan import Plan

plan = Plan([[("run", "burn", address("burn"), (), (1000,), 64, 1)] * 20], 0, [], [], [])

def cpu_seconds_after_a_run(seconds):
    plan.run([], [])
    start = time.process_time()
    time.sleep(seconds)
    return time.process_time() - start

def is_quiet():
    for thread in map(int, os.listdir("/proc/self/task")):
        with open(f"/proc/self/task/{thread}/stat") as file:
            state = file.read().rsplit(")", 1)[1].split()[0]
        if thread != os.getpid() and state == "R":
            return False
    return True

for _ in range(5):
    plan.run([], [])
"""


@pytest.mark.parametrize("spin_us", ["0", "50"])
def test_workers_sleep_after_a_run(spin_us: str) -> None:
    """Spinning for ever would cost 0.1 s for each worker; a bounded spin costs almost nothing."""
    code = "print(min(cpu_seconds_after_a_run(0.1) for _ in range(10)), is_quiet())"
    done = run_python(CODE + code, TREADLE_BUDGET="3", TREADLE_SPIN_US=spin_us)
    seconds, quiet = done.stdout.split()
    # 0.0002 s at most by design (`benchmarks.idle`); the rest is for a busy machine.
    assert float(seconds) < 0.05
    assert quiet == "True"


def test_workers_do_not_wake_up_by_themselves() -> None:
    code = """
def switches():
    count = 0
    for thread in os.listdir("/proc/self/task"):
        if int(thread) != os.getpid():
            with open(f"/proc/self/task/{thread}/status") as file:
                count += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return count
plan.run([], [])
time.sleep(0.1)
before = switches()
time.sleep(0.3)
print(_native.num_workers() > 0, switches() - before)
"""
    assert run_python(CODE + code, TREADLE_BUDGET="3").stdout.split() == ["True", "0"]
