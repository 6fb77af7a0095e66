"""Filters of `winograd` convolutions at the sixteen points, packed: ahead or with each run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from treadle.ir.dtypes import f32, f64, i64
from treadle.ir.loops import (
    Access,
    Call,
    Const,
    Expr,
    Extent,
    Index,
    Load,
    LoopNest,
    Range,
    Stage,
    Store,
)
from treadle.ir.symbols import is_zero
from treadle.ops.expr import add, cast, const, mul, sub
from treadle.schedule.contractions import Operand, packed_weight
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, Storage
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import (
    Packing,
    Step,
    count_tasks,
    grain,
    stream_cost,
    task_axes,
)  # fmt: skip

POINTS = 16
_BLOCK = 1 << 13
"""Filters times channels that are transformed at a time."""
_CHANNELS = 16
"""Channels that a kernel transforms at a time: of each filter, nine cache lines."""
_APART = 32
"""Elements between points: powers of two apart, all would share one set of each cache."""


def known_filters(weight: np.ndarray, panel: int, packings: list[Packing]) -> Operand:
    """The operand of a constant weight [c_out, c_in, 3, 3]."""
    c_out, c_in = weight.shape[:2]

    def packing(storage: Storage) -> Packing:
        return Packing(weight, ("winograd", 2), _filter_points, panel, storage)

    operand, packed = packed_weight(packing, f32, panel, 1, c_in, c_out, POINTS)
    packings.append(packed)
    return operand


def _filter_points(weight: np.ndarray) -> np.ndarray:
    """``G g G^T`` of each filter as [points, 1, c_in, 1, c_out], rounded once."""
    c_out, c_in = weight.shape[:2]
    points = np.empty((POINTS, c_in, c_out), weight.dtype)
    step = max(16, _BLOCK // c_in)  # temporaries that stay in the cache
    for first in range(0, c_out, step):
        block = slice(first, first + step)
        taps = np.ascontiguousarray(weight[block].transpose(2, 3, 1, 0), dtype=np.float64)
        half = [_transform([taps[i, j] for j in range(3)]) for i in range(3)]
        for column in range(4):
            for row, point in enumerate(_transform([line[column] for line in half])):
                points[4 * row + column, :, block] = point
    return points.reshape(POINTS, 1, c_in, 1, c_out)


def _transform(taps: Sequence[np.ndarray]) -> list[np.ndarray]:
    """``G`` applied to three taps."""
    a, b, c = taps
    outer = a + c
    return [a, (outer + b) / 2, (outer - b) / 2, c]


def filters_now(
    weight: Place, panel: int, placement: Placement, machine: Machine
) -> tuple[list[Step], Operand]:
    """The steps that transform a weight [c_out, c_in, 3, 3], with the bits of `known_filters`."""
    c_out, c_in = weight.shape[:2]
    each = -(-c_out // panel) * c_in * panel + _APART
    steps: list[Step] = []
    if weight.strides[1:] != (9, 3, 1):
        dense = placement.scratch(weight, weight.shape)
        steps.append(copy_step("contiguous", weight, dense, machine))
        weight = dense
    target = placement.scratch(weight, (POINTS * each,))
    whole, tail = divmod(c_out, panel)
    for count, first, width in ((whole, 0, panel), (1, whole, tail)):
        if not is_zero(count) and not is_zero(width):
            at = target.view(target.shape, target.strides, first * c_in * panel)
            start = weight.offset + first * panel * weight.strides[0]
            origin = weight.view(weight.shape, weight.strides, start)
            steps.append(_filter_step(origin, at, (count, width), panel, each, machine))
    return steps, Operand(target, c_in * panel, 0, panel, True, (each,))


def _filter_step(
    origin: Place, target: Place, extents: tuple[int, int], panel: int, each: int,
    machine: Machine,
) -> Step:  # fmt: skip
    """Transform panels of filters; lanes run along the columns of a panel.

    The taps of a few channels are turned in registers, and wait in memory of the kernel's own.
    """
    builder, c_in, apart = NestBuilder(), origin.shape[1], origin.strides[0]
    axes = task_axes(
        builder, (extents[0], -(-c_in // _CHANNELS), extents[1]), POINTS * _CHANNELS
    )  # fmt: skip
    read, written = builder.buffer(origin), builder.buffer(target, written=True)
    room, inner = builder.local(f32, 9 * _CHANNELS), len(axes)
    left = sub(Extent(builder.size(c_in)), mul(Index(1), Const(_CHANNELS, i64)))
    count, zero = Call("min", (Const(_CHANNELS, i64), left), i64), Const(0, i64)
    lanes = ((0, builder.dim(panel * apart)), (2, builder.dim(apart)))
    taps = Load(Access(read, (*lanes, (1, builder.dim(9 * _CHANNELS)), (inner, 1))), f32)
    turn = Stage(
        (Range(zero, mul(count, Const(9, i64))),), (), (Store(Access(room, ((inner, 1),)), taps),)
    )
    lines = [
        [cast(Load(Access(room, ((inner, 9),), 3 * i + j), f32), f64) for j in range(3)]
        for i in range(3)
    ]
    half = [_points(line) for line in lines]
    points = [_points([half[i][column] for i in range(3)]) for column in range(4)]
    numbered = (
        (0, builder.dim(c_in * panel)), (1, builder.dim(_CHANNELS * panel)), (2, 1),
        (inner, builder.dim(panel)),
    )  # fmt: skip
    stores = tuple(
        Store(Access(written, numbered, builder.dim(p * each)), cast(points[p % 4][p // 4], f32))
        for p in range(POINTS)
    )
    stages = (turn, Stage((Range(zero, count),), (), stores))
    nest = LoopNest("winograd_filter", tuple(builder.buffers), axes, stages)
    elements = extents[0] * c_in * extents[1]
    cost = stream_cost(machine, elements, 4 * (9 + POINTS) * elements, 4 * POINTS)
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        nest.name, nest, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks), None, cost
    )


def _points(taps: Sequence[Expr]) -> list[Expr]:
    """`_transform` of expressions."""
    a, b, c = taps
    outer, half = add(a, c), const(0.5, f64)
    return [a, mul(add(outer, b), half), mul(sub(outer, b), half), c]
