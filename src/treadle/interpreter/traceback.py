"""Errors of a running script: its own traceback, and the class that it named."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.errors import DeadlineExceeded, ScriptError
from treadle.ir.graph import Loc


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the traceback: where a function stood."""

    function: str
    loc: Loc | None

    def __str__(self) -> str:
        name = self.function.rpartition(".")[2]
        if self.loc is None:
            return f"  File <unknown>, in {name}"
        text = f"\n    {self.loc.text}" if self.loc.text else ""
        return f'  File "{self.loc.file}", line {self.loc.line}, in {name}{text}'


def places_of(function: str, loc: Loc | None) -> list[Place]:
    """Where `function` and those that were inlined into it stand, when a node at `loc` runs."""
    if loc is None:
        return [Place(function, None)]
    places: list[Place] = []
    while loc is not None:
        places.append(Place(loc.function or function, loc))
        loc = loc.caller
    return places[::-1]


class TracedError(ScriptError):
    """A script's error with its traceback, to which the callers of a forked task add theirs."""

    def __init__(self, reason: str, script_class: str, places: tuple[Place, ...]) -> None:
        self.reason = reason
        self.places = places
        super().__init__(render(reason, script_class, places), script_class)


class TracedDeadlineError(TracedError, DeadlineExceeded):
    """The run took longer than it was allowed to."""


def render(reason: str, script_class: str, places: tuple[Place, ...]) -> str:
    """The message, then the traceback as Python prints one."""
    if not places:
        return reason
    lines = "\n".join(map(str, places))
    return (
        f"{reason}\n\nTraceback of TorchScript (most recent call last):\n{lines}\n"
        f"{script_class}: {reason}"
    )


def traced(error: BaseException, places: tuple[Place, ...]) -> TracedError:
    """`error`, raised where `places` end, as a script's error."""
    if isinstance(error, TracedError):
        return type(error)(error.reason, error.script_class, (*places, *error.places))
    if isinstance(error, DeadlineExceeded):
        return TracedDeadlineError(str(error), "TimeoutError", places)
    if isinstance(error, ScriptError):
        return TracedError(str(error), error.script_class, places)
    if isinstance(error, KeyError) and error.args:
        return TracedError(str(error.args[0]), "KeyError", places)
    return TracedError(str(error) or type(error).__name__, _class_name(error), places)


def _class_name(error: BaseException) -> str:
    """The name of a Python exception; Treadle's own count as RuntimeError, as in PyTorch."""
    is_own = type(error).__module__.startswith("treadle.")
    return "RuntimeError" if is_own else type(error).__name__
