"""Weights of convolutions that are made at run time, turned into panels with each run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from treadle.ir.dtypes import i64
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
from treadle.ops.expr import mul, sub
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, dense_strides
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes

_CHANNELS = 16
"""Channels that are turned at a time: of 3x3 filters, nine cache lines of each."""


@dataclass(frozen=True, slots=True)
class Panels:
    """Where panels of `width` filters go, and how far panels and the values of a filter are apart.

    `values` gives the values of a filter for its taps.
    """

    place: Place
    width: int
    next_panel: int
    next_value: int
    values: Callable[[Sequence[Expr]], Sequence[Expr]]


def filter_steps(
    name: str, weight: Place, panels: Panels, placement: Placement, machine: Machine
) -> list[Step]:
    """The steps that fill panels from a weight [c_out, c_in, kernel...].

    What is past the last column stays as it is: that is computed with, and never stored.
    """
    steps: list[Step] = []
    if weight.strides[1:] != dense_strides(weight.shape)[1:]:
        dense = placement.scratch(weight, weight.shape)
        steps.append(copy_step("contiguous", weight, dense, machine))
        weight = dense
    (whole, tail), place = divmod(weight.shape[0], panels.width), panels.place
    for count, first, width in ((whole, 0, panels.width), (1, whole, tail)):
        if not is_zero(count) and not is_zero(width):
            start = weight.offset + first * panels.width * weight.strides[0]
            origin = weight.view(weight.shape, weight.strides, start)
            target = place.view(place.shape, place.strides, first * panels.next_panel)
            steps.append(_filter_step(name, origin, target, (count, width), panels, machine))
    return steps


def _filter_step(
    name: str, origin: Place, target: Place, filled: tuple[int, int], panels: Panels,
    machine: Machine,
) -> Step:  # fmt: skip
    """Fill so many panels, so many columns of each; lanes run along the columns.

    The taps of a few channels are turned in registers, and wait in memory of the kernel's own.
    """
    builder, (_, c_in, *kernel), apart = NestBuilder(), origin.shape, origin.strides[0]
    (count, width), taps, dtype = filled, math.prod(kernel), origin.dtype
    extents = (count, -(-c_in // _CHANNELS), width)
    read, written = builder.buffer(origin), builder.buffer(target, written=True)
    room, inner = builder.local(dtype, taps * _CHANNELS), len(extents)
    block, zero = Const(_CHANNELS, i64), Const(0, i64)
    left = Call("min", (block, sub(Extent(builder.size(c_in)), mul(Index(1), block))), i64)
    along = (
        (0, builder.dim(panels.width * apart)), (1, builder.dim(taps * _CHANNELS)),
        (2, builder.dim(apart)), (inner, 1),
    )  # fmt: skip
    turn = Store(Access(room, ((inner, 1),)), Load(Access(read, along), dtype))
    values = panels.values([Load(Access(room, ((inner, taps),), t), dtype) for t in range(taps)])
    terms = (
        (0, builder.dim(panels.next_panel)), (1, builder.dim(_CHANNELS * panels.width)), (2, 1),
        (inner, builder.dim(panels.width)),
    )  # fmt: skip
    stores = tuple(
        Store(Access(written, terms, builder.dim(n * panels.next_value)), value)
        for n, value in enumerate(values)
    )
    stages = (
        Stage((Range(zero, mul(left, Const(taps, i64))),), (), (turn,)),
        Stage((Range(zero, left),), (), stores),
    )
    axes = task_axes(builder, extents, len(stores) * _CHANNELS)
    nest = LoopNest(name, tuple(builder.buffers), axes, stages)
    elements = count * c_in * width
    nbytes = dtype.itemsize * (taps + len(stores)) * elements
    cost = stream_cost(machine, elements, nbytes, 4 * len(stores))
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        name, nest, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks), None, cost
    )
