"""The requests of a session: which may run, who goes next, who waits."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from treadle._native import RunControl, Turn
from treadle.errors import Cancelled, DeadlineExceeded, InputError
from treadle.runtime.futures import check_timeout
from treadle.runtime.threads import get_budget

_RECENT = 1024
_MAX_PRIORITY = 1_000_000
TURN_SECONDS = 0.0005
AWAY_SECONDS = 0.0001
"""A client that was away for less comes back at once the next time too."""


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


def _is_int(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


class Request:
    """A call of the model. Fields that change are guarded by the session's lock."""

    def __init__(self, order: tuple[int, int], control: RunControl, turn: Turn | None) -> None:
        """`order`: the least goes first; `turn`: of the thread that waits, if one does."""
        self.order = order
        self.control = control
        self.turn = turn
        self.made = time.monotonic()
        self.started = self.made
        self.is_granted = False
        wake = None if turn is None else turn.grant
        self.start: Callable[[], object] | None = wake  # called, under the lock, when granted
        self.drop: Callable[[], object] | None = wake  # called when it is dropped by others

    def __lt__(self, other: Request) -> bool:
        return self.order < other.order

    def is_below(self, other: Request) -> bool:
        """Whether it has a lower priority."""
        return self.order[0] > other.order[0]


def new_request(
    number: int, timeout: float | None, priority: int, turn: Turn | None = None
) -> Request:
    """The request of this number; `turn` is of the thread that waits for it, if one does.

    Raises:
        InputError: if `timeout` is no number of seconds, or `priority` no int.
    """
    check_timeout(timeout)
    if not _is_int(priority):
        raise InputError(f"priority must be an int, got {priority!r}")
    priority = max(-_MAX_PRIORITY, min(int(priority), _MAX_PRIORITY))
    return Request((-priority, number), RunControl(timeout, priority), turn)


class Outcomes:
    """What became of requests, and how long the last of them took. Not thread-safe."""

    def __init__(self) -> None:
        self.completed = self.failed = self.cancelled = 0
        self._queue_times: deque[float] = deque(maxlen=_RECENT)
        self._run_times: deque[float] = deque(maxlen=_RECENT)

    def note(self, request: Request, error: BaseException | None) -> None:
        """`request`, which ran, ended now, with `error` if it failed."""
        if error is None:
            self.completed += 1
        elif isinstance(error, Cancelled | DeadlineExceeded) and request.control.reason:
            self.cancelled += 1
        else:
            self.failed += 1
        total = time.monotonic() - request.made
        waited = request.started - request.made + request.control.queued_seconds
        self._queue_times.append(waited)
        self._run_times.append(max(0.0, total - waited))

    def statistics(self, running: int, queued: int) -> SessionStatistics:
        """The numbers so far, with those of requests that are not at their end."""
        queue_times = np.percentile(self._queue_times or [0.0], (50, 99))
        run_times = np.percentile(self._run_times or [0.0], (50, 99))
        counts = running, queued, self.completed, self.failed, self.cancelled
        return SessionStatistics(*counts, *map(float, (*queue_times, *run_times)))


class _Client(threading.local):
    """What a queue knows of the calling thread."""

    turn_ends = 0.0
    left = 0.0  # when it was last done with a request
    comes_back = True  # soon after that
    kept = -1  # the number of the period in which a place is kept for it


class RequestQueue:
    """Requests by priority and arrival, of which as many are granted as there are places.

    Not thread-safe: a session's lock guards it. To wake another thread costs as much as a small
    request. So, as in the runtime's own admission, a client that waited has a turn of half a
    millisecond: when it is done with a request its place is kept, for the next one, as long as it
    comes back at once each time. Should it stay away after all, the watcher, the thread that came
    last of those who wait, gives its place to others.
    """

    def __init__(
        self, places: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """With so many places; None: as many as the budget.

        Raises:
            InputError: if it is no positive int.
        """
        if places is not None and (not _is_int(places) or places < 1):
            raise InputError(f"max_concurrency must be a positive int, got {places!r}")
        self.waiting: list[Request] = []  # a heap
        self.num_granted = 0
        self._places, self._clock = places, clock
        self._client = _Client()
        self._watcher: Request | None = None  # None: no place is kept
        self._num_kept = 0
        self._kept_since = 0.0
        self._period = 0  # ends when places are no longer kept

    def enter(self, request: Request) -> None:
        """Grant `request`, of the calling thread, if it may go on at once; else let it wait."""
        client = self._client
        client.comes_back = self._clock() - client.left < AWAY_SECONDS
        is_expected = client.kept == self._period
        client.kept = -1
        if is_expected:
            self._num_kept -= 1
        if self._has_place() and (
            not self.waiting or (is_expected and not request.is_below(self.waiting[0]))
        ):
            request.is_granted = True
            self.num_granted += 1
            return
        self.add(request)
        if not request.is_granted:
            self._watcher = request

    def add(self, request: Request) -> None:
        """Let `request` wait, and grant what can be."""
        heapq.heappush(self.waiting, request)
        self._grant()

    def begin_turn(self) -> None:
        """The calling thread has waited for its turn, which begins."""
        self._client.turn_ends = self._clock() + TURN_SECONDS

    def leave(self, request: Request) -> None:
        """The calling thread is done with `request`."""
        self.num_granted -= 1
        client, now = self._client, self._clock()
        client.left = now
        in_turn = client.comes_back and now < client.turn_ends and self._watcher is not None
        if in_turn and not request.is_below(self.waiting[0]):
            self._kept_since = self._kept_since if self._num_kept else now
            self._num_kept += 1
            client.kept = self._period
        self._grant()

    def watches(self, request: Request) -> bool:
        """Whether the thread of `request` is to look again in `TURN_SECONDS`.

        Places that were kept in vain it gives to those who wait.
        """
        if request is self._watcher and self._clock() - self._kept_since >= AWAY_SECONDS:
            self._keep_none()
            self._grant()
        return request is self._watcher

    def drop(self, request: Request) -> bool:
        """Take back what `request` has here before it ran; whether it was waiting."""
        was_waiting = request in self.waiting
        if was_waiting:
            self.waiting.remove(request)
            heapq.heapify(self.waiting)
            self._forget(request)
        elif request.is_granted:
            self.num_granted -= 1
        self._grant()
        return was_waiting

    def _has_place(self) -> bool:
        return self.num_granted + self._num_kept < (self._places or get_budget())

    def _grant(self) -> None:
        """Start the first requests while there are places."""
        while self.waiting and self._has_place():
            request = heapq.heappop(self.waiting)
            self._forget(request)
            request.is_granted = True
            self.num_granted += 1
            if request.start is not None:
                request.start()

    def _forget(self, request: Request) -> None:
        """`request` does not wait any more: nobody watches, if it was the watcher."""
        if request is self._watcher:
            self._watcher = None
            self._keep_none()

    def _keep_none(self) -> None:
        self._num_kept = 0
        self._period += 1
