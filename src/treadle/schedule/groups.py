"""Fusion: which nodes of a straight line run as one kernel.

A group is at most one anchor (a contraction, reduction, window or gather) with the pointwise nodes
around it. Inner results exist only in registers, so a value joins a group only if all its users do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from treadle.ir.graph import Block, Node, Value
from treadle.ir.op import CONSTANT, FORK, LIST, TUPLE, TUPLE_UNPACK, WAIT
from treadle.ir.types import TensorType
from treadle.ops.lowering import (
    Concat,
    Convolution,
    Elements,
    Fold,
    Fourier,
    MatrixProduct,
    Order,
    Pointwise,
    Recurrence,
    Reshape,
    Rows,
    Scan,
    Scatter,
    Sieve,
    View,
    Window,
)  # fmt: skip

_STRUCTURE = (CONSTANT, FORK, LIST, TUPLE, TUPLE_UNPACK, WAIT)
_ALONE = (
    *(Convolution, MatrixProduct, Recurrence, Window, Elements, Scatter, Fold, Scan, Order),
    *(Fourier, Sieve),
)
_TAKES_TAIL = (Convolution, MatrixProduct, Rows, Window, Elements, Scan)
MAX_NODES = 64
"""Larger groups would spill registers and take long to compile."""
MAX_TREE = 256
"""Expressions are trees: ``y = x * x`` many times over would double each time."""


@dataclass(slots=True, eq=False)
class Group:
    """Nodes that run as one kernel; `nodes` in the order of the graph, the last gives `result`."""

    nodes: list[Node]
    anchor: Node | None = None

    @property
    def last(self) -> Node:
        """The node that gives the result."""
        return self.nodes[-1]

    @property
    def result(self) -> Value:
        """The value that the kernel writes."""
        return self.last.outputs[0]

    @property
    def name(self) -> str:
        """Operators of the group, joined by ``+``."""
        return "+".join(n.op.name.split(".")[0] for n in self.nodes)


def arguments(node: Node) -> list[Any]:
    """The arguments of a specialised node: values for tensors, Python values for the rest."""
    return [_argument(v) for v in node.inputs]


def _argument(value: Value) -> Any:
    node = value.node
    if node is None or isinstance(value.type, TensorType):
        return value
    if node.op is LIST:
        return [_argument(v) for v in node.inputs]
    return node.attributes["value"] if node.op is CONSTANT else value


def map_arguments(node: Node, tensor: Callable[[int, Value], Any]) -> list[Any]:
    """The arguments of `node` with ``tensor(position, value)`` in place of each tensor."""

    def convert(position: int, argument: Any) -> Any:
        if isinstance(argument, Value):
            return tensor(position, argument)
        if isinstance(argument, list):
            return [convert(position, a) for a in argument]
        return argument

    return [convert(i, a) for i, a in enumerate(arguments(node))]


def tensor_type(value: Value) -> TensorType:
    """The concrete type of a tensor value."""
    assert isinstance(value.type, TensorType), value
    return value.type


def tensor_operands(node: Node) -> list[Value]:
    """The tensor operands of a node, lists flattened."""
    found: list[Value] = []
    map_arguments(node, lambda _, value: found.append(value))
    return found


def is_alias(node: Node) -> bool:
    """Whether the result of `node` is a view of its first operand, up to a copy."""
    return isinstance(node.op.lower, View | Reshape)


def form_groups(block: Block) -> list[Group | Node]:
    """The groups of `block` in an order in which they can run.

    Views, concatenations, forks and waits are single nodes between them.
    """
    groups: dict[Node, Group] = {}
    for node in block.nodes:
        if node.op in _STRUCTURE or is_alias(node) or isinstance(node.op.lower, Concat):
            continue
        group = _start(node)
        absorbed = _absorb(group, node, groups, block)
        for other in absorbed:
            for n in other.nodes:
                groups[n] = group
        groups[node] = group
    order: list[Group | Node] = []
    for node in block.nodes:
        if node not in groups:
            if node.op not in (CONSTANT, LIST, TUPLE, TUPLE_UNPACK):
                order.append(node)
        elif groups[node].last is node:
            order.append(groups[node])
    return order


def _start(node: Node) -> Group:
    pointwise = isinstance(node.op.lower, Pointwise)
    return Group([node], None if pointwise else node)


def _absorb(group: Group, node: Node, groups: dict[Node, Group], block: Block) -> list[Group]:
    """Grow `group` by the groups whose results only it uses; return them."""
    if isinstance(node.op.lower, _ALONE):
        return []
    shape = tensor_type(
        tensor_operands(node)[0] if isinstance(node.op.lower, Rows) else node.outputs[0]
    ).shape
    absorbed: list[Group] = []
    growing = True
    while growing:
        growing = False
        for member in list(group.nodes):
            for value in reversed(tensor_operands(member)):
                other = groups.get(value.node) if value.node is not None else None
                if other is None or other in absorbed or value.node is not other.last:
                    continue
                if _fits(group, other, value, shape, block):
                    absorbed.append(other)
                    group.nodes = _in_order(other.nodes + group.nodes, block)
                    group.anchor = group.anchor or other.anchor
                    growing = True
    return absorbed


def _fits(group: Group, other: Group, value: Value, shape: Any, block: Block) -> bool:
    if len(value.node.outputs if value.node else ()) != 1 or tensor_type(value).shape != shape:
        return False
    if any(user not in group.nodes for user in value.users):
        return False
    if group.anchor in value.users and not isinstance(group.anchor.op.lower, Rows):
        return False  # only rows compute their operands on the way
    if len(group.nodes) + len(other.nodes) > MAX_NODES or _tree_size(value, other) > MAX_TREE:
        return False
    if other.anchor is None:
        return True
    if _waits_between(other.last, group.last, block):
        return False  # it would wait too, instead of running beside what is waited for
    if isinstance(other.anchor.op.lower, Convolution | MatrixProduct | Window) and _checks(group):
        return False  # those kernels have no way to report
    return group.anchor is None and isinstance(other.anchor.op.lower, _TAKES_TAIL)


def _waits_between(first: Node, last: Node, block: Block) -> bool:
    inside = False
    for node in block.nodes:
        if node is last:
            return False
        inside = inside or node is first
        if inside and node.op is WAIT:
            return True
    return False


def _checks(group: Group) -> bool:
    return any(isinstance(n.op.lower, Pointwise) and n.op.lower.checks for n in group.nodes)


def _tree_size(value: Value, group: Group) -> int:
    """Operators in the expression of `value`, shared ones counted each time."""
    sizes: dict[Value, int] = {}
    for node in group.nodes:
        size = 1 + sum(sizes.get(v, 0) for v in tensor_operands(node))
        sizes.update(dict.fromkeys(node.outputs, size))
    return sizes[value]


def _in_order(nodes: list[Node], block: Block) -> list[Node]:
    chosen = set(nodes)
    return [n for n in block.nodes if n in chosen]
