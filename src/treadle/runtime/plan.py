"""What a plan is made of: the instructions and buffer spaces that `Plan` takes."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

from treadle._native import Plan, Program

__all__ = ["ArraySpec", "BufferRef", "Instruction", "Plan", "Program", "Space", "StatusHandler"]


class Space(IntEnum):
    """Where a kernel's buffer lies.

    `ARENA`, `STATUS` and `LOCAL` have no index. `LOCAL` is memory of a forked sequence alone, while
    it runs. `STATUS` is four int32, zero at the start of a run, that a
    kernel writes when it cannot go on: a code that is not zero, then three numbers of detail.
    """

    ARENA = 0
    CONSTANT = 1
    INPUT = 2
    OUTPUT = 3
    STATUS = 4
    LOCAL = 5


ArraySpec: TypeAlias = tuple[str, tuple[int, ...]]
"""Dtype name and shape."""

BufferRef: TypeAlias = tuple[int, int, int]
"""Space, index in the space, byte offset."""

Instruction: TypeAlias = (
    tuple[str, str, int, tuple[BufferRef, ...], tuple[int, ...], int, int]
    | tuple[str, int, int]
    | tuple[str, int]
)
"""``("run", name, address, buffers, sizes, num_tasks, grain)`` calls a kernel on ranges of at
least `grain` tasks; ``("fork", sequence, future)`` starts a sequence, ``("join", future)`` waits
for it."""

StatusHandler: TypeAlias = Callable[[int, tuple[int, int, int]], object]
"""Called with the code and detail that a kernel left in `Space.STATUS`; raises what they mean."""
