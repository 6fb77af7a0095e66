"""Choices: what changes the speed of a plan, and neither its results nor their bits.

Tiles, blocks and grains are estimates. A plan that is to serve many sizes (`treadle.template`) is
made with those of the sizes it was made for; making it once more with the same choices is how it
is verified.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from treadle.ir.symbols import typical

P = ParamSpec("P")
R = TypeVar("R")


class Choices:
    """The choices of one binding, in order; made by the first, repeated by the next."""

    def __init__(self) -> None:
        self._made: list[Any] = []
        self._position = 0

    def take(self, make: Callable[[], R]) -> R:
        """The next choice: the one made before, else what `make` gives."""
        if self._position == len(self._made):
            self._made.append(make())
        self._position += 1
        choice: R = self._made[self._position - 1]
        return choice

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Take the choices of this context from the first one on."""
        self._position = 0
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


_current: ContextVar[Choices | None] = ContextVar("choices", default=None)


def choice(function: Callable[P, R]) -> Callable[P, R]:
    """Declare that the result of `function` is a choice; it is called with typical numbers."""

    @functools.wraps(function)
    def chosen(*args: P.args, **kwargs: P.kwargs) -> R:
        current = _current.get()
        if current is None:
            return function(*args, **kwargs)
        numbers: Any = [typical(a) for a in args]
        named: Any = {name: typical(a) for name, a in kwargs.items()}
        return current.take(lambda: function(*numbers, **named))

    return chosen
