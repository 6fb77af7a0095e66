"""Reductions and row-wise maps (softmax, layer norm) as loop nests."""

from __future__ import annotations

import math
from collections.abc import Sequence

from treadle.ir.dtypes import DType, bool_, i64
from treadle.ir.graph import Node, Value
from treadle.ir.loops import (
    Access,
    Axis,
    Call,
    Const,
    Expr,
    Extent,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Stage,
)  # fmt: skip
from treadle.ops.expr import dtype_of
from treadle.ops.lowering import Rows
from treadle.schedule.fused import Fused, externals, operators
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import (
    Place,
    broadcast_strides,
    collapse,
    dense_strides,
    walking_order,
)  # fmt: skip
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes

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


def rows_step(group: Group, placement: Placement, machine: Machine) -> Step:
    """A group around a `Rows` anchor as one kernel."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Rows)
    rule, result = node.op.lower, tensor_type(node.output)
    lead_value = tensor_operands(node)[0]
    shape = tensor_type(lead_value).sizes
    types = map_arguments(node, lambda _, v: tensor_type(v))
    rows = rule.dims(result, *types)
    before, after = _sides(group, node)
    operands = [(v, placement[v]) for v in externals(group)]
    order = _order([placement[v] for v in before], shape)
    target = placement.result(group.result, None if rule.reduces else order)

    def over_rows(place: Place) -> tuple[int, ...]:
        return broadcast_strides(place, shape)

    def over_result(place: Place) -> tuple[int, ...]:
        own = broadcast_strides(place, target.shape)
        return _spread(own, shape, rows) if rule.reduces else own

    spread = over_result(target)
    strides = [
        *(over_rows(placement[v]) for v in before),
        *(over_result(placement[v]) for v in after),
    ]
    axes = _Axes(shape, rows, order, [spread, *strides])
    builder = NestBuilder()
    inside = Fused(group, {}, lambda v: _load(builder, axes, placement[v], over_rows(placement[v])))
    count = Const(math.prod(shape[d] for d in rows), i64)
    writer = _Builder(builder.generic(count))
    element = rule.build(writer, result, *map_arguments(node, lambda _, v: inside(v)))
    tail = Fused(
        group, {node.output: element},
        lambda v: _load(builder, axes, placement[v], over_result(placement[v])),
    )  # fmt: skip
    value = tail(group.result)
    return _nest(
        group, builder, axes, writer, value, target, spread, rule.reduces, machine, operands
    )  # fmt: skip


def _sides(group: Group, anchor: Node) -> tuple[list[Value], list[Value]]:
    """External values read up to the anchor, and those read by what follows it."""
    computed = set(anchor.outputs)
    for node in group.nodes:
        if any(v in computed for v in tensor_operands(node)):
            computed.update(node.outputs)
    inner = {v for n in group.nodes for v in n.outputs}
    before: dict[Value, None] = {}
    after: dict[Value, None] = {}
    for node in group.nodes:
        is_tail = node is not anchor and node.outputs[0] in computed
        (after if is_tail else before).update(
            dict.fromkeys(v for v in tensor_operands(node) if v not in inner)
        )
    return list(before), list(after)


def _load(builder: NestBuilder, axes: _Axes, place: Place, strides: Sequence[int]) -> Expr:
    over, numbers = axes.of(place, strides)
    return builder.load(place, over, numbers)


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
    group: Group, builder: NestBuilder, axes: _Axes, writer: _Builder, value: Expr, target: Place,
    spread: Sequence[int], reduces: bool, machine: Machine,
    operands: Sequence[tuple[Value, Place]]
) -> Step:  # fmt: skip
    row = math.prod(axes.inner)
    outer = task_axes(builder, axes.outer, row)
    ranges = tuple(Range(Const(0, i64), Extent(builder.size(n))) for n in axes.inner)
    stages = [Stage(ranges, tuple(reduces_)) for reduces_ in writer.stages]
    strides, numbers = axes.of(target, spread)
    if reduces:
        kept = len(axes.outer)
        store = builder.store(target, strides[:kept], numbers[:kept], value)
        stages.append(Stage((), (), (store,)))
    else:
        store = builder.store(target, strides, numbers, value)
        stages.append(Stage(ranges, (), (store,)))
    builder.finish_status([value])
    mode = _vectorized(axes, outer, store.access if not reduces else None, writer, value)
    kernel = LoopNest(group.name, tuple(builder.buffers), outer, tuple(stages), mode)
    elements = math.prod(axes.outer) * row
    nbytes = sum(p.numel * p.dtype.itemsize for p in (target, *(p for _, p in operands)))
    cost = stream_cost(machine, elements, nbytes, operators(group) * len(stages))
    tasks = count_tasks(outer, builder.sizes)
    return Step(
        group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc, cost,
    )  # fmt: skip


def _vectorized(
    axes: _Axes, outer: Sequence[Axis], store: Access | None, writer: _Builder, value: Expr
) -> str:
    """``outer`` if neighbours in memory are on the last outer axis and not within a row."""
    last_outer, last_inner = len(outer) - 1, len(outer) + len(axes.inner) - 1
    accesses = [a for stage in writer.stages for r in stage for a in _accesses(r.value)]
    accesses += _accesses(value) + ([store] if store else [])
    inner = sum((last_inner, 1) in a.terms for a in accesses)
    columns = sum(
        (last_outer, 1) in a.terms and all(t != last_inner or s != 1 for t, s in a.terms)
        for a in accesses
    )
    return "outer" if columns > inner and axes.outer[-1] > 1 else "inner"


def _accesses(expr: Expr) -> list[Access]:
    if isinstance(expr, Call):
        return [a for arg in expr.args for a in _accesses(arg)]
    return [expr.access] if hasattr(expr, "access") else []
