"""Reductions and row-wise maps (softmax, layer norm) as loop nests."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from treadle.ir.dtypes import i64
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
)  # fmt: skip
from treadle.ir.loops_functions import LONG, ORDERED
from treadle.ir.loops_walk import parts, roots
from treadle.ops.expr import add, const, mul
from treadle.ops.lowering import Rows
from treadle.schedule.fused import Fused, as_given, operators
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.kept import keep_shared
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import (
    Place,
    broadcast_strides,
)  # fmt: skip
from treadle.schedule.pointwise import copy_step
from treadle.schedule.row_axes import Mode, RowAxes, RowOrder
from treadle.schedule.row_parts import (
    combining_stage,
    leading_dims,
    num_parts,
    part_strides,
    places_of_parts,
    ranges,
)  # fmt: skip
from treadle.schedule.row_stages import RowWriter
from treadle.schedule.steps import (
    Step,
    count_tasks,
    grain,
    stream_cost,
    task_axes,
)


def rows_steps(group: Group, placement: Placement, machine: Machine) -> list[Step]:
    """A group around a `Rows` anchor as one kernel, or as two where few rows are long."""
    return _RowKernel(group, placement, machine).steps()


class _RowKernel:
    """What the kernels of a group over rows are made of."""

    def __init__(self, group: Group, placement: Placement, machine: Machine) -> None:
        node = group.anchor
        assert node is not None
        assert isinstance(node.op.lower, Rows)
        self.group, self.machine, self.placement = group, machine, placement
        self.node, self.rule, self.result = node, node.op.lower, tensor_type(node.output)
        shape = tensor_type(tensor_operands(node)[0]).sizes
        rows = self.rule.dims(self.result, *map_arguments(node, lambda _, v: tensor_type(v)))
        self.count = Const(math.prod(shape[d] for d in rows), i64)
        writer, _ = self._element(NestBuilder(), _nothing)
        reduces = [r for stage in writer.stages for r in stage]
        ordered = any(r.function in ORDERED and r.dtype.is_floating for r in reduces)
        self.rows = tuple(sorted(rows))
        apart = self.rule.reduces and ordered and len(writer.stages) == 1
        self.leading = leading_dims(shape, self.rows) if apart else ()
        inside = tuple(d for d in self.rows if d not in self.leading)
        self.order = RowOrder(shape, inside, ordered)
        self.squares = self.rule.reduces and not _takes_long(reduces)
        self.made: list[Step] = []
        before, after = _sides(group, node)
        self.before = {v: self._place(v) for v in before}
        self.after = {v: self._placed_after(v) for v in after}
        lead = self.order.lead(list(self.before.values()))
        order, outer, inner = self.order.walk(lead)
        self.target = self._target(order)
        self.spread = self._over_result(self.target)
        strides = [self._over_rows(p) for p in self.before.values()]
        ends = [self.spread, *(self._over_result(p) for p in self.after.values())]
        self.mode, walks = self.order.mode(lead), [*ends, *strides]
        if self.leading:
            kept = [d for d in range(len(shape)) if d not in self.rows]
            own = part_strides(shape, (), kept)
            self.ends = RowAxes(shape, kept, (), [own, *ends], ordered=False)
            self.over_parts = part_strides(shape, self.leading, kept)
            walks = [self.over_parts, *strides]
        self.axes = RowAxes(shape, outer, inner, walks, ordered=ordered)
        if not self.leading:
            self.ends = self.axes

    def _place(self, value: Value) -> Place:
        """Where an operand is, or is copied to."""
        place = self.placement[value]
        maps = not self.rule.reduces
        steps, made = self.order.straightened(
            place, self.placement, self.machine, maps=maps, squares=self.squares
        )
        self.made += steps
        return made

    def _placed_after(self, value: Value) -> Place:
        """Where an operand of what follows the anchor is."""
        if self.rule.reduces:
            return self.placement[value]
        return self.before[value] if value in self.before else self._place(value)

    def _target(self, order: Sequence[int]) -> Place:
        """Where the kernel writes its result: what is not walked in order is written by a copy."""
        reduces = self.rule.reduces
        target = self.placement.result(self.group.result, None if reduces else order)
        fits = reduces or self.order.fits(target.strides)
        return target if fits else self.placement.scratch(target, target.shape)

    def _over_rows(self, place: Place) -> tuple[int, ...]:
        return broadcast_strides(place, self.order.shape)

    def _over_result(self, place: Place) -> tuple[int, ...]:
        own = broadcast_strides(place, tensor_type(self.group.result).sizes)
        return _spread(own, self.order.shape, self.rows) if self.rule.reduces else own

    def _element(
        self, builder: NestBuilder, load: Callable[[Value], Expr]
    ) -> tuple[RowWriter, Expr]:
        """The reductions of the anchor and its element, with operands from `load`."""
        writer, inside = RowWriter(builder.generic(self.count)), Fused(self.group, {}, load)
        operands = map_arguments(self.node, lambda _, v: as_given(inside(v)))
        return writer, self.rule.build(writer, self.result, *operands)

    def _whole(self, builder: NestBuilder, first: int) -> Callable[[Value], Expr]:
        """What loads operands of the anchor, over axes that are numbered from `first`."""

        def load(value: Value) -> Expr:
            place = self.before[value]
            over, numbers = self.axes.of(self._over_rows(place))
            return builder.load(place, over, [n + first for n in numbers])

        return load

    def steps(self) -> list[Step]:
        """Copies of operands, the kernels, and a copy of their result."""
        builder, axes, reduces = NestBuilder(), self.axes, self.rule.reduces
        writer, total = self._element(builder, self._whole(builder, 0))
        stages = [Stage(ranges(builder, axes.inner), tuple(r)) for r in writer.stages]
        inner, mode = axes.inner, self.mode
        parts = num_parts(axes, writer) if reduces and not self.leading else 1
        if self.leading or parts > 1:
            step, reductions, partial = self._rows_step() if self.leading else self._cut_step(parts)
            self.made.append(step)
            builder = NestBuilder()
            total = self._element(builder, _nothing)[1]
            stages = [combining_stage(builder, reductions, partial)]
            inner = [partial[0].shape[0]]
            mode = Mode("outer" if self.ends.outer[-1] > 1 else "inner")
        stages.append(self._last(builder, total))
        self.made.append(self._nest(builder, self.ends.outer, inner, stages, mode))
        wanted = self.placement[self.group.result]
        if wanted is not self.target:
            self.made.append(copy_step("rows", self.target, wanted, self.machine))
        return self.made

    def _last(self, builder: NestBuilder, total: Expr) -> Stage:
        """The stage that stores, from the element of the anchor."""

        def load(value: Value) -> Expr:
            place = self.after[value] if value in self.after else self.before[value]
            return builder.load(place, *self.ends.of(self._over_result(place)))

        value = Fused(self.group, {self.node.output: total}, load)(self.group.result)
        over, numbers = self.ends.of(self.spread)
        kept = len(self.ends.outer) if self.rule.reduces else len(over)
        store = builder.store(self.target, over[:kept], numbers[:kept], value)
        walked = () if self.rule.reduces else ranges(builder, self.ends.inner)
        return Stage(walked, (), (store,))

    def _rows_step(self) -> tuple[Step, Sequence[Reduce], list[Place]]:
        """The kernel that reduces the last dim of each row, and where it leaves the results."""
        builder, axes = NestBuilder(), self.axes
        (reduces,) = self._element(builder, self._whole(builder, 0))[0].stages
        count = math.prod(self.order.shape[d] for d in self.leading)
        partial = places_of_parts(reduces, (count, *self.ends.outer))
        over, numbers = (x[: len(axes.outer)] for x in axes.of(self.over_parts))
        stores = [
            builder.store(place, over, numbers, Reduced(0, number, place.dtype))
            for number, place in enumerate(partial)
        ]
        stages = [
            Stage(ranges(builder, axes.inner), tuple(reduces)), Stage((), (), tuple(stores)),
        ]  # fmt: skip
        return self._nest(builder, axes.outer, axes.inner, stages, self.mode), reduces, partial

    def _cut_step(self, parts: int) -> tuple[Step, Sequence[Reduce], list[Place]]:
        """The kernel that reduces each part of each row, and where it leaves the results."""
        builder, axes = NestBuilder(), self.axes
        (reduces,) = self._element(builder, self._whole(builder, 1))[0].stages
        shape = (parts, *axes.outer)
        chunk = builder.generic(Const(-(-axes.inner[0] // parts), i64))
        extent = Extent(builder.size(axes.inner[0]))
        start, after = mul(Index(0), chunk), mul(add(Index(0), Const(1, i64)), chunk)
        first = Range(*(Call("min", (bound, extent), i64) for bound in (start, after)))
        stage = Stage((first, *ranges(builder, axes.inner[1:])), tuple(reduces))
        partial = places_of_parts(reduces, shape)
        stores = [
            builder.store(place, place.strides, range(len(shape)), Reduced(0, number, place.dtype))
            for number, place in enumerate(partial)
        ]
        inner = [-(-axes.inner[0] // parts), *axes.inner[1:]]
        stages = [stage, Stage((), (), tuple(stores))]
        return self._nest(builder, shape, inner, stages, self.mode), reduces, partial

    def _nest(
        self, builder: NestBuilder, outer: Sequence[int], inner: Sequence[int],
        stages: Sequence[Stage], mode: Mode,
    ) -> Step:  # fmt: skip
        """The step of a nest over `outer` axes whose rows have the extents `inner`."""
        if mode.lanes == "inner":
            stages = keep_shared(builder, stages, len(outer), inner)
        stages = [replace(s, across=mode.across and _is_sum(s)) for s in stages]
        builder.finish_status([e for stage in stages for e in roots(stage)])
        row, name = math.prod(inner), self.group.name
        align = 128 if mode.across else 64 if mode.lanes == "outer" else 1
        axes = task_axes(builder, outer, row, align)
        kernel = LoopNest(name, tuple(builder.buffers), axes, tuple(stages), mode.lanes)
        elements = math.prod(outer) * row
        nbytes = sum(elements * b.dtype.itemsize for b in builder.buffers[:2])
        cost = stream_cost(self.machine, elements, nbytes, operators(self.group) * len(stages))
        tasks = count_tasks(axes, builder.sizes)
        return Step(
            name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
            self.group.last.loc, cost,
        )  # fmt: skip


def _nothing(value: Value) -> Expr:
    """An operand of which only the dtype matters."""
    return const(0, tensor_type(value).element)


def _is_sum(stage: Stage) -> bool:
    """Whether a stage combines what has an order."""
    return any(r.function in ORDERED and r.dtype.is_floating for r in stage.reduces)


def _takes_long(reduces: Sequence[Reduce]) -> bool:
    """Whether functions are computed that take longer than to copy their operands."""
    called = (p.function for p in parts(Stage((), tuple(reduces))) if isinstance(p, Call))
    return any(r.function == "logsumexp" for r in reduces) or not LONG.isdisjoint(called)


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


def _spread(strides: Sequence[int], shape: Sequence[int], rows: Sequence[int]) -> tuple[int, ...]:
    """Strides over the result of a reduction as strides over the full domain.

    They are 0 on reduced dims, whether the result kept them or not.
    """
    if len(strides) == len(shape):
        return tuple(0 if d in rows else s for d, s in enumerate(strides))
    left = iter(strides)
    return tuple(0 if d in rows else next(left) for d in range(len(shape)))
