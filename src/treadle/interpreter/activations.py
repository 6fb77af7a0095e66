"""How to run, and what runs: the calls and blocks on the machine's stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from treadle.interpreter import tasks
from treadle.interpreter.steps import Environment
from treadle.ir.graph import Block, Node
from treadle.runtime import RunControl, fork

MAX_CALL_DEPTH = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run.

    Attributes:
        deadline: time of `time.monotonic` at which the run is stopped.
        max_depth: calls within calls, those of forked tasks counted with their forkers'.
        fork: starts a task.
        compile_after: trips of a loop after which it is compiled to a Python function.
        control: what may stop the plans of regions.
    """

    deadline: float | None = None
    max_depth: int = MAX_CALL_DEPTH
    fork: Callable[[Callable[[], Any]], tasks.Task] = fork
    compile_after: int = 4
    control: RunControl | None = None


@dataclass(slots=True)
class Frame:
    """A call of a function: its name and the values of its graph."""

    name: str
    values: Environment


@dataclass(slots=True)
class Activation:
    """A block that is being run.

    `owner` is the node that gets the block's results: the call, `if` or `loop`; None for the
    outermost. `trip` and `trips` are those of a loop; `failed` is the node at which its compiled
    form failed.
    """

    frame: Frame
    block: Block
    next: Node
    owner: Node | None
    is_call: bool
    trip: int = 0
    trips: int = 0
    failed: Node | None = None
