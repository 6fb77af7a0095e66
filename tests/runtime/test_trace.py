"""Traces of real runs: what is recorded, what is lost, what the file and the summary say."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treadle
from tests.runtime.kernels import address
from treadle import _native
from treadle.errors import InputError, ThreadingError
from treadle.runtime import Trace, trace
from treadle.runtime.plan import BufferRef, Instruction, Plan, Space
from treadle.runtime.trace_events import Event, Kind, Lane
from treadle.runtime.trace_summary import summarize

SIZE = 37
SPEC = ("float32", (SIZE,))
IN, OUT = (Space.INPUT, 0, 0), (Space.OUTPUT, 0, 0)


def run(kernel: str, name: str, to: BufferRef, tasks: int = SIZE, grain: int = SIZE) -> Instruction:
    return ("run", name, address(kernel), (to, IN), (), tasks, grain)


def slot(index: int) -> BufferRef:
    return (Space.ARENA, 0, index * 192)


def straight(grain: int = SIZE) -> Plan:
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
    source, target = np.arange(SIZE, dtype=np.float32), np.zeros(SIZE, np.float32)
    with trace(**options) as recorded:
        for _ in range(times):
            plan.run([source], [target])
    return recorded


plan = straight()


def call(plan: Plan) -> None:
    plan.run([np.zeros(SIZE, np.float32)], [np.zeros(SIZE, np.float32)])


def events(recorded: Trace, *kinds: Kind) -> list[Event]:
    found = [e for lane in recorded.lanes for e in lane.events if e.kind in kinds]
    return sorted(found, key=lambda e: e.begin_ns)


@pytest.fixture
def budget_of_two() -> Iterator[None]:
    before = _native.get_budget(), _native.get_num_threads()
    _native.set_budget(2)
    _native.set_num_threads(2)
    yield
    _native.set_budget(before[0])
    _native.set_num_threads(before[1])


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


# ---- the file


def test_a_block_that_raises_leaves_its_file(tmp_path: Path) -> None:
    def fail() -> None:
        call(plan)
        raise KeyError("stop")

    path = tmp_path / "trace.json"
    with pytest.raises(KeyError, match="stop"), trace(path):
        fail()
    items = json.loads(path.read_text())["traceEvents"]
    assert [i["name"] for i in items if i.get("cat") == "op"] == ["first", "second"]


@pytest.mark.threads
def test_spans_of_a_lane_nest_and_arrows_have_two_ends(budget_of_two: None) -> None:
    recorded = traced(forked(), times=5)
    items = json.loads(json.dumps(recorded.as_chrome()))["traceEvents"]
    spans = [i for i in items if i["ph"] == "X"]
    assert min(s["ts"] for s in spans) >= 0
    for tid in {s["tid"] for s in spans}:
        check_nesting([s for s in spans if s["tid"] == tid])
    assert all(isinstance(i["id"], int) for i in items if i["ph"] in "sfbe")
    starts = {i["id"] for i in items if i["ph"] == "s"}
    ends = [i["id"] for i in items if i["ph"] == "f"]
    assert len(ends) == len(set(ends)) == 20  # to 10 tasks and from them
    assert starts == set(ends)
    for arrow in (i for i in items if i["ph"] in "sf"):
        assert any(
            s["tid"] == arrow["tid"] and s["ts"] <= arrow["ts"] <= s["ts"] + s["dur"] for s in spans
        )


def check_nesting(spans: Sequence[dict[str, Any]]) -> None:
    open_ends: list[float] = []
    for span in sorted(spans, key=lambda s: (s["ts"], -s["dur"])):
        while open_ends and open_ends[-1] <= span["ts"] + 1e-4:
            open_ends.pop()
        end = span["ts"] + span["dur"]
        assert not open_ends or end <= open_ends[-1] + 1e-3
        open_ends.append(end)


def test_ops_and_chunks_say_their_tasks(budget_of_two: None) -> None:
    items = traced(straight(grain=1)).as_chrome()["traceEvents"]
    ops = [i for i in items if i.get("cat") == "op"]
    chunks = [i for i in items if i.get("cat") == "chunk"]
    assert [op["args"]["tasks"] for op in ops] == [SIZE, SIZE]
    assert chunks[0]["args"]["tasks"].startswith("0 to ")
    assert all(c["args"]["of"] == SIZE for c in chunks)
    names = {i["args"]["name"] for i in items if i["name"] == "thread_name"}
    assert threading.current_thread().name in names


# ---- the summary


@pytest.mark.threads
def test_the_critical_path_fits_into_its_request() -> None:
    summary = traced(forked(), times=9).summary()
    path = summary.critical_path
    assert path is not None
    assert summary.num_requests == 9
    assert 0 < path.length_ns <= path.request.duration_ns == summary.median_request_ns
    assert len(path.ops) == 1  # nothing follows a join


def test_times_of_a_thread_add_up() -> None:
    summary = traced(straight(), times=100).summary()
    for use in summary.threads:
        spent = use.compute_ns + use.runtime_ns + use.waiting_ns + use.spinning_ns + use.parked_ns
        assert 0 < spent <= summary.duration_ns
    first, second = sorted(summary.ops, key=lambda op: op.name)
    assert (first.name, first.count, second.name, second.count) == ("first", 100, "second", 100)
    assert first.compute_ns == first.wall_ns


def test_the_summary_is_readable_as_text_and_by_rich() -> None:
    from rich.console import Console

    summary = traced(straight(), times=3).summary()
    console = Console(width=120)
    with console.capture() as captured:
        console.print(summary)
    for text in (str(summary), captured.get()):
        for word in ("3 requests", "MainThread", "compute", "critical path: 2 ops", "second"):
            assert word in text


def test_the_summary_of_nothing_says_so() -> None:
    with trace() as recorded:
        pass
    assert "no request was recorded" in str(recorded.summary())


# ---- at full speed


@pytest.mark.threads
def test_traces_come_and_go_while_clients_run() -> None:
    stopping = threading.Event()
    failures: list[BaseException] = []

    def client() -> None:
        source, target = np.ones(SIZE, np.float32), np.zeros(SIZE, np.float32)
        own = forked()
        try:
            while not stopping.is_set():
                own.run([source], [target])
                np.testing.assert_array_equal(target, source)
        except BaseException as error:
            failures.append(error)

    clients = [threading.Thread(target=client, daemon=True) for _ in range(3)]
    for thread in clients:
        thread.start()
    names = {"", "here", "there", "far"}
    try:
        for capacity in (1, 5, 1000) * 4:
            with trace(capacity=capacity) as recorded:
                call(plan)
            for lane in recorded.lanes:
                assert all(e.begin_ns <= e.end_ns for e in lane.events)
                assert {e.name for e in lane.events} <= names | {"first", "second"}
            recorded.summary()
    finally:
        stopping.set()
        for thread in clients:
            thread.join(30)
    assert not failures


def test_a_thread_that_lost_everything_leaves_no_time_to_sum_up() -> None:
    summary = summarize([Lane("client", 1, (), num_lost=3)], 10, 20)
    assert summary.num_lost == 3
    assert summary.num_requests == 0
    assert str(summary)
