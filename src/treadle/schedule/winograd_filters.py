"""Filters of `winograd` convolutions at the sixteen points, packed: ahead or with each run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from treadle.ir.dtypes import f32, f64
from treadle.ir.loops import Access, Expr, Load, LoopNest, Stage, Store
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
    panels = -(-c_out // panel)
    each = panels * c_in * panel
    turned = placement.scratch(weight, (c_in, 3, 3, c_out))
    strides = [weight.strides[d] for d in (1, 2, 3, 0)]
    copy = copy_step(
        "arrange", weight.view(turned.shape, strides, weight.offset), turned, machine
    )  # fmt: skip
    target = placement.scratch(weight, (POINTS * each,))
    steps, (whole, tail) = [copy], divmod(c_out, panel)
    for count, first, width in ((whole, 0, panel), (1, whole, tail)):
        if not is_zero(count) and not is_zero(width):
            at = target.view(target.shape, target.strides, first * c_in * panel)
            origin = turned.view(turned.shape, turned.strides, first * panel)
            steps.append(_filter_step(origin, at, (count, c_in, width), panel, each, machine))
    return steps, Operand(target, c_in * panel, 0, panel, True, (each,))


def _filter_step(
    origin: Place, target: Place, extents: tuple[int, int, int], panel: int, each: int,
    machine: Machine,
) -> Step:  # fmt: skip
    """Transform filters [c_in, 3, 3, c_out]; lanes run along the columns of a panel."""
    builder = NestBuilder()
    axes = task_axes(builder, extents, POINTS)
    c_out = origin.strides[2]
    read, written = builder.buffer(origin), builder.buffer(target, written=True)
    terms = ((0, builder.dim(panel)), (1, builder.dim(9 * c_out)), (2, 1))
    taps: list[list[Expr]] = [
        [
            cast(Load(Access(read, terms, builder.dim((3 * i + j) * c_out)), f32), f64)
            for j in range(3)
        ]
        for i in range(3)
    ]
    half = [_points(line) for line in taps]
    points = [_points([half[i][column] for i in range(3)]) for column in range(4)]
    numbered = ((0, builder.dim(extents[1] * panel)), (1, builder.dim(panel)), (2, 1))
    stores = tuple(
        Store(Access(written, numbered, builder.dim(p * each)), cast(points[p % 4][p // 4], f32))
        for p in range(POINTS)
    )
    nest = LoopNest("winograd_filter", tuple(builder.buffers), axes, (Stage((), (), stores),))
    elements = extents[0] * extents[1] * extents[2]
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
