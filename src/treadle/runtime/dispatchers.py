"""Threads that run what nobody waits for in a thread of his own."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

_Calls: TypeAlias = "SimpleQueue[Callable[[], object] | None]"


class Dispatchers:
    """Runs calls in threads, which are made when none is free and kept for later calls.

    Thread-safe. The threads are daemons: a process ends though they have work, where it would wait
    for the threads of an executor. They end when this object is closed, or goes.
    """

    def __init__(self, most: int, name: str) -> None:
        """At most so many threads, called `name`."""
        self._most, self._name = most, name
        self._calls: _Calls = SimpleQueue()
        self._free = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._end = weakref.finalize(self, _end, self._calls, self._threads)
        self._end.atexit = False

    def submit(self, call: Callable[[], object]) -> None:
        """Run `call`, which raises nothing, soon."""
        self._calls.put(call)
        if self._free.acquire(blocking=False) or len(self._threads) >= self._most:
            return
        work = (self._calls, self._free)
        thread = threading.Thread(target=_work, args=work, name=self._name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self, seconds: float = 0.0) -> None:
        """Let the threads end when they have done what was submitted; wait so long for that."""
        self._end()
        ends = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))


def _work(calls: _Calls, free: threading.Semaphore) -> None:
    while True:
        call = calls.get()
        if call is None:
            return
        call()
        del call  # it holds a request, and this thread may wait for long
        free.release()


def _end(calls: _Calls, threads: list[threading.Thread]) -> None:
    for _ in threads:
        calls.put(None)
