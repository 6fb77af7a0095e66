"""Small plans to trace, and what their traces hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.runtime.kernels import address
from tests.runtime.plans import SIZE, SPEC, slot
from treadle import _native
from treadle.runtime import Trace, trace
from treadle.runtime.plan import BufferRef, Instruction, Plan, Space
from treadle.runtime.trace_events import Event, Kind

_IN, OUT = (Space.INPUT, 0, 0), (Space.OUTPUT, 0, 0)


def run(kernel: str, name: str, to: BufferRef, tasks: int = SIZE, grain: int = SIZE) -> Instruction:
    """A call of `kernel`, named `name`."""
    return ("run", name, address(kernel), (to, _IN), (), tasks, grain)


def straight(grain: int = SIZE) -> Plan:
    """Two calls, one after the other."""
    code = [run("copy", "first", OUT, grain=grain), run("accumulate", "second", OUT, grain=grain)]
    return Plan([code], 0, [], [SPEC], [SPEC])


def forked() -> Plan:
    """Copies in a fork, and in a fork of that; adds here meanwhile."""
    code: list[list[Instruction]] = [
        [("fork", 1, 0), run("copy", "here", OUT), ("join", 0)],
        [("fork", 2, 1), run("copy", "there", slot(0)), ("join", 1)],
        [run("copy", "far", slot(1))],
    ]
    return Plan(code, 400, [], [SPEC], [SPEC])


def traced(plan: Plan, times: int = 1, **options: Any) -> Trace:
    """The trace of some runs."""
    source, target = np.arange(SIZE, dtype=np.float32), np.zeros(SIZE, np.float32)
    with trace(**options) as recorded:
        for _ in range(times):
            plan.run([source], [target])
    return recorded


def call(plan: Plan) -> None:
    """Run it on zeros."""
    plan.run([np.zeros(SIZE, np.float32)], [np.zeros(SIZE, np.float32)])


def events(recorded: Trace, *kinds: Kind) -> list[Event]:
    """Those of some kinds, in the order in which they began."""
    found = [e for lane in recorded.lanes for e in lane.events if e.kind in kinds]
    return sorted(found, key=lambda e: e.begin_ns)


@contextmanager
def a_budget_of_two() -> Iterator[None]:
    """A block on two threads."""
    before = _native.get_budget(), _native.get_num_threads()
    _native.set_budget(2)
    _native.set_num_threads(2)
    yield
    _native.set_budget(before[0])
    _native.set_num_threads(before[1])
