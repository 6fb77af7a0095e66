"""Pooling, and depthwise convolution, as loop nests over windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from treadle.ir.dtypes import DType, i64
from treadle.ir.graph import Value
from treadle.ir.loops import (
    Access,
    Call,
    Const,
    Dim,
    Expr,
    Index,
    Load,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Stage,
)  # fmt: skip
from treadle.ops.expr import add, call, cast, const, div, dtype_of, mul, sub
from treadle.ops.lowering import ConvolutionSpec, Pool, Window
from treadle.schedule.fused import Fused
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, broadcast_strides, walking_order
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes

TAPS_LIKE_ONE = 8
"""So many taps in registers cost about as much as an element that is read and written."""
SMALL_KERNEL = 7
"""Extents up to this are part of the code, so that windows inside the image are unrolled."""
CHANNELS_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1)}


@dataclass(slots=True)
class _Walk:
    """The axes of a kernel over all dims of the result, then the windows'.

    The result's memory order, but lanes never run along a windowed dim, whose bounds differ.
    """

    builder: NestBuilder
    shape: tuple[int, ...]
    order: list[int]
    windowed: list[int]

    def axis(self, dim: int) -> int:
        return self.order.index(dim)

    def tap(self, number: int) -> int:
        return len(self.order) + number

    def load(self, place: Place) -> Expr:
        """The element of an operand of the result's (broadcast) shape."""
        strides = broadcast_strides(place, self.shape)
        axes = [self.axis(d) for d in range(len(self.shape))]
        return self.builder.load(place, strides, axes)


def window_step(group: Group, placement: Placement, machine: Machine) -> Step:
    """A pooling operator, with what follows it, as one kernel."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Window)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    pool = node.op.lower.spec(tensor_type(node.output), *types)
    origin = placement[tensor_operands(node)[0]]
    target = placement.result(group.result, walking_order(origin.shape, origin.strides))
    walk = _walk(target, _window_dims(pool, origin))
    ranges, access = _taps(walk, origin, pool)
    value: Expr = Load(access, origin.dtype)
    result = tensor_type(node.output).element
    reduce = Reduce(pool.function, cast(value, result), result)
    element = _divided(walk, Reduced(0, 0, result), pool, origin, ranges, result)
    taps = math.prod(pool.kernel or (4,))
    return _finish(
        group, walk, node.output, element, ranges, reduce, target, placement, machine, taps
    )


def grouped_step(
    group: Group, spec: ConvolutionSpec, weight: Place, origin: Place, target: Place,
    placement: Placement, machine: Machine,
) -> Step:  # fmt: skip
    """A convolution with few channels in each group, as many as results; lanes along the channels.

    `weight`: [kernel..., channels of a group, c_out]. `origin` and `target` are batched, and
    the channels of `origin` lie side by side if there are several in a group.
    """
    node = group.anchor
    assert node is not None
    values = tensor_operands(node)
    windowed = list(range(2, len(origin.shape)))
    walk = _walk(target, windowed)
    *extents, each, _ = weight.shape
    pool = Pool("sum", tuple(extents), spec.stride, spec.padding, spec.dilation)
    ranges, access = _taps(walk, origin, pool)
    taps = [walk.tap(i) for i in range(len(windowed))]
    *strides, across, _ = weight.strides
    if each > 1:
        ranges.append(Range(Const(0, i64), Const(each, i64)))
        taps.append(walk.tap(len(windowed)))
        strides.append(across)
        access = _within_group(access, walk.axis(1), taps[-1], each)
    factor = walk.builder.load(weight, [*strides, 1], [*taps, walk.axis(1)])
    product = mul(Load(access, origin.dtype), factor)
    element: Expr = Reduced(0, 0, origin.dtype)
    if len(values) > 2:
        bias = placement[values[2]]
        element = add(element, walk.builder.load(bias, bias.strides, [walk.axis(1)]))
    reduce = Reduce("sum", product, origin.dtype)
    count = math.prod(extents) * each
    return _finish(
        group, walk, node.output, element, ranges, reduce, target, placement, machine, count
    )


def _within_group(access: Access, channel: int, tap: int, each: int) -> Access:
    """Channel number `tap` of the group of `each` channels that `channel` belongs to."""
    terms = tuple(t for t in access.terms if t[0] != channel)
    first = Call("floordiv", (Index(channel), Const(each, i64)), i64)
    return replace(access, terms=(*terms, (tap, 1)), indirect=((first, each),))


def _window_dims(pool: Pool, origin: Place) -> list[int]:
    rank = len(origin.shape)
    count = pool.adaptive_dims if pool.kernel is None else len(pool.kernel)
    return list(range(rank - count, rank))


def _walk(target: Place, windowed: list[int]) -> _Walk:
    walked = walking_order(target.shape, target.strides)
    lanes = next((d for d in reversed(walked) if d not in windowed), None)
    if lanes is not None:
        walked.remove(lanes)
        walked.append(lanes)
    return _Walk(NestBuilder(), target.shape, walked, windowed)


def _taps(walk: _Walk, origin: Place, pool: Pool) -> tuple[list[Range], Access]:
    """The ranges of the window at the current point, and the access to the element under it."""
    builder, ranges = walk.builder, list[Range]()
    terms: list[tuple[int, Dim]] = []
    offset = 0
    for d in range(len(walk.shape)):
        if d not in walk.windowed and origin.shape[d] > 1:
            terms.append((walk.axis(d), builder.dim(origin.strides[d])))
    for number, d in enumerate(walk.windowed):
        stride, size = origin.strides[d], origin.shape[d]
        position = Index(walk.axis(d))
        if pool.kernel is None:
            ranges.append(_adaptive(builder, position, size, walk.shape[d]))
            terms.append((walk.tap(number), builder.dim(stride)))
            continue
        step, pad, dilation = pool.stride[number], pool.padding[number], pool.dilation[number]
        first = sub(mul(position, _i(builder, step)), _i(builder, pad))
        start, stop = _inside(builder, first, dilation, size, pool.kernel[number])
        ranges.append(Range(start, stop))
        apart = builder.dim(step * stride)
        between = apart if step == dilation else builder.dim(dilation * stride)
        terms += [(walk.axis(d), apart), (walk.tap(number), between)]  # one size: shared loads
        offset -= pad * stride
    return ranges, Access(builder.buffer(origin), tuple(terms), builder.dim(offset))


def _i(builder: NestBuilder, value: int) -> Expr:
    return builder.generic(Const(value, i64))


def _inside(
    builder: NestBuilder, first: Expr, dilation: int, size: int, kernel: int
) -> tuple[Expr, Expr]:
    """Taps ``start <= t < stop`` of `kernel` with ``0 <= first + t*dilation < size``."""
    extent: Expr = Const(kernel, i64) if kernel <= SMALL_KERNEL else _i(builder, kernel)
    d = _i(builder, dilation)
    before = sub(_i(builder, dilation - 1), first)
    start = Call("max", (Const(0, i64), Call("floordiv", (before, d), i64)), i64)
    room = sub(_i(builder, size - 1 + dilation), first)
    stop = Call("min", (extent, Call("floordiv", (room, d), i64)), i64)
    return start, stop


def _adaptive(builder: NestBuilder, position: Expr, size: int, count: int) -> Range:
    n, total = _i(builder, count), _i(builder, size)
    start = Call("floordiv", (mul(position, total), n), i64)
    after = add(mul(position, total), _i(builder, size + count - 1))
    return Range(start, Call("floordiv", (after, n), i64))


def _divided(
    walk: _Walk, total: Expr, pool: Pool, origin: Place, ranges: Sequence[Range], dtype: DType
) -> Expr:
    """The sum over a window, divided as `Pool.divide` says."""
    if pool.divide is None:
        return total
    if isinstance(pool.divide, int):
        return _quotient(total, const(pool.divide, dtype))
    count: Expr = Const(1, i64)
    for number, (d, window) in enumerate(zip(walk.windowed, ranges, strict=True)):
        here = sub(window.stop, window.start)
        if pool.divide == "all" and pool.kernel is not None:
            here = _reach(walk, pool, origin, number, d)
        count = here if count == Const(1, i64) else mul(count, here)
    return _quotient(total, cast(count, dtype))


def _quotient(total: Expr, count: Expr) -> Expr:
    """Integers are rounded to zero."""
    whole = dtype_of(total).is_integral
    return call("truncdiv", total, count) if whole else div(total, count)


def _reach(walk: _Walk, pool: Pool, origin: Place, number: int, d: int) -> Expr:
    """Elements of a window as far as the padded input reaches."""
    assert pool.kernel is not None
    builder, pad = walk.builder, pool.padding[number]
    start = mul(Index(walk.axis(d)), _i(builder, pool.stride[number]))
    stop = add(start, _i(builder, pool.kernel[number]))
    end = _i(builder, origin.shape[d] + 2 * pad)
    return sub(Call("min", (stop, end), i64), start)


def _finish(
    group: Group, walk: _Walk, anchor: Value, element: Expr, ranges: Sequence[Range],
    reduce: Reduce, target: Place, placement: Placement, machine: Machine, taps: int,
) -> Step:  # fmt: skip
    builder = walk.builder
    value = Fused(group, {anchor: element}, lambda v: walk.load(placement[v]))(group.result)
    work = max(taps // TAPS_LIKE_ONE, 1)
    axes = task_axes(builder, [walk.shape[d] for d in walk.order], work)
    numbers = [walk.axis(d) for d in range(len(walk.shape))]
    # Streaming would begin where memory is aligned, which may be in the middle of a group.
    store = replace(builder.store(target, target.strides, numbers, value), streaming=False)
    stages = (Stage(tuple(ranges), (reduce,)), Stage((), (), (store,)))
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, stages, "outer")
    nbytes = target.numel * target.dtype.itemsize * 3
    cost = stream_cost(machine, target.numel, nbytes, taps * 2)
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc, cost,
    )  # fmt: skip
