"""A loop that was compiled to a Python function, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from treadle.interpreter import actions
from treadle.ir.graph import Node, Value
from treadle.ir.program import Program
from treadle.runtime import RunControl


@dataclass(frozen=True, slots=True)
class CompiledLoop:
    """A loop as a Python function.

    `function` takes the first trip, the number of trips, the carried values, those of `free`, and
    last the program, a deadline and a control; the loop's condition must hold. It gives the carried
    values.
    `checked` says of which carried values the function expects that they may be unset.
    """

    function: Callable[..., tuple[Any, ...]]
    free: tuple[Value, ...]
    checked: tuple[bool, ...]
    nodes: tuple[Node, ...]
    file: str

    def takes(self, carried: Sequence[Any], values: dict[Value, Any]) -> bool:
        """Whether every value that may be unset here was expected to be."""
        unset = actions.UNINITIALIZED
        return not any(
            value is unset and not checked
            for value, checked in zip(carried, self.checked, strict=True)
        ) and not any(values[v] is unset for v in self.free)

    def run(
        self,
        trip: int,
        trips: int,
        carried: Sequence[Any],
        values: dict[Value, Any],
        context: tuple[Program, float | None, RunControl | None],
    ) -> tuple[Any, ...]:
        """The carried values after the last trip."""
        free = [values[v] for v in self.free]
        return self.function(trip, trips, *carried, *free, *context)

    def node_of(self, traceback: TracebackType | None) -> Node | None:
        """The node of the loop that raised the error of a traceback, or None."""
        found = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self.file:
                found = self.nodes[traceback.tb_lineno - 1]
            traceback = traceback.tb_next
        return found
