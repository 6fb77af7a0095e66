"""Serving one model to many clients: a limit of requests at a time, deadlines, priorities."""

from __future__ import annotations

import contextvars
import heapq
import itertools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from treadle.errors import Cancelled, DeadlineExceeded, InputError, ThreadingError
from treadle.method import Method
from treadle.model import Module, run_controlled
from treadle.runtime import RunControl, Turn, get_budget
from treadle.runtime.futures import Future, StoppableFuture

_RECENT = 1024
_MAX_DISPATCHERS = 256


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """What became of a session's requests; times in seconds, of the last 1,024 that ran.

    `cancelled` counts also those that ran out of time. `queue` times are from the call to the
    admission, `run` times from there to the result.
    """

    running: int
    queued: int
    completed: int
    failed: int
    cancelled: int
    queue_p50: float
    queue_p99: float
    run_p50: float
    run_p99: float


class _Request:
    """A call of the model. Fields that change are guarded by the session's lock."""

    def __init__(self, order: tuple[int, int], control: RunControl) -> None:
        self.order = order
        self.control = control
        self.made = time.monotonic()
        self.started = self.made
        self.is_dropped = False
        self.is_granted = False
        self.start: Callable[[], object] | None = None  # called, under the lock, when granted
        self.drop: Callable[[], object] | None = None  # called when it is dropped by others

    def __lt__(self, other: _Request) -> bool:
        return self.order < other.order


class Session:
    """A model for many clients. Thread-safe.

    Requests are admitted in the order of their arrival, those of higher priority first. With one
    in flight it uses all threads; as more come each gets fewer, down to one, and whoever would be
    one too many waits.
    """

    def __init__(self, model: Module | Method, max_concurrency: int | None = None) -> None:
        """Serve `model`, with at most `max_concurrency` requests in flight (None: any number).

        Raises:
            InputError: if `max_concurrency` is not positive.
        """
        if max_concurrency is not None and max_concurrency < 1:
            raise InputError(f"max_concurrency must be positive, got {max_concurrency}")
        self._model = model
        self._max_concurrency = max_concurrency
        self._numbers = itertools.count()
        self._start()
        _sessions.add(self)

    def _start(self) -> None:
        """Everything that must begin anew in a forked child."""
        self._changed = threading.Condition(threading.Lock())
        self._executor = ThreadPoolExecutor(_MAX_DISPATCHERS, "treadle")
        # What follows is guarded by `_changed`.
        self._queue: list[_Request] = []  # a heap
        self._running = 0
        self._granted = 0  # of those that came through the queue
        self._is_closed = False
        self._is_watched = False
        self._outcomes = {"completed": 0, "failed": 0, "cancelled": 0}
        self._queue_times: deque[float] = deque(maxlen=_RECENT)
        self._run_times: deque[float] = deque(maxlen=_RECENT)

    def __call__(
        self,
        *args: Any,
        timeout: float | None = None,
        priority: int = 0,
        threads: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the model on `args` in this thread, when its turn comes.

        Args:
            *args: as the model takes them.
            timeout: seconds until the request is given up, in the queue or between operators.
            priority: of two waiting requests the higher one goes first.
            threads: at most this many threads work on the request.
            **kwargs: as the model takes them.

        Raises:
            DeadlineExceeded: if the timeout passed first.
            ThreadingError: if the session is closed.
        """
        request = self._request(timeout, priority)
        if self._max_concurrency is not None:
            self._wait_for_turn(request, timeout)
        with self._changed:
            self._refuse_closed()
            self._running += 1
        return self._run(request, args, kwargs, threads)

    def run_async(
        self,
        *args: Any,
        timeout: float | None = None,
        priority: int = 0,
        threads: int | None = None,
        **kwargs: Any,
    ) -> Future[Any]:
        """A future of ``session(*args, ...)``, which a thread of the session runs.

        `Future.cancel` stops the request also when it runs.
        """
        request = self._request(timeout, priority)
        future: StoppableFuture[Any] = StoppableFuture(lambda: self._stop(request))
        context = contextvars.copy_context()

        def run() -> None:
            future.settle(lambda: context.run(self._run, request, args, kwargs, threads))

        def start() -> None:
            self._running += 1
            self._executor.submit(run)

        request.start = start
        request.drop = lambda: future.settle(lambda: _raise_dropped(request.control))
        with self._changed:
            self._refuse_closed()
            self._enqueue(request)
            if timeout is not None and not request.is_granted and not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, name="treadle", daemon=True).start()
            self._changed.notify_all()
        return future

    def statistics(self) -> SessionStatistics:
        """Counts and times so far."""
        with self._changed:
            queue_times = np.array(self._queue_times or [0.0])
            run_times = np.array(self._run_times or [0.0])
            queued = sum(not request.is_dropped for request in self._queue)
            counts = (self._running, queued, *self._outcomes.values())
        times = (*np.percentile(queue_times, (50, 99)), *np.percentile(run_times, (50, 99)))
        return SessionStatistics(*counts, *map(float, times))

    def close(self) -> None:
        """Refuse new requests, cancel those that wait, and return when the others are finished."""
        with self._changed:
            self._is_closed = True
            for request in self._queue:
                request.control.cancel()
            dropped = self._drop_stopped()
            self._changed.notify_all()
        _call_all(dropped)
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0)
        self._executor.shutdown(wait=False)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _request(self, timeout: float | None, priority: int) -> _Request:
        return _Request((-priority, next(self._numbers)), RunControl(timeout, priority))

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise ThreadingError("the session is closed")

    # ---- the queue; under the lock

    def _enqueue(self, request: _Request) -> None:
        heapq.heappush(self._queue, request)
        self._grant()

    def _grant(self) -> None:
        """Start the first requests while there are places."""
        limit = self._max_concurrency or get_budget()
        while self._queue and (self._queue[0].is_dropped or self._granted < limit):
            request = heapq.heappop(self._queue)
            if request.is_dropped:
                continue
            request.is_granted = True
            self._granted += 1
            if request.start is not None:
                request.start()

    def _forget(self, request: _Request) -> None:
        """Take back what `request` has of the session, before it ran."""
        if request.is_granted:
            self._granted -= 1
            self._grant()
        elif not request.is_dropped:
            request.is_dropped = True
            self._outcomes["cancelled"] += 1

    def _drop_stopped(self) -> list[Callable[[], object]]:
        """Forget requests that are cancelled or too late; returns what to call without the lock."""
        calls = []
        for request in self._queue:
            if not request.is_dropped and request.control.reason:
                request.is_dropped = True
                self._outcomes["cancelled"] += 1
                if request.drop is not None:
                    calls.append(request.drop)
        self._queue = [r for r in self._queue if not r.is_dropped]
        heapq.heapify(self._queue)
        return calls

    # ---- a request's way

    def _wait_for_turn(self, request: _Request, timeout: float | None) -> None:
        turn = Turn()
        request.start = request.drop = turn.grant
        with self._changed:
            self._refuse_closed()
            self._enqueue(request)
        try:
            turn.wait(timeout)
        except BaseException:  # Ctrl-C: its place is for others
            with self._changed:
                self._forget(request)
            raise
        with self._changed:
            if request.is_granted:
                return
            self._forget(request)
            dropped = self._drop_stopped()
        _call_all(dropped)
        _raise_dropped(request.control)

    def _stop(self, request: _Request) -> None:
        request.control.cancel()
        with self._changed:
            self._drop_stopped()  # its own future is cancelled by who asked for this

    def _watch(self) -> None:
        """Ends requests that wait for their turn in no thread when their time is over."""
        while True:
            with self._changed:
                dropped = self._drop_stopped()
                ends = [r.control.deadline for r in self._queue if r.drop is not None]
                known = [end for end in ends if end is not None]
                if not known and not dropped:
                    self._is_watched = False
                    return
                if not dropped:
                    self._changed.wait(max(0.0, min(known) - time.monotonic()) + 0.001)
            _call_all(dropped)

    def _run(
        self,
        request: _Request,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        threads: int | None,
    ) -> Any:
        outcome = "failed"
        request.started = time.monotonic()
        try:
            result = run_controlled(self._model, args, kwargs, threads, request.control)
            outcome = "completed"
            return result
        except (Cancelled, DeadlineExceeded):
            if request.control.reason:
                outcome = "cancelled"
            raise
        finally:
            total = time.monotonic() - request.made
            waited = request.started - request.made + request.control.queued_seconds
            with self._changed:
                self._running -= 1
                self._outcomes[outcome] += 1
                self._queue_times.append(waited)
                self._run_times.append(max(0.0, total - waited))
                if request.is_granted:
                    self._granted -= 1
                    self._grant()
                if self._is_closed:
                    self._changed.notify_all()


def _call_all(calls: list[Callable[[], object]]) -> None:
    for call in calls:
        call()


def _raise_dropped(control: RunControl) -> None:
    if control.reason == "cancelled":
        raise Cancelled("the session was closed before the request began")
    raise DeadlineExceeded("the request's timeout passed before its turn")


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def _start_again_in_child() -> None:
    """The requests that were under way, and their threads, stayed in the parent."""
    for session in _sessions:
        session._start()


os.register_at_fork(after_in_child=_start_again_in_child)
