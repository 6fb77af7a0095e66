"""Forks of Python callables on the pool that the whole process shares, and waits for many."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from treadle.runtime.futures import Future, forked, pending

P = ParamSpec("P")
T = TypeVar("T")


def fork(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Start `function(*args, **kwargs)` on the pool, in a copy of this context.

    The call runs on a worker, or in the thread that waits for it. What it raises, `wait` raises.
    """
    context = contextvars.copy_context()
    return forked(lambda: context.run(function, *args, **kwargs))


def wait(future: Future[T]) -> T:
    """The result of `future`, once it is there: the function form of `Future.wait`."""
    return future.wait()


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of the list itself, complete when all of `futures` are."""
    collected: Future[list[Future[Any]]] = pending()
    remaining = len(futures)
    lock = threading.Lock()

    def count_down(_: Future[Any]) -> None:
        nonlocal remaining
        with lock:
            remaining -= 1
            is_last = remaining == 0
        if is_last and collected.set_running_or_notify_cancel():
            collected.set_result(futures)

    if not futures:
        collected.set_result(futures)
    for future in futures:
        future.add_done_callback(count_down)
    return collected


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """The results of all futures, once they are there; raises the first error in list order."""
    return [future.wait() for future in futures]
