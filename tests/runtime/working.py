"""A process of its own with a pool that works."""

import textwrap

from tests.runtime.processes import run_python

WORK = """
import os
import sys
import threading
import time
from tests.runtime.kernels import address
from treadle.runtime.plan import Plan

BURN = address("burn")  # once: LLVM's lock may be another thread's when we fork

def plan(tasks, rounds, steps):
    step = ("run", "burn", BURN, (), (rounds,), tasks, 1)
    return Plan([[step] * steps], 0, [], [], [])

def work():
    plan(64, 10, 100).run([], [])
    return [f.wait() for f in [runtime.fork(pow, i, 2) for i in range(20)]] == [
        i * i for i in range(20)
    ]

def workers():
    # Names and CPUs, once they have begun.
    from treadle import _native
    while True:
        found = {}
        for thread in map(int, os.listdir("/proc/self/task")):
            with open(f"/proc/self/task/{thread}/comm") as file:
                name = file.read().strip()
            if name.startswith("treadle-"):
                found[name] = sorted(os.sched_getaffinity(thread))
        if len(found) == _native.num_workers() > 0:
            return found
        work()
        time.sleep(0.01)

assert work()
"""


def run(code: str, **environment: str) -> str:
    """What `code` prints after `WORK`, with a budget of three."""
    done = run_python(WORK + textwrap.dedent(code), TREADLE_BUDGET="3", **environment)
    return done.stdout
