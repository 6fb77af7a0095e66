"""A trace in the JSON form that Perfetto and Chrome's ``about:tracing`` open."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from treadle.runtime.trace_events import Event, Kind, Lane

_TITLES = {
    Kind.REQUEST: "request",
    Kind.FORK: "fork",
    Kind.TASK: "task",
    Kind.WAIT: "join",
    Kind.CHUNKS_WAIT: "join chunks",
    Kind.SPIN: "spinning",
    Kind.PARK: "parked",
    Kind.ADMISSION: "queueing",
    Kind.HOST: "python call",
}
_ARROW = "fork-join"


def as_chrome(lanes: Sequence[Lane], begin_ns: int) -> dict[str, Any]:
    """The trace as one JSON document; times are microseconds since `begin_ns`.

    Each thread is a lane. Arrows lead from a fork to its task and from the task to its join; tasks
    in the queue are spans of their own, above the threads.

    Source:
        Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
    """
    pid = os.getpid()
    forks = {e.id: e for lane in lanes for e in lane.events if e.kind is Kind.FORK}
    ops = {e.id: e for lane in lanes for e in lane.events if e.kind is Kind.OP}
    events = [{"ph": "M", "pid": pid, "name": "process_name", "args": {"name": "treadle"}}]
    for number, lane in enumerate(lanes, 1):
        where = {"pid": pid, "tid": number}
        events.append({"ph": "M", **where, "name": "thread_name", "args": {"name": lane.name}})
        events.append({"ph": "M", **where, "name": "thread_sort_index", "args": {"sort_index": number}})  # fmt: skip  # noqa: E501
        for event in lane.events:
            for item in _items(event, forks, ops):
                events.append({**where, **item, "ts": (item["ts"] - begin_ns) / 1000})
    return {
        "traceEvents": events,
        "displayTimeUnit": "ns",
        "otherData": {"lost_events": {lane.name: lane.num_lost for lane in lanes}},
    }


def _items(
    event: Event, forks: Mapping[int, Event], ops: Mapping[int, Event]
) -> Iterator[dict[str, Any]]:
    """`event` and the arrows it is an end of; their times in nanoseconds."""
    yield {
        "ph": "X",
        "name": event.name or _TITLES.get(event.kind, ""),
        "cat": event.kind.name.lower(),
        "ts": event.begin_ns,
        "dur": event.duration_ns / 1000,
        "args": _arguments(event, forks, ops),
    }
    if event.kind is Kind.FORK:
        yield {"ph": "s", "name": _ARROW, "cat": _ARROW, "id": event.id, "ts": event.begin_ns}
    if event.id not in forks:
        return
    joined = f"{event.id} done"  # the task's second arrow
    if event.kind is Kind.TASK:
        yield from _queued(forks[event.id], event)
        yield {
            "ph": "f", "bp": "e", "name": _ARROW, "cat": _ARROW, "id": event.id,
            "ts": event.begin_ns,
        }  # fmt: skip
        last = max(event.end_ns - 1, event.begin_ns)  # an arrow begins inside its span
        yield {"ph": "s", "name": _ARROW, "cat": _ARROW, "id": joined, "ts": last}
    if event.kind is Kind.WAIT:
        last = max(event.end_ns - 1, event.begin_ns)
        yield {"ph": "f", "bp": "e", "name": _ARROW, "cat": _ARROW, "id": joined, "ts": last}


def _queued(fork: Event, task: Event) -> Iterator[dict[str, Any]]:
    """The time of a task in the queue."""
    common = {"cat": "queue", "name": "queued task", "id": task.id}
    yield {"ph": "b", **common, "ts": fork.begin_ns}
    yield {"ph": "e", **common, "ts": max(task.begin_ns, fork.begin_ns)}


def _arguments(
    event: Event, forks: Mapping[int, Event], ops: Mapping[int, Event]
) -> dict[str, int | str]:
    if event.kind is Kind.REQUEST:
        limit = {"max_threads": event.last} if event.last else {}
        return {"request": event.id, "plan": event.first, **limit}
    if event.kind is Kind.OP:
        return {"tasks": event.last, "frame": event.frame}
    if event.kind is Kind.CHUNK:
        op = ops.get(event.id)
        tasks: dict[str, int | str] = {"tasks": f"{event.first} to {event.last - 1}"}
        return {**tasks, "of": op.last, "frame": op.frame} if op else tasks
    if event.kind is Kind.TASK and event.id in forks:
        return {"task": event.id, "queued_us": (event.begin_ns - forks[event.id].begin_ns) // 1000}
    if event.kind in (Kind.FORK, Kind.TASK, Kind.WAIT):
        return {"task": event.id}
    return {}
