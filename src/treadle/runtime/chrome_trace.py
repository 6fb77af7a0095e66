"""A trace in the JSON form that Perfetto and Chrome's ``about:tracing`` open."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
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
    Kind.SIT_OUT: "sitting out",
}
_ARROW = "fork-join"


def as_chrome(lanes: Sequence[Lane], begin_ns: int) -> dict[str, Any]:
    """The trace as one JSON document; times are microseconds since `begin_ns`.

    Each thread is a lane. Arrows lead from a fork to its task and from the task to its join; tasks
    in the queue are spans of their own, above the threads.

    Source:
        Trace Event Format,
        https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
    """
    pid = os.getpid()
    index = _Index(lanes)
    events: list[dict[str, Any]] = [
        {"ph": "M", "pid": pid, "name": "process_name", "args": {"name": "treadle"}}
    ]
    for number, lane in enumerate(lanes, 1):
        where = {"pid": pid, "tid": number}
        for name, argument in (("name", lane.name), ("sort_index", number)):
            events.append({"ph": "M", **where, "name": f"thread_{name}", "args": {name: argument}})
        for event in lane.events:
            for item in index.items(event):
                events.append({**where, **item, "ts": (item["ts"] - begin_ns) / 1000})
    return {
        "traceEvents": events,
        "displayTimeUnit": "ns",
        "otherData": {"lost_events": {lane.name: lane.num_lost for lane in lanes}},
    }


class _Index:
    """What the items of one event need to know of others."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        events = [e for lane in lanes for e in lane.events]
        self._forks = {e.id: e for e in events if e.kind is Kind.FORK}
        self._ops = {e.id: e for e in events if e.kind is Kind.OP}
        frames = [e for e in events if e.kind in (Kind.REQUEST, Kind.FORK)]
        frames.sort(key=lambda e: e.begin_ns)
        self._numbers = {e.id: number for number, e in enumerate(frames, 1)}

    def items(self, event: Event) -> Iterator[dict[str, Any]]:
        """`event`, and the arrows it is an end of; their times in nanoseconds."""
        yield {
            "ph": "X",
            "name": event.name or _TITLES.get(event.kind, ""),
            "cat": event.kind.name.lower(),
            "ts": event.begin_ns,
            "dur": event.duration_ns / 1000,
            "args": self._arguments(event),
        }
        if event.id not in self._forks:
            return
        there, back = 2 * self._numbers[event.id], 2 * self._numbers[event.id] + 1
        last = max(event.end_ns - 1, event.begin_ns)  # an arrow ends inside its span
        if event.kind is Kind.FORK:
            yield _arrow("s", there, event.begin_ns)
        elif event.kind is Kind.TASK:
            yield from self._queued(event)
            yield _arrow("f", there, event.begin_ns)
            yield _arrow("s", back, last)
        elif event.kind is Kind.WAIT:
            yield _arrow("f", back, last)

    def _queued(self, task: Event) -> Iterator[dict[str, Any]]:
        """The time of a task in the queue."""
        common = {"cat": "queue", "name": "queued task", "id": self._numbers[task.id]}
        fork = self._forks[task.id]
        yield {"ph": "b", **common, "ts": fork.begin_ns}
        yield {"ph": "e", **common, "ts": max(task.begin_ns, fork.begin_ns)}

    def _arguments(self, event: Event) -> dict[str, float | str]:
        match event.kind:
            case Kind.REQUEST:
                limit = {"max_threads": event.last} if event.last else {}
                return {"request": self._numbers[event.id], "plan": event.first, **limit}
            case Kind.OP:
                return {"tasks": event.last, **self._frame(event)}
            case Kind.CHUNK:
                op = self._ops.get(event.id)
                of = {"of": op.last, **self._frame(op)} if op else {}
                return {"tasks": f"{event.first} to {event.last - 1}", **of}
            case Kind.TASK if event.id in self._forks:
                queued_ns = event.begin_ns - self._forks[event.id].begin_ns
                return {"task": self._numbers[event.id], "queued_us": queued_ns / 1000}
            case Kind.FORK | Kind.WAIT if event.id in self._numbers:
                return {"task": self._numbers[event.id]}
        return {}

    def _frame(self, event: Event) -> dict[str, float | str]:
        """The task or request that `event` is done for."""
        number = self._numbers.get(event.frame)
        if number is None:
            return {}
        return {"task" if event.frame in self._forks else "request": number}


def _arrow(phase: str, number: int, time_ns: int) -> dict[str, Any]:
    """An arrow's begin (s) or end (f), which belongs to the span around it."""
    end = {"bp": "e"} if phase == "f" else {}
    return {"ph": phase, **end, "name": _ARROW, "cat": _ARROW, "id": number, "ts": time_ns}
