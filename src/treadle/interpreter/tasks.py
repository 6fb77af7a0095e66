"""What a script waits for: tasks on the process's pool, and those that run when awaited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Task(Protocol):
    """What ``wait`` needs of a future."""

    def wait(self, timeout: float | None = None) -> Any:
        """The result; raises what the task raised."""


class Done:
    """A task that ran when it was made; its error, if any, comes out of `wait`."""

    __slots__ = ("_error", "_result")

    def __init__(self, function: Callable[[], Any]) -> None:
        self._result: Any = None
        self._error: Exception | None = None
        try:
            self._result = function()
        except Exception as error:
            self._error = error

    def wait(self, timeout: float | None = None) -> Any:
        """The result."""
        if self._error is not None:
            raise self._error
        return self._result


class Awaitable:
    """A task that runs when somebody first waits for it."""

    __slots__ = ("_done", "_function")

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._done: Done | None = None

    def wait(self, timeout: float | None = None) -> Any:
        """The result."""
        if self._done is None:
            self._done = Done(self._function)
        return self._done.wait()
