"""What a trace consists of: the events of each thread, as the native core recorded them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np

RawLane: TypeAlias = tuple[str, int, int, np.ndarray[Any, np.dtype[np.int64]]]
"""Thread name, thread id, number of lost events, events: as ``_native.trace_collect`` gives it."""

_WORKER = re.compile(r"treadle(-\d+)?")
_NAME_BITS = 32


class Kind(IntEnum):
    """What an event is. Its `id`, `first` and `last` mean what the lines below say."""

    REQUEST = 0  # a run of a plan; id: its frame, first: the plan, last: limit of threads or 0
    OP = 1  # one instruction, on the thread that leads it; last: number of tasks
    CHUNK = 2  # the tasks first to last (exclusive) of the op `id`
    FORK = 3  # the task `id` is queued
    TASK = 4  # the task `id` runs; id: its frame
    WAIT = 5  # for the task `id`, helping or not
    CHUNKS_WAIT = 6  # for chunks that other threads have started
    SPIN = 7  # an idle worker looks for work
    PARK = 8  # asleep
    ADMISSION = 9  # a request waits for its turn
    HOST = 10  # a span of Python code: bind, compile, interpret
    SIT_OUT = 11  # a worker leaves its processor to others, though there may be work


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a thread did; times are those of ``time.monotonic_ns``.

    `frame` is the request or task it was done for, 0 outside both.
    """

    kind: Kind
    name: str
    begin_ns: int
    end_ns: int
    id: int = 0
    frame: int = 0
    first: int = 0
    last: int = 0

    @property
    def duration_ns(self) -> int:
        """How long it took."""
        return self.end_ns - self.begin_ns


@dataclass(frozen=True, slots=True)
class Lane:
    """The events of one thread, by their begin; outer before inner. Lost are the oldest."""

    name: str
    thread_id: int
    events: tuple[Event, ...]
    num_lost: int = 0


def decode(raw: Iterable[RawLane], names: Sequence[str], end_ns: int) -> tuple[Lane, ...]:
    """The lanes of `raw`: clients in the order of their first events, then the pool's workers."""
    python_names = {t.native_id: t.name for t in threading.enumerate()}
    clients, workers = [], []
    for native_name, thread_id, num_lost, words in raw:
        events = _events(words, names, end_ns)
        if _WORKER.fullmatch(native_name):
            workers.append(Lane(native_name, thread_id, events, num_lost))
        else:
            name = python_names.get(thread_id) or f"{native_name or 'thread'} {thread_id}"
            clients.append(Lane(name, thread_id, events, num_lost))
    clients.sort(key=lambda lane: lane.events[0].begin_ns if lane.events else end_ns)
    workers.sort(key=lambda lane: (len(lane.name), lane.name))
    return (*clients, *workers)


def _events(
    words: np.ndarray[Any, np.dtype[np.int64]], names: Sequence[str], end_ns: int
) -> tuple[Event, ...]:
    """The events before `end_ns`; what still went on then ends there."""
    events = []
    for begin, end, id_, frame, first, last, name_and_kind in words.tolist():
        if begin >= end_ns:
            continue
        kind = Kind(name_and_kind >> _NAME_BITS)
        name = names[name_and_kind & (1 << _NAME_BITS) - 1]
        events.append(Event(kind, name, begin, min(end, end_ns), id_, frame, first, last))
    events.sort(key=lambda e: (e.begin_ns, -e.end_ns))
    return tuple(events)
