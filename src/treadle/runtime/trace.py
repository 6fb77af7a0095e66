"""Traces: what each thread did when, recorded by the native core while a block runs."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from treadle import _native
from treadle.errors import InputError, ThreadingError
from treadle.runtime.chrome_trace import as_chrome
from treadle.runtime.trace_events import Lane, decode
from treadle.runtime.trace_summary import Summary, summarize

CAPACITY = 1 << 16
"""Events kept for each thread (56 bytes each)."""

_MAX_CAPACITY = 1 << 24
_recording = threading.Lock()


class Trace:
    """What was recorded; there is something to see after the block has ended."""

    def __init__(self) -> None:
        self._lanes: tuple[Lane, ...] | None = None
        self._begin_ns = self._end_ns = time.monotonic_ns()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The events of each thread that did something, clients before workers.

        Raises:
            ThreadingError: while the trace is being recorded.
        """
        if self._lanes is None:
            raise ThreadingError("the trace is still being recorded: its block has not ended")
        return self._lanes

    def summary(self) -> Summary:
        """How busy each thread was, the critical path, and the operators by time."""
        return summarize(self.lanes, self._begin_ns, self._end_ns)

    def as_chrome(self) -> dict[str, Any]:
        """The trace as a document of Chrome's trace event format."""
        return as_chrome(self.lanes, self._begin_ns)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the trace as JSON, for https://ui.perfetto.dev or Chrome's ``about:tracing``."""
        Path(path).write_text(json.dumps(self.as_chrome(), separators=(",", ":")), "utf-8")

    def _start(self, capacity: int) -> None:
        self._begin_ns = time.monotonic_ns()
        _native.trace_start(capacity)

    def _stop(self) -> None:
        self._end_ns = time.monotonic_ns()
        _native.trace_stop()
        self._lanes = decode(_native.trace_collect(), _native.trace_names(), self._end_ns)


@contextmanager
def trace(
    path: str | os.PathLike[str] | None = None, *, capacity: int = CAPACITY
) -> Iterator[Trace]:
    """Record what all threads do while the block runs.

    Args:
        path: where the trace is written at the end of the block, also of one that raises.
        capacity: events to keep for each thread; of more, the newest are kept.

    Raises:
        InputError: if the folder of `path` is missing, or `capacity` is out of range.
        ThreadingError: if a trace is being recorded already.
    """
    if path is not None and not Path(path).absolute().parent.is_dir():
        raise InputError(f"cannot write {path}: there is no such folder")
    if not 1 <= capacity <= _MAX_CAPACITY:
        raise InputError(f"capacity must be from 1 to {_MAX_CAPACITY}, got {capacity}")
    if not _recording.acquire(blocking=False):
        raise ThreadingError("a trace is being recorded already, and there is one at a time")
    try:
        recorded = Trace()
        recorded._start(capacity)
        try:
            yield recorded
        finally:
            recorded._stop()
            if path is not None:
                recorded.write(path)
    finally:
        _recording.release()


@contextmanager
def span(name: str) -> Iterator[None]:
    """Show the time in the block, or in the decorated function, on this thread's lane."""
    if not _native.trace_is_on():
        yield
        return
    begin_ns = time.monotonic_ns()
    try:
        yield
    finally:
        _native.trace_record(name, begin_ns, time.monotonic_ns())
