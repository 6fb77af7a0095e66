"""Sieves: rows that strike out later ones, one after the other, each against a vector of rows."""

from __future__ import annotations

from treadle.ir.dtypes import bool_, i64
from treadle.ir.loops import (
    Access,
    Axis,
    Call,
    Const,
    Extent,
    Index,
    Load,
    LoopNest,
    Range,
    Stage,
    Store,
)
from treadle.ops.expr import add, call, const
from treadle.ops.lowering import Sieve
from treadle.schedule.elements import element_loader
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.images import lane_step
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Step, count_tasks, stream_cost


def sieve_steps(group: Group, placement: Placement, machine: Machine) -> list[Step]:
    """The steps of a `Sieve`: rows as columns, all that stay so far, the sieve itself."""
    (value,) = tensor_operands(group.last)
    rows = placement[value]
    target = placement.result(group.result)
    shape, strides = rows.shape[::-1], rows.strides[::-1]
    columns = placement.scratch(rows, shape)
    return [
        copy_step("columns", rows.view(shape, strides, rows.offset), columns, machine),
        lane_step("all", target, None, machine, fill=True),
        _sieve(group, columns, target, machine),
    ]


def _sieve(group: Group, columns: Place, target: Place, machine: Machine) -> Step:
    node, builder = group.last, NestBuilder()
    assert isinstance(node.op.lower, Sieve)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    rows = columns.view(columns.shape[::-1], columns.strides[::-1], columns.offset)
    load = element_loader(builder, {(0, 0): rows})
    strikes = node.op.lower.strikes(load, Index(0), Index(1), *types)
    written = builder.buffer(target, written=True)
    stride = builder.dim(target.strides[0])
    mine, other = (Access(written, ((axis, stride),)) for axis in (0, 1))
    stays = call("and", Load(other, bool_), call("xor", strikes, const(True, bool_)))
    extent = Extent(builder.size(rows.shape[0]))
    start = add(Index(0), Const(1, i64))
    # One that is struck out itself meets nobody.
    later = Range(start, Call("select", (Load(mine, bool_), extent, start), i64))
    axes = (Axis(extent.dim, 0),)
    stages = (Stage((later,), (), (Store(other, stays),)),)
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, stages, "inner")
    count = rows.shape[0] * rows.shape[0]
    cost = stream_cost(machine, count, 0, 8)
    tasks = count_tasks(axes, builder.sizes)
    return Step(group.name, kernel, builder.bound, tuple(builder.sizes), tasks, 1, node.loc, cost)
