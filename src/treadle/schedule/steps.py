"""What a schedule consists of: steps, forks and joins, in sequences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from treadle.ir.graph import Loc
from treadle.ir.loops import Axis, Dim, Kernel
from treadle.ir.symbols import is_zero
from treadle.schedule.choices import choice
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.places import Storage

TASK_WORK = 16384
"""Elements that a task of a memory-bound kernel handles: about 4 us."""
SQUARE = 128
"""Rows and columns of a task that transposes: every cache line is used whole."""
LONG_SQUARE = 512
"""Rows of one whose result goes past the caches: so far it reads from each row."""
MAX_PARTS = 64
"""Rows are cut only if there are fewer than this, into about as many parts together."""
CHUNK_NS = 4000.0
"""A chunk that another thread takes should last this long, several times the hand-off."""


@dataclass(slots=True, eq=False)
class Packing:
    """A weight to be packed once, into `storage`, as panels of columns.

    `arrange` turns `weight` into [batch, taps, k, gates, n]; `panel` counts columns of one gate.
    `layout` names what `arrange` does: equal layouts of one weight give equal bytes.
    """

    weight: np.ndarray
    layout: tuple[object, ...]
    arrange: Callable[[np.ndarray], np.ndarray]
    panel: int
    storage: Storage

    @property
    def key(self) -> tuple[object, ...]:
        """What packings with equal content have in common, while the weight lives."""
        return (id(self.weight), self.panel, *self.layout)

    def packed(self, copy: Callable[[np.ndarray, np.ndarray], None] = np.copyto) -> np.ndarray:
        """The panels, flat: [batch, panel, taps, k, gates, column], zeros past the last column.

        ``copy(target, source)`` copies what fills panels.
        """
        b = self.arrange(self.weight)
        batch, taps, k, gates, n = b.shape
        panels, whole = -(-n // self.panel), n // self.panel
        packed = np.empty((batch, panels, taps, k, gates, self.panel), b.dtype)
        full = b[..., : whole * self.panel].reshape(batch, taps, k, gates, whole, self.panel)
        copy(packed[:, :whole], full.transpose(0, 4, 1, 2, 3, 5))
        if panels > whole:
            packed[:, whole:] = 0
            packed[:, whole, ..., : n % self.panel] = b[..., whole * self.panel :]
        return packed.reshape(-1)


@dataclass(slots=True, eq=False)
class Step:
    """A kernel, the memory of its buffers (`bound`, with byte offsets), its sizes and tasks.

    `strides` are the bytes by which the buffers move with each round of a `Repeat`.
    """

    name: str
    kernel: Kernel
    bound: list[tuple[Storage, int]]
    sizes: tuple[int, ...]
    num_tasks: int
    grain: int
    loc: Loc | None = None
    cost_ns: float = 0.0
    strides: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Repeat:
    """Run the steps of `body` one after the other, `count` times."""

    body: list[Step]
    count: int


@dataclass(slots=True, eq=False)
class Fork:
    """Start sequence number `sequence` as a task."""

    sequence: int
    future: int


@dataclass(slots=True, eq=False)
class Join:
    """Wait for a fork."""

    future: int


Instruction: TypeAlias = Step | Repeat | Fork | Join


@dataclass(slots=True)
class Schedule:
    """Everything about one plan but its machine code.

    `sequences[0]` is the main one. `offsets` gives the byte offset of each storage in the arena, or
    in the local memory of the sequence that alone touches it.
    """

    sequences: list[list[Instruction]]
    inputs: list[Storage]
    outputs: list[Storage]
    packings: list[Packing] = field(default_factory=list)
    offsets: dict[Storage, int] = field(default_factory=dict)
    arena_bytes: int = 0
    local_bytes: list[int] = field(default_factory=list)

    def steps(self) -> list[Step]:
        """The steps of all sequences, those that are repeated once."""
        return [step for s in self.sequences for i in s for step in steps_of(i)]


def moving(first: Step, second: Step) -> Step:
    """`first`, moving to where `second` is, which is the same step a round later."""
    assert [s for s, _ in first.bound] == [s for s, _ in second.bound]
    assert first.sizes == second.sizes
    pairs = zip(first.bound, second.bound, strict=True)
    first.strides = tuple(there - here for (_, here), (_, there) in pairs)
    return first


def steps_of(instruction: Instruction) -> list[Step]:
    """The steps of an instruction."""
    if isinstance(instruction, Repeat):
        return instruction.body
    return [instruction] if isinstance(instruction, Step) else []


def split_count(row: int, rows: int) -> int:
    """Parts of each of `rows` rows of `row` elements such that there are enough tasks."""
    return max(1, min(row // (2 * TASK_WORK), MAX_PARTS // max(rows, 1)))


def task_axes(
    builder: NestBuilder, extents: Sequence[int], work: int = 1, align: int = 64
) -> tuple[Axis, ...]:
    """Outer axes cut into tasks of about `TASK_WORK` elements, each element worth `work`.

    Steps of the last axis are multiples of `align`.
    """
    axes: list[Axis] = []
    inner = max(work, 1)
    for position, extent in reversed(list(enumerate(extents))):
        last = position == len(extents) - 1
        if inner >= TASK_WORK and not last:
            step = 1
        elif inner * extent <= TASK_WORK and position > 0:
            step = 0
        else:
            step = max(1, TASK_WORK // inner)
            step = -(-step // align) * align if last else step
        dim: Dim = step if step in (0, 1) else builder.size(step)
        axes.append(Axis(builder.size(extent), dim))
        inner *= max(extent, 1)
    return tuple(reversed(axes))


def square_axes(
    builder: NestBuilder, extents: Sequence[int], *, streaming: bool
) -> tuple[Axis, ...]:
    """Outer axes cut into tasks of `SQUARE` positions on the last two, one on the others."""
    *others, rows, columns = extents
    single = [Axis(builder.size(extent), 1) for extent in others]
    height = LONG_SQUARE if streaming else SQUARE
    steps = ((rows, height), (columns, SQUARE))
    return (*single, *(Axis(builder.size(extent), builder.size(step)) for extent, step in steps))


def count_tasks(axes: Sequence[Axis], sizes: Sequence[int]) -> int:
    """How many tasks `axes` make."""

    def value(dim: Dim) -> int:
        return dim if isinstance(dim, int) else sizes[dim.index]

    steps = [(value(a.extent), value(a.step)) for a in axes]
    if any(is_zero(extent) for extent, _ in steps):
        return 0
    return math.prod(-(-extent // step) for extent, step in steps if step)


@choice
def grain(cost_ns: float, num_tasks: int) -> int:
    """Tasks that a chunk should have, from the cost of all of them on one thread."""
    return max(1, math.ceil(CHUNK_NS * num_tasks / max(cost_ns, 1.0)))


@choice
def stream_cost(machine: Machine, elements: int, nbytes: int, operators: int) -> float:
    """Nanoseconds of a kernel that touches `nbytes` and computes `operators` per element."""
    return max(nbytes / machine.bytes_per_ns, elements * operators * 2 / machine.flops_per_ns)
