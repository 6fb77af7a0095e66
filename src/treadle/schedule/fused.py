"""Expressions of fused pointwise nodes, over the domain of their kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from treadle.ir.dtypes import bf16, f16
from treadle.ir.graph import Node, Value
from treadle.ir.loops import Call, Const, Expr
from treadle.ops.expr import add, dtype_of
from treadle.ops.lowering import Pointwise
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, broadcast_strides


class Fused:
    """Builds the expression of each value of a group, once.

    `given` are values whose expression is known (what the anchor computes); `load` reads values
    from outside of the group at the current point.
    """

    def __init__(
        self, group: Group, given: dict[Value, Expr], load: Callable[[Value], Expr]
    ) -> None:
        self._inner = set(group.nodes)
        alone = len(group.nodes) == 1
        self._known = {v: e if alone else _as_stored(e) for v, e in given.items()}
        self._load = load

    def __call__(self, value: Value) -> Expr:
        """The expression of `value`."""
        known = self._known.get(value)
        if known is None:
            node = value.node
            inside = node is not None and node in self._inner
            known = self._build(node) if inside and node is not None else self._load(value)
            self._known[value] = known
        return known

    def _build(self, node: Node) -> Expr:
        assert isinstance(node.op.lower, Pointwise), node
        args = map_arguments(node, lambda _, v: self(v))
        return node.op.lower.build(tensor_type(node.output), *args)


def as_given(expr: Expr) -> Expr:
    """What another operator gives: a product whose factors a sum must not take.

    It is rounded as it is where that operator runs alone. Adding -0.0 changes nothing.
    """
    if isinstance(expr, Call) and expr.function == "mul" and expr.dtype.is_floating:
        return add(expr, Const(-0.0, expr.dtype))
    return expr


def _as_stored(expr: Expr) -> Expr:
    """What was summed in a wider dtype, rounded as where it is stored and read again."""
    dtype = dtype_of(expr)
    return Call("cast", (expr,), dtype) if dtype in (f16, bf16) else expr


def externals(group: Group) -> list[Value]:
    """Tensor values that the group reads and does not compute, each once, in order."""
    inner = {v for n in group.nodes for v in n.outputs}
    found = dict.fromkeys(v for n in group.nodes for v in tensor_operands(n) if v not in inner)
    return list(found)


def tail_operands(group: Group) -> list[Value]:
    """Values from outside that the nodes after the anchor read."""
    inner = {v for n in group.nodes for v in n.outputs}
    read = [v for n in group.nodes if n is not group.anchor for v in tensor_operands(n)]
    return list(dict.fromkeys(v for v in read if v not in inner))


def loader(
    builder: NestBuilder,
    placement: Placement,
    shape: Sequence[int],
    axes_of: Callable[[Place, Sequence[int]], tuple[Sequence[int], Sequence[int]]],
) -> Callable[[Value], Expr]:
    """A `load` for `Fused` over a domain of `shape`.

    ``axes_of(place, strides)`` turns strides over the domain into strides and axes of the kernel.
    """

    def load(value: Value) -> Expr:
        place = placement[value]
        strides, axes = axes_of(place, broadcast_strides(place, shape))
        return builder.load(place, strides, axes)

    return load


def operators(group: Group) -> int:
    """A count of the arithmetic per element."""
    return max(1, len(group.nodes)) * 4
