"""Traces of real runs: what is recorded and what is lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treadle
from tests.runtime.counted import endless, started, until, waits
from tests.runtime.plans import SIZE, SPEC
from tests.runtime.traces import OUT, a_budget_of_two, call, events, forked, run, straight, traced
from treadle import _native
from treadle.errors import Cancelled, InputError, ThreadingError
from treadle.runtime import trace
from treadle.runtime.plan import Plan
from treadle.runtime.trace_events import Kind

plan = straight()


@pytest.fixture
def budget_of_two() -> Iterator[None]:
    with a_budget_of_two():
        yield


# ---- what is recorded


def test_a_request_holds_its_ops_by_name() -> None:
    recorded = traced(straight(), times=2)
    requests = events(recorded, Kind.REQUEST)
    ops = events(recorded, Kind.OP)
    assert [op.name for op in ops] == ["first", "second"] * 2
    assert [op.frame for op in ops] == [r.id for r in requests for _ in range(2)]
    assert all(op.last == SIZE for op in ops)
    assert requests[0].first == requests[1].first  # the plan
    assert requests[0].end_ns <= requests[1].begin_ns


def test_each_plan_has_a_number_of_its_own() -> None:
    numbers = {events(traced(straight()), Kind.REQUEST)[0].first for _ in range(3)}
    assert len(numbers) == 3


@pytest.mark.threads
@pytest.mark.parametrize("tasks", [2, 3, 16, 37])
def test_chunks_cover_the_tasks_of_their_op_once(budget_of_two: None, tasks: int) -> None:
    plan = Plan([[run("copy", "op", OUT, tasks, 1)]], 0, [], [SPEC], [SPEC])
    recorded = traced(plan, times=20)
    ops = events(recorded, Kind.OP)
    assert len(ops) == 20
    for op in ops:
        chunks = [c for c in events(recorded, Kind.CHUNK) if c.id == op.id]
        covered = sorted(t for c in chunks for t in range(c.first, c.last))
        assert covered == list(range(tasks))
        assert all(c.name == "op" for c in chunks)
        assert all(op.begin_ns <= c.begin_ns <= c.end_ns for c in chunks)


@pytest.mark.threads
def test_forks_tasks_and_joins_belong_together() -> None:
    recorded = traced(forked())
    (request,) = events(recorded, Kind.REQUEST)
    outer, inner = events(recorded, Kind.FORK)
    assert (outer.frame, inner.frame) == (request.id, outer.id)
    frames = {op.name: op.frame for op in events(recorded, Kind.OP)}
    assert frames == {"here": request.id, "there": outer.id, "far": inner.id}
    joins = {join.id: join for join in events(recorded, Kind.WAIT)}
    assert {id_: join.frame for id_, join in joins.items()} == {
        outer.id: request.id,
        inner.id: outer.id,
    }
    for op in events(recorded, Kind.OP):
        if op.frame in joins:
            assert op.end_ns <= joins[op.frame].end_ns


@pytest.mark.threads
def test_a_request_that_waits_for_its_turn_is_queueing() -> None:
    budget = _native.get_budget()
    _native.set_budget(1)
    control = _native.RunControl()
    holder = endless()

    def hold() -> None:
        with pytest.raises(Cancelled):
            holder.run(control)

    try:
        with trace() as recorded:
            threads = started(hold)
            until(lambda: holder.inside == 1)
            threads += started(lambda: call(plan))
            until(lambda: waits(1))
            control.cancel()
            for thread in threads:
                thread.join()
    finally:
        _native.set_budget(budget)
    (queued,) = events(recorded, Kind.ADMISSION)
    (request,) = [e for e in events(recorded, Kind.REQUEST) if e.first == plan_number()]
    assert request.begin_ns <= queued.begin_ns <= queued.end_ns <= request.end_ns


def plan_number() -> int:
    """What traces call `plan`."""
    return events(traced(plan), Kind.REQUEST)[0].first


@pytest.mark.threads
def test_an_idle_worker_spins_and_then_sleeps(budget_of_two: None) -> None:
    with trace() as recorded:
        treadle.fork(int).wait()
        until(lambda: _native.num_workers() > 0)
        treadle.fork(int).wait()
        time.sleep(0.05)
        treadle.fork(int).wait()
        done = treadle.fork(int)
        until(done.done)
    kinds = {e.kind for lane in recorded.lanes for e in lane.events if lane.name == "treadle-1"}
    assert {Kind.SPIN, Kind.PARK} <= kinds


@pytest.mark.threads
def test_python_calls_on_the_pool_are_tasks() -> None:
    with trace() as recorded:
        futures = [treadle.fork(sum, (i, i)) for i in range(4)]
        assert treadle.wait_all(futures) == [0, 2, 4, 6]
    forks = {e.id for e in events(recorded, Kind.FORK)}
    assert len(forks) == 4
    assert forks >= {e.id for e in events(recorded, Kind.TASK)}


def test_lanes_have_the_names_of_python_threads() -> None:
    plan, done = straight(), threading.Event()

    def client() -> None:
        plan.run([np.zeros(SIZE, np.float32)], [np.zeros(SIZE, np.float32)])
        ran.set()
        done.wait()

    ran = threading.Event()
    thread = threading.Thread(target=client, name="the client", daemon=True)
    try:
        with trace() as recorded:
            thread.start()
            assert ran.wait(30)
    finally:
        done.set()
    thread.join()
    assert "the client" in {lane.name for lane in recorded.lanes}


def test_threads_that_ended_keep_their_lane() -> None:
    with trace() as recorded:
        for _ in range(3):
            thread = threading.Thread(target=call, args=(plan,))
            thread.start()
            thread.join()
    assert sum(len(lane.events) for lane in recorded.lanes) >= 9


@pytest.mark.slow
def test_a_first_call_shows_binding_and_compiling(tmp_path: Path) -> None:
    source = tmp_path / "doubled.py"
    source.write_text("import treadle\n@treadle.script\ndef doubled(x):\n    return x + x\n")
    namespace: dict[str, Any] = {}
    exec(compile(source.read_text(), str(source), "exec"), namespace)
    with trace() as recorded:
        namespace["doubled"](np.ones((3, 5), np.float32))
    names = [e.name for e in events(recorded, Kind.HOST)]
    assert {"optimise", "bind", "compile kernels"} <= set(names)


# ---- what is not


def test_nothing_is_recorded_outside_the_block() -> None:
    with trace() as recorded:
        pass
    call(plan)
    assert events(recorded, *Kind) == []
    assert not _native.trace_is_on()


@pytest.mark.parametrize("capacity", [1, 2, 7])
def test_the_newest_events_are_kept_and_the_lost_are_counted(capacity: int) -> None:
    recorded = traced(straight(), times=50, capacity=capacity)
    (lane,) = [lane for lane in recorded.lanes if lane.num_lost]
    assert len(lane.events) == capacity
    assert len(lane.events) + lane.num_lost == 150
    assert lane.events[0].kind is Kind.REQUEST  # the last of all is the end of a request
    assert f"{lane.num_lost} earlier events were lost" in str(recorded.summary())


@pytest.mark.threads
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_child_of_a_fork_records_nothing() -> None:
    with trace():
        call(plan)
        child = os.fork()
        if child == 0:
            call(plan)
            os._exit(1 if _native.trace_is_on() else 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_there_is_one_trace_at_a_time() -> None:
    with trace(), pytest.raises(ThreadingError, match="one at a time"), trace():
        pass
    with trace() as recorded:
        pass
    assert recorded.lanes == ()


def test_a_trace_cannot_be_read_before_its_end() -> None:
    with trace() as recorded, pytest.raises(ThreadingError, match="still being recorded"):
        recorded.summary()


@pytest.mark.parametrize("capacity", [0, -1, 1 << 40])
def test_a_bad_capacity_is_refused(capacity: int) -> None:
    with pytest.raises(InputError, match="capacity must be from 1 to"), trace(capacity=capacity):
        pass


def test_a_missing_folder_is_refused_before_the_block(tmp_path: Path) -> None:
    entered = False
    with pytest.raises(InputError, match="no such folder"), trace(tmp_path / "gone" / "t.json"):
        entered = True
    assert not entered
