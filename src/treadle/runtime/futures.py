"""Futures: values that will be there."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
from collections.abc import Callable, Generator
from numbers import Real
from typing import Any, TypeVar

from treadle import _native
from treadle.errors import Cancelled, InputError, ThreadingError
from treadle.runtime.tracebacks import written

S = TypeVar("S")
T = TypeVar("T")

_log = logging.getLogger("treadle")

# The states of concurrent.futures, whose `wait` and `as_completed` compare them.
_PENDING, _RUNNING, _FINISHED = "PENDING", "RUNNING", "FINISHED"
_CANCELLED, _CANCELLED_AND_NOTIFIED = "CANCELLED", "CANCELLED_AND_NOTIFIED"
_DONE = frozenset((_FINISHED, _CANCELLED, _CANCELLED_AND_NOTIFIED))


class Future(concurrent.futures.Future[T]):
    """A value that will be there: of a forked call, or set by `set_result`.

    Thread-safe, and a `concurrent.futures.Future`: executors' `wait` and `as_completed` take it,
    and ``await`` works in asyncio. Who waits runs other work meanwhile. Callbacks run in the order
    of registration in the thread that completes the future, or at once if it is complete. A failure
    that nobody asked for is logged when the future goes.
    """

    def __init__(self) -> None:
        # Made at once: while somebody may yet have to set a result, waiting threads are careful
        # about what they run meanwhile.
        self._prepare(_native.Task())

    def _prepare(self, task: _native.Task | None) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Any], object]] = []
        self._result: T | None = None
        self._error: BaseException | None = None
        self._state = _PENDING  # written under the lock, after the result
        self._is_forked = False
        self._is_seen = False  # somebody asked for the result
        self._task = task

    # What `concurrent.futures` reaches into, made when it does.
    def __getattr__(self, name: str) -> Any:
        if name == "_condition":
            self._condition = threading.Condition(self._lock)
            return self._condition
        if name == "_waiters":
            self._waiters: list[Any] = []
            return self._waiters
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<treadle.Future {self._state.lower()}>"

    def __del__(self) -> None:
        # Not complete at all if `__init__` failed.
        error = self.__dict__.get("_error")
        if error is not None and not self._is_seen and not isinstance(error, Cancelled):
            _log.error("a future failed, and nobody asked for its result\n%s", written(error))

    def done(self) -> bool:
        """Whether there is a result or an error, or the future is cancelled."""
        return self._state in _DONE

    def running(self) -> bool:
        """Whether the call has begun and not ended."""
        return self._state == _RUNNING

    def cancelled(self) -> bool:
        """Whether the future was cancelled."""
        return self._state in (_CANCELLED, _CANCELLED_AND_NOTIFIED)

    def cancel(self) -> bool:
        """Give the call up if it has not begun; whether the future is cancelled then."""
        with self._lock:
            if self._state != _PENDING:
                return self.cancelled()
            if self._is_forked and not (self._task is not None and self._task.cancel()):
                return False  # about to begin
            self._error = Cancelled("the future was cancelled")
            callbacks = self._settle(_CANCELLED_AND_NOTIFIED, "add_cancelled")
        self._run(callbacks)
        return True

    def set_running_or_notify_cancel(self) -> bool:
        """Say that the call begins; False if the future was cancelled."""
        with self._lock:
            if self._state == _PENDING:
                self._state = _RUNNING
                return True
            if self.cancelled():
                return False
        raise ThreadingError(f"a {self._state.lower()} future can't begin to run")

    def wait(self, timeout: float | None = None) -> T:
        """The result, once it is there; runs other work meanwhile.

        Raises:
            TimeoutError: if there is none after `timeout` seconds.
            InputError: if `timeout` is no number.
            Cancelled: if the future was cancelled.
            BaseException: what the forked call raised.
        """
        self._await(timeout)
        return self.value()

    def result(self, timeout: float | None = None) -> T:
        """`wait` by its name in `concurrent.futures`."""
        return self.wait(timeout)

    def value(self) -> T:
        """The result of a complete future.

        Raises:
            ThreadingError: if the future is not complete.
            BaseException: as `wait` does.
        """
        if self._state not in _DONE:
            raise ThreadingError("the future is not complete")
        self._is_seen = True
        if self._error is not None:
            try:
                raise self._error
            finally:
                self = None  # type: ignore[assignment]  # else the traceback keeps the future
        return self._result  # type: ignore[return-value]

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the forked call raised, or None, once it is there."""
        self._await(timeout)
        self._is_seen = True
        if self.cancelled():
            raise Cancelled("the future was cancelled")
        return self._error

    def set_result(self, result: T) -> None:
        """Complete the future; a second time raises and leaves the first value."""
        self._refuse_forked()
        self._complete(result, None)

    def set_exception(self, exception: BaseException | None) -> None:
        """Complete the future with an error, which `wait` raises."""
        self._refuse_forked()
        self._complete(None, exception)

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Call `fn(self)` when the future is complete."""
        with self._lock:
            if self._state not in _DONE:
                self._callbacks.append(fn)
                return
        self._run([fn])

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """A future of `callback(self)`, called when this one is complete."""
        following: Future[S] = pending()
        self.add_done_callback(lambda source: following._complete_with(lambda: callback(source)))
        return following

    def __await__(self) -> Generator[Any, None, T]:
        """Wait in asyncio, without holding its loop up; cancelling the task cancels the future."""
        import asyncio  # who awaits has imported it; for others it would take 40 ms

        return asyncio.wrap_future(self).__await__()

    def _await(self, timeout: float | None) -> None:
        if self._state in _DONE:  # executors' `wait` asks complete ones with their locks taken
            return
        with self._lock:
            if self._state in _DONE:
                return
            if self._task is None:
                self._task = _native.Task()
            task = self._task
        check_timeout(timeout)
        if not task.wait(timeout):
            raise TimeoutError(f"the future has no result after {timeout} seconds")

    def _refuse_forked(self) -> None:
        if self._is_forked:
            raise ThreadingError("the result of a forked call can't be set by hand")

    def _complete(self, result: T | None, error: BaseException | None) -> None:
        with self._lock:
            if self.cancelled() and isinstance(self, StoppableFuture):
                return  # too late: it was stopped meanwhile
            if self._state in _DONE:
                raise ThreadingError("the future is complete already")
            self._result = result
            self._error = error
            callbacks = self._settle(_FINISHED, "add_result" if error is None else "add_exception")
        self._run(callbacks)

    def _settle(self, state: str, notify: str) -> list[Callable[[Any], object]]:
        """Under the lock: make the state final, wake who waits; returns the callbacks to run."""
        self._state = state
        callbacks, self._callbacks = self._callbacks, []
        attributes = self.__dict__
        if "_condition" in attributes:
            attributes["_condition"].notify_all()
        for waiter in attributes.get("_waiters", ()):
            getattr(waiter, notify)(self)
        if self._task is not None and not self._is_forked:
            self._task.complete()
        return callbacks

    def _complete_with(self, function: Callable[[], T]) -> bool:
        """Complete the future with what `function` gives or raises.

        Returns whether it was called, which it is unless the future is cancelled.
        """
        if not self.set_running_or_notify_cancel():
            return False
        try:
            result = function()
        except BaseException as error:
            self._complete(None, error)
            self = None  # type: ignore[assignment]  # else the traceback keeps the future
        else:
            self._complete(result, None)
        return True

    def _run(self, callbacks: list[Callable[[Any], object]]) -> None:
        for callback in callbacks:
            try:
                callback(self)
            except Exception:
                _log.exception("a callback of a future failed")


def check_timeout(timeout: object) -> None:
    """Refuse what is neither None nor a number of seconds.

    Raises:
        InputError: if it is not.
    """
    if timeout is not None and not (isinstance(timeout, Real) and timeout == timeout):
        raise InputError(f"timeout must be a number of seconds, got {timeout!r}")


class StoppableFuture(Future[T]):
    """A future of work that `cancel` can also stop when it has begun."""

    def __init__(self, stop: Callable[[], object]) -> None:
        self._prepare(None)
        self._stop = stop

    def cancel(self) -> bool:
        """Stop the work; whether the future is cancelled, which it is unless it was complete."""
        with self._lock:
            if self._state in _DONE:
                return self.cancelled()
            self._error = Cancelled("the future was cancelled")
            callbacks = self._settle(_CANCELLED_AND_NOTIFIED, "add_cancelled")
        self._stop()
        self._run(callbacks)
        return True

    def settle(self, function: Callable[[], T]) -> bool:
        """Complete the future with what `function` gives or raises.

        Returns whether it was called, which it is unless the future is cancelled.
        """
        return self._complete_with(function)


def pending() -> Future[Any]:
    """A future that no user code completes; its task is made when somebody waits."""
    future: Future[Any] = Future.__new__(Future)
    future._prepare(None)
    return future


def forked(function: Callable[[], T]) -> Future[T]:
    """A future of `function()`, which the pool runs."""
    future: Future[T] = pending()
    future._is_forked = True
    future._task = _native.Task(lambda: future._complete_with(function))
    return future
