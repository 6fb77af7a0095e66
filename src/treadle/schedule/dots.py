"""Products of few rows or few columns, as dot products of rows of A and columns of B as they lie.

Nothing is packed: such a product reads its larger operand once, and memory is what bounds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from treadle.ir.dtypes import i64
from treadle.ir.graph import Value
from treadle.ir.loops import Const, Expr, Extent, LoopNest, Range, Reduce, Reduced, Stage
from treadle.ops.expr import add, mul
from treadle.schedule.fused import Fused
from treadle.schedule.groups import Group
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, broadcast_strides
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes

FEW_ROWS = 16
"""So many rows need less time for their dot products than packing B would take."""
FEW_COLUMNS = 4
"""So many dot products of a row need less time than multiplying it with a panel."""
_EACH = 32
"""What the ends of a dot product cost, in elements."""


def dots_pay(a: Place, b: Place, transposed: bool, packed: bool) -> bool:
    """Whether A [..., m, k] times B [..., k, n] should be dot products.

    `transposed`: B's columns are rows of the operand. Otherwise it counts whether B lies column by
    column, as in ``x @ w.t()``: the only sums whose order follows from where an operand lies, which
    eager products read there as well. A copy would take six times as long as the product.
    `packed`: B is known ahead. Then only a product of so few columns that panels stay empty.
    """
    rows, columns = a.shape[-2], b.shape[-1]
    lies = 0 < b.strides[-2] < b.strides[-1]
    along = transposed or lies or columns == 1 or a.shape[-1] == 1
    return along and (columns == 1 if packed else rows <= FEW_ROWS or columns <= FEW_COLUMNS)


def adjacent(
    place: Place, dim: int, placement: Placement, machine: Machine
) -> tuple[list[Step], Place]:
    """`place`, or a copy of it, in which elements along `dim` are neighbours."""
    if place.strides[dim] == 1 or place.shape[dim] == 1:
        return [], place
    order = [d for d in range(len(place.shape)) if d != dim % len(place.shape)]
    copy = placement.scratch(place, place.shape, [*order, dim % len(place.shape)])
    return [copy_step("contiguous", place, copy, machine)], copy


def dots_step(
    group: Group, a: Place, b: Place, target: Place, bias: Value | None, placement: Placement,
    machine: Machine,
) -> Step:  # fmt: skip
    """The kernel: what is fewer, rows or columns, goes by for each of the others."""
    assert group.anchor is not None
    shape, k = target.shape, a.shape[-1]
    rank, anchor = len(shape), group.anchor.output
    order, together = list(range(rank)), 1
    if shape[-1] > FEW_COLUMNS:
        order[-2:] = rank - 1, rank - 2
        together = _rows_together(shape[-2], machine)
    numbers = [order.index(d) for d in range(rank)]
    builder = NestBuilder()
    along = [*numbers, rank]
    right = builder.load(b, [*_batch(b, shape), 0, b.strides[-1], 1], along)
    reduces, stores = [], []
    for row in range(together):
        first, walk = _from_row(a, [*_batch(a, shape), a.strides[-2], 0], row, together)
        left = builder.load(first, [*walk, 1], along)
        reduces.append(Reduce("sum", mul(left, right), a.dtype))

        def load(value: Value, row: int = row) -> Expr:
            place = placement[value]
            place, walk = _from_row(place, broadcast_strides(place, shape), row, together)
            return builder.load(place, walk, numbers)

        total: Expr = Reduced(0, row, a.dtype)
        total = total if bias is None else add(total, load(bias))
        value = Fused(group, {anchor: total}, load)(group.result)
        goal, walk = _from_row(target, target.strides, row, together)
        stores.append(builder.store(goal, walk, numbers, value))
    terms = Range(Const(0, i64), Extent(builder.size(k)))
    extents = [*shape[:-2], shape[-2] // together, shape[-1]]
    axes = task_axes(builder, [extents[d] for d in order], together * (k + _EACH), 1)
    stages = Stage((terms,), tuple(reduces)), Stage((), (), tuple(stores))
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, stages, "inner")
    count = math.prod(shape) * k
    cost = stream_cost(machine, count, (a.numel + b.numel) * a.dtype.itemsize, 1)
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc, cost,
    )  # fmt: skip


def _rows_together(rows: int, machine: Machine) -> int:
    """Rows that share what is read of a column, of which each takes several registers."""
    most = machine.registers // 8
    return next((n for n in (4, 3, 2) if n <= most and rows % n == 0), 1)


def _from_row(
    place: Place, strides: Sequence[int], row: int, together: int
) -> tuple[Place, list[int]]:
    """`place` from a row of the result on, and `strides` over the result for every so many rows."""
    *batch, apart, column = strides
    view = place.view(place.shape, place.strides, place.offset + row * apart)
    return view, [*batch, together * apart, column]


def _batch(place: Place, shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of an operand over the batch dims of the result."""
    lead = place.view(place.shape[:-2], place.strides[:-2], place.offset)
    return broadcast_strides(lead, shape[:-2])
