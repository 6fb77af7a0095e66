"""Running reductions as loop nests: each row in its order, rows in parallel."""

from __future__ import annotations

import math

from treadle.ir.dtypes import DType, f64, i64
from treadle.ir.graph import Value
from treadle.ir.loops import Const, Expr, Extent, LoopNest, Range, Reduce, Reduced, Stage
from treadle.ops.expr import cast, dtype_of
from treadle.ops.lowering import Scan
from treadle.schedule.fused import Fused, operators
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, broadcast_strides, walking_order
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes

_OPERATORS = 4
"""A step of a scan waits for the one before."""


def scan_step(group: Group, placement: Placement, machine: Machine) -> Step:
    """A `Scan`, with what follows it, as one kernel."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Scan)
    rule, result = node.op.lower, tensor_type(node.output)
    dim = rule.dim(result, *map_arguments(node, lambda _, v: tensor_type(v)))
    origin = placement[tensor_operands(node)[0]]
    order = walking_order(origin.shape, origin.strides)
    target = _with_dims(placement.result(group.result, order))
    shape = target.shape
    outer = [d for d in walking_order(shape, target.strides) if d != dim]
    extents = [shape[d] for d in outer] or [1]
    numbers = [len(extents) if d == dim else outer.index(d) for d in range(len(shape))]
    builder = NestBuilder()

    def load(value: Value) -> Expr:
        place = placement[value]
        return builder.load(place, broadcast_strides(place, shape), numbers)

    element = rule.build(result, *map_arguments(node, lambda _, v: load(v)))
    reduce = Reduce(rule.function, element, dtype_of(element))
    running = cast(Reduced(0, 0, reduce.dtype), result.element)
    value = Fused(group, {node.output: running}, load)(group.result)
    store = builder.store(target, target.strides, numbers, value)
    row = Range(Const(0, i64), Extent(builder.size(shape[dim])))
    mode = _vectorized(_with_dims(origin).strides[dim], element, origin.dtype, outer)
    axes = task_axes(builder, extents, shape[dim], 64 if mode == "outer" else 1)
    builder.finish_status([element, value])
    stage = Stage((row,), (reduce,), (store,))
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, (stage,), mode)
    count = math.prod(shape)
    cost = stream_cost(
        machine, count, 2 * count * target.dtype.itemsize, _OPERATORS * operators(group)
    )
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc, cost,
    )  # fmt: skip


def _with_dims(place: Place) -> Place:
    """`place` with at least one dim."""
    return place if place.shape else place.view((1,), (0,), place.offset)


def _vectorized(stride: int, element: Expr, dtype: DType, outer: list[int]) -> str:
    """Lanes along a row whose elements are neighbours, else across rows.

    Sums within a vector are made in another order. Where nothing is wider than the elements, that
    could overflow: there the elements of a row are added one by one.
    """
    if stride != 1:
        return "outer" if outer else "none"
    return "none" if dtype_of(element) == dtype == f64 else "inner"
