"""Traces of real runs: what the file and the summary say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtime.plans import SIZE
from tests.runtime.traces import a_budget_of_two, call, forked, straight, traced
from treadle.runtime import trace
from treadle.runtime.trace_events import Lane
from treadle.runtime.trace_summary import summarize

plan = straight()


@pytest.fixture
def budget_of_two() -> Iterator[None]:
    with a_budget_of_two():
        yield


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
