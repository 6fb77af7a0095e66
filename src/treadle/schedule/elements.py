"""Gathers and other operators that compute the position they read, as loop nests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from treadle.ir.graph import Node, Value
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
    Stage,
    Store,
)
from treadle.ir.symbols import as_int
from treadle.ops.lowering import Elements, Loader
from treadle.schedule.fused import Fused, operators
from treadle.schedule.groups import Group, arguments, map_arguments, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, broadcast_strides, walking_order
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes


@dataclass(slots=True)
class _Positions:
    """A position expression as ``constant + sum(axis * factor)`` plus data-dependent parts."""

    constant: int = 0
    factors: dict[int, int] = field(default_factory=dict)
    indirect: list[tuple[Expr, int]] = field(default_factory=list)

    def add(self, expr: Expr, factor: int) -> None:
        """Add ``expr * factor``."""
        if isinstance(expr, Const):
            self.constant += as_int(expr.value) * factor
        elif isinstance(expr, Index):
            self.factors[expr.axis] = self.factors.get(expr.axis, 0) + factor
        elif isinstance(expr, Call) and expr.function in ("add", "sub"):
            self.add(expr.args[0], factor)
            self.add(expr.args[1], factor if expr.function == "add" else -factor)
        elif isinstance(expr, Call) and expr.function == "mul" and isinstance(expr.args[1], Const):
            self.add(expr.args[0], factor * as_int(expr.args[1].value))
        else:
            self.indirect.append((expr, factor))


def elements_step(group: Group, placement: Placement, machine: Machine) -> Step:
    """An `Elements` anchor, with what follows it, as one kernel."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Elements)
    result = tensor_type(node.output)
    places = operand_places(node, placement)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    first = next(iter(places.values()), None)  # a range has no operands
    order = None
    if first is not None and len(first.shape) == len(result.sizes):
        order = walking_order(result.sizes, first.strides)
    target = placement.result(group.result, order)
    walked = walking_order(target.shape, target.strides)
    axis = {d: walked.index(d) for d in range(len(walked))}
    numbers = [axis[d] for d in range(len(walked))]
    builder = NestBuilder()
    load = element_loader(builder, places)
    indices = [Index(n) for n in numbers]

    def stored(element: Expr) -> Store:
        fused = Fused(
            group, {node.output: builder.generic(element)},
            lambda v: builder.load(
                placement[v], broadcast_strides(placement[v], target.shape), numbers
            ),
        )  # fmt: skip
        return builder.store(target, target.strides, numbers, fused(group.result))

    pieces = None
    if node.op.lower.pieces is not None and len(walked) > 1 and walked[-1] == len(walked) - 1:
        pieces = node.op.lower.pieces(load, indices, result, *types)
    extents = [target.shape[d] for d in walked]
    if pieces is not None:
        axes = task_axes(builder, extents[:-1], extents[-1], 1)
        stages = tuple(_piece(builder, *piece, stored) for piece in pieces)
    else:
        axes = task_axes(builder, extents or [1])
        stages = (Stage((), (), (stored(node.op.lower.build(load, indices, result, *types)),)),)
    builder.finish_status([store.value for stage in stages for store in stage.stores])
    mode = "outer" if pieces is None else "inner"
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, stages, mode)
    nbytes = 2 * target.numel * target.dtype.itemsize
    cost = stream_cost(machine, target.numel, nbytes, operators(group))
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc, cost,
    )  # fmt: skip


def _piece(
    builder: NestBuilder, start: Expr, stop: Expr, element: Expr, stored: Callable[[Expr], Store]
) -> Stage:
    """The stage of a range of positions on the last dim."""
    return Stage((Range(builder.generic(start), builder.generic(stop)),), (), (stored(element),))


def element_loader(builder: NestBuilder, places: Mapping[tuple[int, int], Place]) -> Loader:
    """The `Loader` of a kernel over operands at `places`."""

    def load(argument: int, positions: Sequence[Expr], item: int = 0) -> Expr:
        place = places[argument, item]
        return Load(element_access(builder, place, positions), place.dtype)

    return load


def operand_places(node: Node, placement: Placement) -> dict[tuple[int, int], Place]:
    """The places of the tensors, by position of the argument and number among its tensors."""
    places: dict[tuple[int, int], Place] = {}
    for position, argument in enumerate(arguments(node)):
        listed = argument if isinstance(argument, list) else [argument]
        values = [v for v in listed if isinstance(v, Value)]
        places |= {(position, item): placement[v] for item, v in enumerate(values)}
    return places


def element_access(
    builder: NestBuilder, place: Place, positions: Sequence[Expr], *, written: bool = False
) -> Access:
    """The element of `place` at `positions`: affine parts as strides, others as indirect terms."""
    terms: dict[int, int] = {}
    offset = 0
    indirect: list[tuple[Expr, Dim]] = []
    for position, stride in zip(positions, place.strides, strict=True):
        parsed = _Positions()
        parsed.add(position, stride)
        offset += parsed.constant
        for axis, factor in parsed.factors.items():
            terms[axis] = terms.get(axis, 0) + factor
        for expr, factor in parsed.indirect:
            indirect.append((builder.generic(expr), builder.dim(factor)))
    walk = [(a, s) for a, s in sorted(terms.items()) if s != 0]
    affine = tuple((a, -1 if s == -1 else builder.dim(s)) for a, s in walk)
    return Access(
        builder.buffer(place, written=written), affine, builder.dim(offset), tuple(indirect)
    )
