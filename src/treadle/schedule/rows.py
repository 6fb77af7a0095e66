"""Reductions and row-wise maps (softmax, layer norm) as loop nests."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from treadle.ir.dtypes import DType, bool_, i64
from treadle.ir.graph import Node, Value
from treadle.ir.loops import (
    Call,
    Const,
    Expr,
    Extent,
    Index,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Stage,
    Store,
)  # fmt: skip
from treadle.ir.loops_walk import roots
from treadle.ops.expr import add, const, dtype_of, mul
from treadle.ops.lowering import Rows
from treadle.schedule.fused import Fused, operators
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.kept import keep_shared, vectorized
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import (
    Place,
    Space,
    Storage,
    broadcast_strides,
    collapse,
    dense_strides,
    walking_order,
)  # fmt: skip
from treadle.schedule.steps import (
    Step,
    count_tasks,
    grain,
    split_count,
    stream_cost,
    task_axes,
)

_RESULT_DTYPE: dict[str, DType] = {"argmax": i64, "argmin": i64, "any": bool_, "all": bool_}


class _Builder:
    """`ops.lowering.RowBuilder`: sorts reductions into stages by what they need."""

    def __init__(self, count: Expr) -> None:
        self.stages: list[list[Reduce]] = []
        self._count = count
        self._levels: dict[int, tuple[Expr, int]] = {}

    def count(self) -> Expr:
        return self._count

    def reduce(self, function: str, value: Expr) -> Expr:
        stage = self._level(value)
        while len(self.stages) <= stage:
            self.stages.append([])
        dtype = _RESULT_DTYPE.get(function, dtype_of(value))
        self.stages[stage].append(Reduce(function, value, dtype))
        return Reduced(stage, len(self.stages[stage]) - 1, dtype)

    def _level(self, value: Expr) -> int:
        """The first stage in which `value` can be computed."""
        known = self._levels.get(id(value))
        if known is not None:
            return known[1]
        level = 0
        if isinstance(value, Reduced):
            level = value.stage + 1
        elif isinstance(value, Call):
            level = max((self._level(a) for a in value.args), default=0)
        self._levels[id(value)] = (value, level)
        return level


class _Axes:
    """Outer axes and the axes of a row, each collapsed over all places."""

    def __init__(
        self,
        shape: Sequence[int],
        rows: Sequence[int],
        order: Sequence[int],
        strides: Sequence[Sequence[int]],
    ) -> None:
        self._outer = [d for d in order if d not in rows]
        self._rows = [d for d in order if d in rows] if len(rows) > 1 else list(rows)
        self._shape = shape
        keys = [self._key(s) for s in strides]
        outer, outer_merged = collapse([shape[d] for d in self._outer], [k[0] for k in keys])
        inner, inner_merged = collapse([shape[d] for d in self._rows], [k[1] for k in keys])
        self.outer, self.inner = outer, inner
        self._known = {k: (o, i) for k, o, i in zip(keys, outer_merged, inner_merged, strict=True)}

    def _key(self, strides: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        fixed = [s if n > 1 else 0 for s, n in zip(strides, self._shape, strict=True)]
        return tuple(fixed[d] for d in self._outer), tuple(fixed[d] for d in self._rows)

    def of(self, _: Place, strides: Sequence[int]) -> tuple[list[int], list[int]]:
        outer, inner = self._known[self._key(strides)]
        return [*outer, *inner], list(range(len(outer) + len(inner)))


def rows_steps(group: Group, placement: Placement, machine: Machine) -> list[Step]:
    """A group around a `Rows` anchor as one kernel, or as two where few rows are long."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Rows)
    rule, result = node.op.lower, tensor_type(node.output)
    shape = tensor_type(tensor_operands(node)[0]).sizes
    rows = rule.dims(result, *map_arguments(node, lambda _, v: tensor_type(v)))
    before, after = _sides(group, node)
    order = _order([placement[v] for v in before], shape)
    target = placement.result(group.result, None if rule.reduces else order)

    def over_rows(value: Value) -> tuple[int, ...]:
        return broadcast_strides(placement[value], shape)

    def over_result(place: Place) -> tuple[int, ...]:
        own = broadcast_strides(place, target.shape)
        return _spread(own, shape, rows) if rule.reduces else own

    spread = over_result(target)
    strides = [*map(over_rows, before), *(over_result(placement[v]) for v in after)]
    axes = _Axes(shape, rows, order, [spread, *strides])
    count = Const(math.prod(shape[d] for d in rows), i64)

    def element(builder: NestBuilder, load: Callable[[Value], Expr]) -> tuple[_Builder, Expr]:
        """The reductions of the anchor and its element, with operands from `load`."""
        writer, inside = _Builder(builder.generic(count)), Fused(group, {}, load)
        return writer, rule.build(writer, result, *map_arguments(node, lambda _, v: inside(v)))

    def whole(builder: NestBuilder, first: int) -> Callable[[Value], Expr]:
        return lambda v: _load(builder, axes, placement[v], over_rows(v), first)

    builder = NestBuilder()
    writer, total = element(builder, whole(builder, 0))
    steps: list[Step] = []
    stages = [Stage(_ranges(builder, axes.inner), tuple(r)) for r in writer.stages]
    if rule.reduces and (parts := _num_parts(axes, writer)) > 1:
        first = NestBuilder()
        (reduces,) = element(first, whole(first, 1))[0].stages
        step, partial = _partial_step(group, first, axes, reduces, parts, machine)
        steps.append(step)
        builder = NestBuilder()
        total = element(builder, lambda v: const(0, tensor_type(v).element))[1]
        stages = [_combining_stage(builder, axes, reduces, partial, parts)]
    tail = Fused(
        group, {node.output: total},
        lambda v: _load(builder, axes, placement[v], over_result(placement[v])),
    )  # fmt: skip
    value = tail(group.result)
    over, numbers = axes.of(target, spread)
    kept = len(axes.outer) if rule.reduces else len(over)
    store = builder.store(target, over[:kept], numbers[:kept], value)
    last_ranges = () if rule.reduces else _ranges(builder, axes.inner)
    stages.append(Stage(last_ranges, (), (store,)))
    inner = [parts] if steps else axes.inner
    return [*steps, _nest(group, builder, axes.outer, inner, stages, machine)]


def _ranges(builder: NestBuilder, extents: Sequence[int]) -> tuple[Range, ...]:
    return tuple(Range(Const(0, i64), Extent(builder.size(n))) for n in extents)


def _num_parts(axes: _Axes, writer: _Builder) -> int:
    """Into how many parts each row is cut, so that few rows make enough tasks; 1: none."""
    functions = {r.function for stage in writer.stages for r in stage}
    if len(writer.stages) != 1 or functions & {"argmax", "argmin"}:
        return 1
    return min(split_count(math.prod(axes.inner), math.prod(axes.outer)), axes.inner[0])


def _partial_step(
    group: Group, builder: NestBuilder, axes: _Axes, reduces: Sequence[Reduce], parts: int,
    machine: Machine,
) -> tuple[Step, list[Place]]:  # fmt: skip
    """The kernel that reduces each part of each row, and where it leaves the results."""
    shape = (parts, *axes.outer)
    chunk = builder.generic(Const(-(-axes.inner[0] // parts), i64))
    extent = Extent(builder.size(axes.inner[0]))
    start, after = mul(Index(0), chunk), mul(add(Index(0), Const(1, i64)), chunk)
    first = Range(*(Call("min", (bound, extent), i64) for bound in (start, after)))
    stage = Stage((first, *_ranges(builder, axes.inner[1:])), tuple(reduces))
    partial: list[Place] = []
    stores: list[Store] = []
    for number, reduce in enumerate(reduces):
        storage = Storage(Space.ARENA, math.prod(shape) * reduce.dtype.itemsize)
        partial.append(Place(storage, reduce.dtype, shape, dense_strides(shape)))
        value = Reduced(0, number, reduce.dtype)
        stores.append(builder.store(partial[-1], partial[-1].strides, range(len(shape)), value))
    inner = [-(-axes.inner[0] // parts), *axes.inner[1:]]
    stages = [stage, Stage((), (), tuple(stores))]
    return _nest(group, builder, shape, inner, stages, machine), partial


def _combining_stage(
    builder: NestBuilder, axes: _Axes, reduces: Sequence[Reduce], partial: Sequence[Place],
    parts: int,
) -> Stage:  # fmt: skip
    """The stage that reduces the parts of a row to what `reduces` of the whole row give."""
    numbers = (len(axes.outer), *range(len(axes.outer)))
    return Stage(
        _ranges(builder, [parts]),
        tuple(
            Reduce(r.function, builder.load(p, p.strides, numbers), r.dtype)
            for r, p in zip(reduces, partial, strict=True)
        ),
    )


def _sides(group: Group, anchor: Node) -> tuple[list[Value], list[Value]]:
    """External values read for what the anchor takes, and those read for the rest."""
    taken: set[Value] = set(anchor.outputs)
    for node in reversed(group.nodes):
        if not taken.isdisjoint(node.outputs):
            taken.update(tensor_operands(node))
    inner = {v for n in group.nodes for v in n.outputs}
    before: dict[Value, None] = {}
    after: dict[Value, None] = {}
    for node in group.nodes:
        (after if taken.isdisjoint(node.outputs) else before).update(
            dict.fromkeys(v for v in tensor_operands(node) if v not in inner)
        )
    return list(before), list(after)


def _load(
    builder: NestBuilder, axes: _Axes, place: Place, strides: Sequence[int], first: int = 0
) -> Expr:
    """A load over the axes, which are numbered from `first`."""
    over, numbers = axes.of(place, strides)
    return builder.load(place, over, [n + first for n in numbers])


def _order(operands: Sequence[Place], shape: Sequence[int]) -> list[int]:
    """The dims in the order in which the first operand of the whole shape has them in memory."""
    whole = (p.strides for p in operands if p.shape == tuple(shape))
    return walking_order(shape, next(whole, dense_strides(shape)))


def _spread(strides: Sequence[int], shape: Sequence[int], rows: Sequence[int]) -> tuple[int, ...]:
    """Strides over the result of a reduction as strides over the full domain.

    They are 0 on reduced dims, whether the result kept them or not.
    """
    if len(strides) == len(shape):
        return tuple(0 if d in rows else s for d, s in enumerate(strides))
    left = iter(strides)
    return tuple(0 if d in rows else next(left) for d in range(len(shape)))


def _nest(
    group: Group, builder: NestBuilder, outer: Sequence[int], inner: Sequence[int],
    stages: Sequence[Stage], machine: Machine,
) -> Step:  # fmt: skip
    """The step of a nest over `outer` axes whose rows have the extents `inner`."""
    mode = vectorized(outer, len(inner), stages)
    if mode == "inner":
        stages = keep_shared(builder, stages, len(outer), inner)
    builder.finish_status([e for stage in stages for e in roots(stage)])
    row = math.prod(inner)
    axes = task_axes(builder, outer, row, 64 if mode == "outer" else 1)
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, tuple(stages), mode)
    elements = math.prod(outer) * row
    nbytes = sum(elements * b.dtype.itemsize for b in builder.buffers[:2])
    cost = stream_cost(machine, elements, nbytes, operators(group) * len(stages))
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc, cost,
    )  # fmt: skip
