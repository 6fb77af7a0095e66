"""Running reductions as loop nests: each row in its order, rows in parallel."""

from __future__ import annotations

import math

from treadle.ir.dtypes import DType, bf16, f16, f32, f64, i64
from treadle.ir.graph import Value
from treadle.ir.loops import Const, Expr, Extent, LoopNest, Range, Reduce, Reduced, Stage
from treadle.ir.loops_functions import ORDERED
from treadle.ops.expr import cast, dtype_of
from treadle.ops.lowering import Scan
from treadle.schedule.fused import Fused, operators
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, broadcast_strides, dense_strides, walking_order
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes

_OPERATORS = 4
"""A step of a scan waits for the one before."""


def scan_steps(group: Group, placement: Placement, machine: Machine) -> list[Step]:
    """A `Scan`, with what follows it, as one kernel; before it, a copy of what lies otherwise."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Scan)
    rule, result = node.op.lower, tensor_type(node.output)
    dim = rule.dim(result, *map_arguments(node, lambda _, v: tensor_type(v)))
    scanned = tensor_operands(node)[0]
    origin, steps = placement[scanned], list[Step]()
    if _depends_on_lanes(rule, origin, dim):
        origin = placement.scratch(origin, origin.shape)
        steps.append(copy_step("contiguous", placement[scanned], origin, machine))
    order = walking_order(origin.shape, origin.strides)
    target = _with_dims(placement.result(group.result, order))
    shape = target.shape
    outer = [d for d in walking_order(shape, target.strides) if d != dim]
    extents = [shape[d] for d in outer] or [1]
    numbers = [len(extents) if d == dim else outer.index(d) for d in range(len(shape))]
    builder = NestBuilder()

    def load(value: Value) -> Expr:
        place = origin if value is scanned else placement[value]
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
    steps.append(
        Step(group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
             group.last.loc, cost)
    )  # fmt: skip
    return steps


def _depends_on_lanes(rule: Scan, place: Place, dim: int) -> bool:
    """Whether lanes would be elsewhere than in a dense operand, and that would change bits."""
    if rule.function not in ORDERED or place.dtype not in (f16, bf16, f32):
        return False
    if not place.shape or place.shape[dim] == 1:
        return False
    adjacent = dense_strides(place.shape)[dim] == 1
    return (place.strides[dim] == 1) != adjacent


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
