"""Serving one model to many clients: a limit of requests at a time, deadlines, priorities."""

from __future__ import annotations

import atexit
import contextvars
import itertools
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from treadle.errors import Cancelled, DeadlineExceeded, InputError, ThreadingError
from treadle.method import Method
from treadle.model import Module, run_controlled
from treadle.runtime import RunControl, Turn
from treadle.runtime.dispatchers import Dispatchers
from treadle.runtime.futures import Future, StoppableFuture
from treadle.runtime.requests import (
    TURN_SECONDS,
    Outcomes,
    Request,
    RequestQueue,
    SessionStatistics,
    new_request,
)

_MAX_DISPATCHERS = 256
_PATIENCE_SECONDS, _STOP_SECONDS = 5.0, 1.0


class Session:
    """A model for many clients. Thread-safe.

    Requests are admitted in the order of their arrival, those of higher priority first. With one
    in flight it uses all threads; as more come each gets fewer, down to one, and whoever would be
    one too many waits.
    """

    def __init__(self, model: Module | Method, max_concurrency: int | None = None) -> None:
        """Serve `model`, with at most `max_concurrency` requests in flight (None: any number).

        Raises:
            InputError: if `model` is none, or `max_concurrency` is no positive int.
        """
        if not isinstance(model, Module | Method):
            raise InputError(f"a session serves a Module or a Method, got {type(model).__name__}")
        self._model, self._max_concurrency = model, max_concurrency
        self._numbers = itertools.count()
        self._start()
        _sessions.add(self)

    def _start(self) -> None:
        """Everything that must begin anew in a forked child."""
        # Entered itself: Ctrl-C in a condition's `__enter__`, which is Python, leaves it taken.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._dispatchers = Dispatchers(_MAX_DISPATCHERS, "treadle")
        # What follows is guarded by `_lock`.
        self._requests = RequestQueue(self._max_concurrency)
        self._under_way: set[Request] = set()
        self._is_closed = self._is_watched = False
        self._outcomes = Outcomes()

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
            InputError: if `timeout` is no number of seconds, or `priority` no int.
            ThreadingError: if the session is closed.
        """
        turn = None if self._max_concurrency is None else Turn()
        request = new_request(next(self._numbers), timeout, priority, turn)
        if turn is not None:
            self._wait_for_turn(request, turn, timeout)
        with self._lock:
            self._refuse_closed()
            self._under_way.add(request)
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
        request = new_request(next(self._numbers), timeout, priority)
        future: StoppableFuture[Any] = StoppableFuture(lambda: self._stop(request))
        context = contextvars.copy_context()

        def run() -> None:
            if not future.settle(lambda: context.run(self._run, request, args, kwargs, threads)):
                with self._lock:  # cancelled after it was granted and before it began
                    self._outcomes.cancelled += 1
                    self._leave(request)

        def start() -> None:
            self._under_way.add(request)
            self._dispatchers.submit(run)

        request.start = start
        request.drop = lambda: future.settle(lambda: _raise_dropped(request.control))
        with self._lock:
            self._refuse_closed()
            self._requests.add(request)
            if timeout is not None and not request.is_granted and not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, name="treadle", daemon=True).start()
            self._changed.notify_all()
        return future

    def statistics(self) -> SessionStatistics:
        """Counts and times so far."""
        with self._lock:
            return self._outcomes.statistics(len(self._under_way), len(self._requests.waiting))

    def close(self) -> None:
        """Refuse new requests, cancel those that wait, and return when the others are finished."""
        self._refuse_more()
        self._wait_for_end(None)
        self._dispatchers.close()

    def _refuse_more(self) -> None:
        with self._lock:
            self._is_closed = True
            for request in self._requests.waiting:
                request.control.cancel()
            dropped = self._drop_stopped()
            self._changed.notify_all()
        for drop in dropped:
            drop()

    def _wait_for_end(self, seconds: float | None) -> None:
        """Return when nothing is under way any more, after `seconds` by stopping it."""
        with self._lock:
            if self._changed.wait_for(lambda: not self._under_way, seconds):
                return
            for request in self._under_way:
                request.control.cancel()
            self._changed.wait_for(lambda: not self._under_way, _STOP_SECONDS)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise ThreadingError("the session is closed")

    # ---- a request's way

    def _wait_for_turn(self, request: Request, turn: Turn, timeout: float | None) -> None:
        with self._lock:
            self._refuse_closed()
            self._requests.enter(request)
            if request.is_granted:
                return
        try:
            self._wait(request, turn, timeout)
        except BaseException:  # Ctrl-C: its place is for others
            with self._lock:
                self._drop(request)
            raise
        with self._lock:
            if request.is_granted:
                self._requests.begin_turn()
                return
            self._drop(request)
        _raise_dropped(request.control)

    def _wait(self, request: Request, turn: Turn, timeout: float | None) -> None:
        """Return when `request` is granted or dropped, or after `timeout` seconds."""
        end = None if timeout is None else request.made + timeout
        watches = True
        while end is None or time.monotonic() < end:
            seconds = None if end is None else end - time.monotonic()
            if watches:
                seconds = TURN_SECONDS if seconds is None else min(seconds, TURN_SECONDS)
            if turn.wait(seconds):
                return
            with self._lock:
                watches = self._requests.watches(request)

    def _drop(self, request: Request) -> None:
        """Forget a request that will not run; under the lock."""
        if self._requests.drop(request):
            self._outcomes.cancelled += 1

    def _drop_stopped(self) -> list[Callable[[], object]]:
        """Forget requests that are cancelled or too late; returns what to call without the lock."""
        stopped = [r for r in self._requests.waiting if r.control.reason]
        for request in stopped:
            self._drop(request)
        return [request.drop for request in stopped if request.drop is not None]

    def _stop(self, request: Request) -> None:
        request.control.cancel()
        with self._lock:
            self._drop_stopped()  # its own future is cancelled by who asked for this

    def _watch(self) -> None:
        """Ends requests that wait for their turn in no thread when their time is over."""
        while True:
            with self._lock:
                dropped = self._drop_stopped()
                waiting = self._requests.waiting
                ends = [r.control.deadline for r in waiting if r.drop is not None]
                known = [end for end in ends if end is not None]
                if not known and not dropped:
                    self._is_watched = False
                    return
                if not dropped:
                    self._changed.wait(max(0.0, min(known) - time.monotonic()) + 0.001)
            for drop in dropped:
                drop()

    def _run(
        self,
        request: Request,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        threads: int | None,
    ) -> Any:
        request.started = time.monotonic()
        error: BaseException | None = None
        try:
            return run_controlled(self._model, args, kwargs, threads, request.control)
        except BaseException as raised:
            error = raised
            raise
        finally:
            with self._lock:
                self._outcomes.note(request, error)
                self._leave(request)
            del error  # its traceback holds this frame

    def _leave(self, request: Request) -> None:
        """Make room for others; under the lock."""
        self._under_way.discard(request)
        if request.is_granted:
            self._requests.leave(request)
        if self._is_closed:
            self._changed.notify_all()


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


def _end_all() -> None:
    """At exit what waits is dropped; what runs has a while to end, and is stopped then."""
    sessions = list(_sessions)
    for session in sessions:
        session._refuse_more()
    end = time.monotonic() + _PATIENCE_SECONDS
    for session in sessions:
        session._wait_for_end(max(0.0, end - time.monotonic()))
        session._dispatchers.close(_STOP_SECONDS)  # callbacks of futures, too


atexit.register(_end_all)
