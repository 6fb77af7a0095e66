"""Images as convolutions read them: with four dims, their channels last, zeros around them."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.ir.loops import LoopNest, Stage
from treadle.ops.expr import const
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import (
    Step,
    count_tasks,
    grain,
    stream_cost,
    task_axes,
)  # fmt: skip
from treadle.schedule.windows import CHANNELS_LAST


def batched(place: Place, rank: int) -> Place:
    """`place` with a batch dim: torch takes a single image too."""
    if len(place.shape) == rank:
        return place
    return place.view((1, *place.shape), (0, *place.strides), place.offset)


def channels_last(
    origin: Place, placement: Placement, machine: Machine
) -> tuple[list[Step], Place]:
    """`origin`, or a copy of it, with its channels next to each other."""
    if origin.shape[1] == 1 or origin.strides[1] == 1:
        return [], origin
    copy = placement.scratch(origin, origin.shape, CHANNELS_LAST[len(origin.shape)])
    return [copy_step("channels_last", origin, copy, machine)], copy


def two(items: Sequence[int], default: int) -> tuple[int, int]:
    """The numbers for both spatial dims."""
    return (default, items[0]) if len(items) == 1 else (items[0], items[1])


def image_of(place: Place) -> Place:
    """`place` with four dims: a signal [n, c, l] is an image of height 1."""
    if len(place.shape) != 3:
        return place
    (n, c, length), (sn, sc, sl) = place.shape, place.strides
    return place.view((n, c, 1, length), (sn, sc, 0, sl), place.offset)


def padded_copy(
    image: Place, padding: tuple[int, int], placement: Placement, machine: Machine
) -> tuple[list[Step], Place]:
    """A channels-last copy of `image` with zeros around it; lanes run along the width."""
    n, c, height, width = image.shape
    (up, left) = padding
    shape = (n, c, height + 2 * up, width + 2 * left)
    target = placement.scratch(image, shape, (0, 2, 3, 1))
    inner = target.offset + up * target.strides[2] + left * target.strides[3]
    steps = [lane_step("pad", target.view((target.numel,), (1,), target.offset), None, machine)]
    steps.append(
        lane_step("channels_last", target.view(image.shape, target.strides, inner), image, machine)
    )
    return steps if any(padding) else steps[1:], target


def lane_step(
    name: str, target: Place, origin: Place | None, machine: Machine, fill: int = 0
) -> Step:
    """Copy `origin`, or `fill`, to `target`, lanes along the last dim whatever the strides."""
    builder = NestBuilder()
    numbers = range(len(target.shape))
    axes = task_axes(builder, target.shape)
    value = (
        const(fill, target.dtype)
        if origin is None
        else builder.load(origin, origin.strides, numbers)
    )
    store = builder.store(target, target.strides, numbers, value)
    nest = LoopNest(name, tuple(builder.buffers), axes, (Stage((), (), (store,)),))
    cost = stream_cost(machine, target.numel, 2 * target.numel * target.dtype.itemsize, 4)
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        name, nest, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks), None, cost
    )
