"""The functions by name, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle import locks


class FunctionTable(dict[str, Callable[..., Any]]):
    """Functions by torch's name; `make` supplies those that are not there yet.

    `eager.functions` sets `make`. Importing it costs more than all else that ``import treadle``
    does, since it fills the table of operators; so tensors know this table only.
    """

    make: Callable[[str], Callable[..., Any]]
    make_plain: Callable[[str], Callable[..., Any]]

    def __init__(self) -> None:
        super().__init__()
        self._plain: dict[str, Callable[..., Any]] = {}

    def plain(self, name: str) -> Callable[..., Any]:
        """The function of the operators of that name, without an adapter."""
        found = self._plain.get(name)
        if found is None:
            found = self._plain[name] = self.make_plain(name)
        return found

    def __missing__(self, name: str) -> Callable[..., Any]:
        function = self.make(name)
        self[name] = function
        return function


def _make(name: str) -> Callable[..., Any]:
    """Fill in the real `make` and use it."""
    with locks.imports:  # measured: 0.25 s that a user of `load` need not wait for
        from treadle.eager import functions

    FUNCTIONS.make, FUNCTIONS.make_plain = functions.make_function, functions.make_plain
    return functions.make_function(name)


def function_names() -> list[str]:
    """Every name that `FUNCTIONS` has or can make."""
    with locks.imports:
        from treadle.eager import functions

    return functions.function_names()


def method_names() -> list[str]:
    """Every name of a function that is a method of tensors."""
    with locks.imports:
        from treadle.eager import functions

    return functions.method_names()


FUNCTIONS = FunctionTable()
FUNCTIONS.make = _make
