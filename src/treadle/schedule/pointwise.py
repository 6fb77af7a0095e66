"""Pointwise groups and copies as loop nests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from treadle.ir.dtypes import c64, f32, f64, i64
from treadle.ir.loops import Access, Expr, LoopNest, Stage, Store
from treadle.ir.symbols import as_int
from treadle.ops.expr import cast
from treadle.schedule.fused import Fused, externals, loader, operators
from treadle.schedule.groups import Group, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, broadcast_strides, collapse, walking_order
from treadle.schedule.steps import (
    Step,
    count_tasks,
    grain,
    square_axes,
    stream_cost,
    task_axes,
)

MOST_TOGETHER = 4
"""So many channels, say, are written next to each other by vectors of pixels."""


class Domain:
    """The collapsed axes of a kernel over all elements of `target`, walked in its memory order.

    Of `places`, those of all operands are needed, since only axes that every one of them walks as
    one are merged.
    """

    def __init__(self, target: Place, places: Sequence[Place]) -> None:
        self._shape = target.shape
        self._perm = walking_order(target.shape, target.strides)
        spread = [broadcast_strides(p, target.shape) for p in places]
        strides = [self._permuted(s) for s in (target.strides, *spread)]
        extents, merged = collapse([target.shape[d] for d in self._perm], strides)
        self.transposed = self._move_transposed(extents, merged)
        self.extents = extents
        self._known = dict(zip(map(tuple, strides), merged, strict=True))

    @staticmethod
    def _move_transposed(extents: list[int], merged: Sequence[list[int]]) -> bool:
        """Let the axis along which an operand lies in memory, if not the last, be next to it."""
        for walk in merged[1:]:
            if 1 in walk[:-1] and walk[-1] not in (0, 1):
                axis = walk.index(1)
                for order in (extents, *merged):
                    order.insert(len(order) - 2, order.pop(axis))
                return True
        return False

    def _permuted(self, strides: Sequence[int]) -> tuple[int, ...]:
        return tuple(
            s if self._shape[d] > 1 else 0 for d, s in ((d, strides[d]) for d in self._perm)
        )

    def axes_of(self, _: Place, strides: Sequence[int]) -> tuple[list[int], list[int]]:
        """Strides over the collapsed axes, and those axes, for strides over the full shape."""
        return self._known[self._permuted(strides)], list(range(len(self.extents)))


def pointwise_step(group: Group, placement: Placement, machine: Machine) -> Step:
    """A group without an anchor as one kernel."""
    shape = tensor_type(group.result).sizes
    operands = [placement[v] for v in externals(group)]
    whole = [p for p in operands if p.shape == shape]
    order = walking_order(shape, whole[0].strides) if whole else None
    target = placement.result(group.result, order)
    domain = Domain(target, operands)
    builder = NestBuilder()
    load = loader(builder, placement, shape, domain.axes_of)
    value = Fused(group, {}, load)(group.result)
    cost = operators(group)
    return _finish(group.name, builder, domain, target, operands, value, machine, cost, group)


def copy_step(name: str, origin: Place, target: Place, machine: Machine) -> Step:
    """A kernel that writes the elements of `origin` to `target`, of the same shape."""
    if origin.dtype == target.dtype == c64:  # one element is as wide as an integer
        origin, target = (replace(p, dtype=i64) for p in (origin, target))
    elif origin.dtype.is_complex:
        origin, target = parts_of(origin), parts_of(target)
    domain = Domain(target, [origin])
    builder = NestBuilder()
    strides, axes = domain.axes_of(origin, broadcast_strides(origin, target.shape))
    if domain.transposed and 1 < domain.extents[-1] <= MOST_TOGETHER:
        goal, _ = domain.axes_of(target, target.strides)
        if goal[-2:] == [domain.extents[-1], 1]:
            return _few_step(name, domain, (origin, strides), (target, goal), machine)
    value = cast(builder.load(origin, strides, axes), target.dtype)
    return _finish(name, builder, domain, target, [origin], value, machine, 1, None)


def _few_step(
    name: str, domain: Domain, origin: tuple[Place, Sequence[int]],
    target: tuple[Place, Sequence[int]], machine: Machine,
) -> Step:  # fmt: skip
    """A copy that puts a few elements, far apart in `origin`, next to each other.

    Places come with their strides; lanes run along the last axis but one.
    """
    builder, (*extents, count) = NestBuilder(), map(as_int, domain.extents)
    (source, steps), (goal, walk) = origin, target
    axes = task_axes(builder, extents, count)
    numbers = range(len(extents))
    stores = []
    written = builder.buffer(goal, written=True)
    for number in range(int(count)):
        here = source.view(source.shape, source.strides, source.offset + number * steps[-1])
        value = cast(builder.load(here, steps[:-1], numbers), goal.dtype)
        terms = [(a, builder.dim(s)) for a, s in zip(numbers[:-1], walk, strict=False) if s]
        access = Access(written, (*terms, (numbers[-1], int(count))), number)
        stores.append(Store(access, value))
    kernel = LoopNest(name, tuple(builder.buffers), axes, (Stage((), (), tuple(stores)),))
    cost = stream_cost(machine, goal.numel, 2 * goal.numel * goal.dtype.itemsize, 1)
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks), None, cost
    )


def parts_of(place: Place) -> Place:
    """A place of complex numbers as one of real and imaginary parts."""
    real = f32 if place.dtype == c64 else f64
    strides = (*(2 * s for s in place.strides), 1)
    return Place(place.storage, real, (*place.shape, 2), strides, 2 * place.offset)


def _finish(
    name: str,
    builder: NestBuilder,
    domain: Domain,
    target: Place,
    operands: Sequence[Place],
    value: Expr,
    machine: Machine,
    work: int,
    group: Group | None,
) -> Step:
    strides, numbers = domain.axes_of(target, target.strides)
    store = builder.store(target, strides, numbers, value)
    if domain.transposed:
        axes = square_axes(builder, domain.extents, streaming=store.streaming)
    else:
        axes = task_axes(builder, domain.extents)
    builder.finish_status([value])
    kernel = LoopNest(name, tuple(builder.buffers), axes, (Stage(stores=(store,)),))
    nbytes = sum(p.numel * p.dtype.itemsize for p in (target, *operands))
    cost = stream_cost(machine, target.numel, nbytes, work)
    tasks = count_tasks(axes, builder.sizes)
    loc = group.last.loc if group else None
    return Step(
        name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        loc, cost,
    )  # fmt: skip
