"""Futures, and forks of Python callables on the pool that the whole process shares."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

from treadle import _native
from treadle.errors import ThreadingError

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

_log = logging.getLogger("treadle")


class Future(Generic[T]):
    """A value that will be there: of a forked call, or set by `set_result`.

    Thread-safe. Callbacks run in the order of registration in the thread that completes the
    future, or at once if it is complete.
    """

    __slots__ = ("_callbacks", "_error", "_is_forked", "_is_set", "_lock", "_result", "_task")

    def __init__(self) -> None:
        # Made at once: while somebody may yet have to set a result, waiting threads are careful
        # about what they run meanwhile.
        self._prepare(_native.Task())

    def _prepare(self, task: _native.Task | None) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Future[T]], object]] = []
        self._result: T | None = None
        self._error: BaseException | None = None
        self._is_set = False  # written under the lock, after the result
        self._is_forked = False
        self._task = task

    def done(self) -> bool:
        """Whether there is a result or an error."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> T:
        """The result, once it is there; runs other work meanwhile.

        Raises:
            TimeoutError: if there is none after `timeout` seconds.
            BaseException: what the forked call raised.
        """
        self._await(timeout)
        return self.value()

    result = wait

    def value(self) -> T:
        """The result of a complete future.

        Raises:
            ThreadingError: if the future is not complete.
            BaseException: what the forked call raised.
        """
        if not self._is_set:
            raise ThreadingError("the future is not complete")
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the forked call raised, or None, once it is there."""
        self._await(timeout)
        return self._error

    def set_result(self, result: T) -> None:
        """Complete the future; a second time raises and leaves the first value."""
        self._refuse_forked()
        self._complete(result, None)

    def set_exception(self, error: BaseException) -> None:
        """Complete the future with an error, which `wait` raises."""
        self._refuse_forked()
        self._complete(None, error)

    def add_done_callback(self, callback: Callable[[Future[T]], object]) -> None:
        """Call `callback(self)` when the future is complete."""
        with self._lock:
            if not self._is_set:
                self._callbacks.append(callback)
                return
        self._call_back(callback)

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """A future of `callback(self)`, called when this one is complete."""
        following: Future[S] = _completed_by_us()
        self.add_done_callback(lambda source: following._complete_with(lambda: callback(source)))
        return following

    def _await(self, timeout: float | None) -> None:
        with self._lock:
            if self._is_set:
                return
            if self._task is None:
                self._task = _native.Task()
            task = self._task
        if not task.wait(timeout):
            raise TimeoutError(f"the future has no result after {timeout} seconds")

    def _refuse_forked(self) -> None:
        if self._is_forked:
            raise ThreadingError("the result of a forked call can't be set by hand")

    def _complete(self, result: T | None, error: BaseException | None) -> None:
        with self._lock:
            if self._is_set:
                raise ThreadingError("the future is complete already")
            self._result = result
            self._error = error
            self._is_set = True
            callbacks, self._callbacks = self._callbacks, []
            if self._task is not None and not self._is_forked:
                self._task.complete()
        for callback in callbacks:
            self._call_back(callback)

    def _complete_with(self, function: Callable[[], T]) -> None:
        try:
            result = function()
        except BaseException as error:
            self._complete(None, error)
        else:
            self._complete(result, None)

    def _call_back(self, callback: Callable[[Future[T]], object]) -> None:
        try:
            callback(self)
        except Exception:
            _log.exception("a callback of a future failed")


def _completed_by_us() -> Future[Any]:
    """A future that no user code completes; its task is made when somebody waits."""
    future: Future[Any] = Future.__new__(Future)
    future._prepare(None)
    return future


def fork(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Start `function(*args, **kwargs)` on the pool, in a copy of this context.

    The call runs on a worker, or in the thread that waits for it. What it raises, `wait` raises.
    """
    future: Future[T] = _completed_by_us()
    context = contextvars.copy_context()
    future._is_forked = True
    future._task = _native.Task(
        lambda: future._complete_with(lambda: context.run(function, *args, **kwargs))
    )
    return future


def wait(future: Future[T]) -> T:
    """The result of `future`, once it is there: the function form of `Future.wait`."""
    return future.wait()


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of the list itself, complete when all of `futures` are."""
    collected: Future[list[Future[Any]]] = _completed_by_us()
    remaining = len(futures)
    lock = threading.Lock()

    def count_down(_: Future[Any]) -> None:
        nonlocal remaining
        with lock:
            remaining -= 1
            is_last = remaining == 0
        if is_last:
            collected.set_result(futures)

    if not futures:
        collected.set_result(futures)
    for future in futures:
        future.add_done_callback(count_down)
    return collected


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """The results of all futures, once they are there; raises the first error in list order."""
    return [future.wait() for future in futures]
