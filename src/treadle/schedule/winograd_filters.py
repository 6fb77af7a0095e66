"""Filters of `winograd` convolutions at the sixteen points, packed: ahead or with each run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from treadle.ir.dtypes import f32, f64
from treadle.ir.loops import Expr
from treadle.ops.expr import add, cast, const, mul, sub
from treadle.schedule.contractions import Operand, packed_weight
from treadle.schedule.filters import Panels, filter_steps
from treadle.schedule.machine import Machine
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, Storage
from treadle.schedule.steps import Packing, Step

POINTS = 16
_BLOCK = 1 << 13
"""Filters times channels that are transformed at a time."""
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
    target = placement.scratch(weight, (POINTS * each,))
    panels = Panels(target, panel, c_in * panel, each, _point_values)
    steps = filter_steps("winograd_filter", weight, panels, placement, machine)
    return steps, Operand(target, c_in * panel, 0, panel, True, (each,))


def _point_values(taps: Sequence[Expr]) -> list[Expr]:
    """The sixteen points of a filter, rounded once."""
    half = [_points([cast(tap, f64) for tap in taps[3 * i : 3 * i + 3]]) for i in range(3)]
    points = [_points([line[column] for line in half]) for column in range(4)]
    return [cast(points[p % 4][p // 4], f32) for p in range(POINTS)]


def _points(taps: Sequence[Expr]) -> list[Expr]:
    """`_transform` of expressions."""
    a, b, c = taps
    outer, half = add(a, c), const(0.5, f64)
    return [a, mul(add(outer, b), half), mul(sub(outer, b), half), c]
