"""What a trace says in numbers: how busy threads were, the critical path, the costly operators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treadle.runtime.critical_path import CriticalPath, critical_paths
from treadle.runtime.trace_events import Event, Kind, Lane

if TYPE_CHECKING:
    from rich.console import Group

_WAITS = (Kind.WAIT, Kind.CHUNKS_WAIT, Kind.ADMISSION)


@dataclass(frozen=True, slots=True)
class ThreadUse:
    """What one thread did with its time; what is left of the trace it spent outside Treadle.

    Attributes:
        name: of the thread.
        thread_id: the system's number of it.
        compute_ns: in kernels.
        runtime_ns: in Treadle's own code between kernels.
        python_ns: in Treadle's Python code: optimising, binding, compiling, interpreting.
        waiting_ns: in a join or a queue, with nothing else to do, awake or asleep.
        spinning_ns: a worker, looking for work.
        parked_ns: a worker, asleep or sitting out.
        num_events: events that were kept.
        num_lost: events that were not.
    """

    name: str
    thread_id: int
    compute_ns: int
    runtime_ns: int
    python_ns: int
    waiting_ns: int
    spinning_ns: int
    parked_ns: int
    num_events: int
    num_lost: int


@dataclass(frozen=True, slots=True)
class OpTime:
    """The runs of all instructions of one name.

    Attributes:
        name: of the instructions.
        count: how often they ran.
        wall_ns: from the begin to the end of each, summed.
        compute_ns: in their kernels on all threads.
    """

    name: str
    count: int
    wall_ns: int
    compute_ns: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A trace in numbers; ``str()`` of it is a text, and rich prints it as tables.

    Attributes:
        duration_ns: from the begin to the end of the trace; after losses, of what is left of it.
        threads: each thread that did something, clients first.
        num_requests: runs of plans that were no part of another.
        median_request_ns: how long they took.
        critical_path: of the request with the median time; None without requests.
        ops: the most expensive first.
        num_lost: earlier events, which did not fit into the buffers.
    """

    duration_ns: int
    threads: tuple[ThreadUse, ...]
    num_requests: int
    median_request_ns: int
    critical_path: CriticalPath | None
    ops: tuple[OpTime, ...]
    num_lost: int

    def __str__(self) -> str:
        from treadle.runtime.trace_text import as_text

        return as_text(self)

    def __rich__(self) -> Group:
        from treadle.runtime.trace_text import as_tables

        return as_tables(self)


def summarize(lanes: Sequence[Lane], begin_ns: int, end_ns: int) -> Summary:
    """The numbers of a trace, from where on no thread has lost anything."""
    num_lost = sum(lane.num_lost for lane in lanes)
    for lane in lanes:
        if lane.num_lost:  # events are kept in the order of their ends
            begin_ns = max(begin_ns, min((e.end_ns for e in lane.events), default=end_ns))
    clipped = [replace(lane, events=tuple(_clipped(lane.events, begin_ns))) for lane in lanes]
    lanes = [
        replace(lane, events=tuple(e for e in lane.events if e.begin_ns >= begin_ns))
        for lane in lanes
    ]
    in_chunks = {e.id for lane in lanes for e in lane.events if e.kind is Kind.CHUNK}
    paths = sorted(critical_paths(lanes), key=lambda p: p.request.duration_ns)
    median = paths[(len(paths) - 1) // 2] if paths else None
    return Summary(
        end_ns - begin_ns,
        tuple(_thread_use(lane, in_chunks) for lane in clipped),
        len(paths),
        median.request.duration_ns if median else 0,
        median,
        _op_times(lanes, in_chunks),
        num_lost,
    )


def _clipped(events: Sequence[Event], begin_ns: int) -> Iterator[Event]:
    for event in events:
        if event.begin_ns >= begin_ns:
            yield event
        elif event.end_ns > begin_ns:
            yield replace(event, begin_ns=begin_ns)


def exclusive_times(events: Sequence[Event]) -> Iterator[tuple[Event, Event | None, int]]:
    """Each event of a lane with the one around it and its time outside those inside it."""
    open_events: list[Event] = []
    inside: list[int] = []

    def close() -> tuple[Event, Event | None, int]:
        event = open_events.pop()
        return event, open_events[-1] if open_events else None, event.duration_ns - inside.pop()

    for event in events:
        while open_events and open_events[-1].end_ns <= event.begin_ns:
            yield close()
        if inside:
            inside[-1] += event.duration_ns
        open_events.append(event)
        inside.append(0)
    while open_events:
        yield close()


def _thread_use(lane: Lane, in_chunks: set[int]) -> ThreadUse:
    times: dict[str, int] = defaultdict(int)
    for event, outer, time in exclusive_times(lane.events):
        times[_use(event, outer, in_chunks)] += time
    return ThreadUse(
        lane.name,
        lane.thread_id,
        times["compute"],
        times["runtime"],
        times["python"],
        times["waiting"],
        times["spinning"],
        times["parked"],
        len(lane.events),
        lane.num_lost,
    )


def _use(event: Event, outer: Event | None, in_chunks: set[int]) -> str:
    """What the time of `event` was spent on. An op in chunks computes only in these."""
    if event.kind is Kind.CHUNK or (event.kind is Kind.OP and event.id not in in_chunks):
        return "compute"
    if event.kind in _WAITS:
        return "waiting"
    if event.kind in (Kind.SPIN, Kind.PARK, Kind.SIT_OUT):
        if outer is not None and outer.kind in _WAITS:
            return "waiting"
        return "spinning" if event.kind is Kind.SPIN else "parked"
    return "python" if event.kind is Kind.HOST else "runtime"


def _op_times(lanes: Sequence[Lane], in_chunks: set[int]) -> tuple[OpTime, ...]:
    count: dict[str, int] = defaultdict(int)
    wall: dict[str, int] = defaultdict(int)
    compute: dict[str, int] = defaultdict(int)
    for lane in lanes:
        for event in lane.events:
            if event.kind is Kind.OP:
                count[event.name] += 1
                wall[event.name] += event.duration_ns
            if event.kind is Kind.CHUNK or (event.kind is Kind.OP and event.id not in in_chunks):
                compute[event.name] += event.duration_ns
    names = sorted(wall, key=lambda name: -wall[name])
    return tuple(OpTime(name, count[name], wall[name], compute[name]) for name in names)
