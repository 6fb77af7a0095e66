"""Writes at computed positions, and reductions over computed ranges, as loop nests."""

from __future__ import annotations

import math
from collections.abc import Sequence

from treadle.ir.dtypes import i64
from treadle.ir.loops import (
    Call,
    Const,
    Expr,
    Extent,
    Index,
    Load,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Stage,
    Store,
)  # fmt: skip
from treadle.ops.expr import cast, dtype_of
from treadle.ops.lowering import Fold, Scatter
from treadle.schedule.elements import element_access, element_loader, operand_places
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes

_RANGE = 16
"""How long a range that depends on data is taken to be."""


def scatter_steps(group: Group, placement: Placement, machine: Machine) -> list[Step]:
    """A `Scatter` as a copy of its first operand and a kernel that writes to it.

    What may meet at one element is done in order by one task: results do not depend on threads.
    """
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Scatter)
    rule, result = node.op.lower, tensor_type(node.output)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    target = placement.result(node.output)
    copy = copy_step(group.name, placement[tensor_operands(node)[0]], target, machine)
    sizes, serial = rule.domain(result, *types)
    if 0 in sizes:
        return [copy]
    parallel = [d for d in range(len(sizes)) if d not in serial]
    number = {d: n for n, d in enumerate([*parallel, *serial])}
    if not parallel:
        number = {d: n + 1 for d, n in number.items()}
    builder = NestBuilder()
    load = element_loader(builder, operand_places(node, placement))
    places, value = rule.build(load, [Index(number[d]) for d in range(len(sizes))], result, *types)
    access = element_access(builder, target, places, written=True)
    combine = rule.combine(result, *types)
    value = builder.generic(value)
    if combine is not None:
        value = Call(combine, (Load(access, target.dtype), value), dtype_of(value))
    outer = [sizes[d] for d in parallel] or [1]
    mode = "outer" if outer[-1] > 1 else "none"
    inner = math.prod(sizes[d] for d in serial)
    axes = task_axes(builder, outer, inner, 16 if mode == "outer" else 1)
    ranges = tuple(Range(Const(0, i64), Extent(builder.size(sizes[d]))) for d in serial)
    stage = Stage(ranges, (), (Store(access, value),))
    builder.finish_status([value, Load(access, target.dtype)])
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, (stage,), mode)
    return [copy, _step(group, builder, kernel, math.prod(sizes), machine)]


def fold_steps(group: Group, placement: Placement, machine: Machine) -> list[Step]:
    """A `Fold` as one kernel, lanes along the last dim of the result.

    An operand as long there, of which the neighbours are far apart, is copied first: all of it is
    read by vectors, most of it many times.
    """
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Fold)
    rule, result = node.op.lower, tensor_type(node.output)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    target = placement.result(node.output)
    numbers = range(len(target.shape))
    builder = NestBuilder()
    steps: list[Step] = []
    places = operand_places(node, placement)
    for key, place in places.items():
        along = place.shape[-1] if place.shape else 1
        if 1 < along == target.shape[-1] and place.strides[-1] > 1:
            places[key] = placement.scratch(place, place.shape)
            steps.append(copy_step("contiguous", place, places[key], machine))
    load = element_loader(builder, places)
    indices: Sequence[Expr] = [Index(n) for n in numbers]
    start, stop = (builder.generic(b) for b in rule.bounds(load, indices, result, *types))
    element = builder.generic(rule.build(load, indices, Index(len(numbers)), result, *types))
    reduce = Reduce(rule.function(result, *types), element, dtype_of(element))
    total = Reduced(0, 0, reduce.dtype)
    value = builder.generic(rule.finish(total, load, indices, result, *types))
    store = builder.store(target, target.strides, numbers, cast(value, target.dtype))
    builder.finish_status([start, stop, element, value])
    axes = task_axes(builder, target.shape, _RANGE)
    stages = (Stage((Range(start, stop),), (reduce,)), Stage((), (), (store,)))
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, stages)
    return [*steps, _step(group, builder, kernel, target.numel * _RANGE, machine)]


def _step(
    group: Group, builder: NestBuilder, kernel: LoopNest, elements: int, machine: Machine
) -> Step:
    nbytes = 2 * elements * kernel.buffers[0].dtype.itemsize
    cost = stream_cost(machine, elements, nbytes, 4)
    tasks = count_tasks(kernel.axes, builder.sizes)
    return Step(
        group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc, cost,
    )  # fmt: skip
