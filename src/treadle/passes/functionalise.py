"""`functionalise`: operators that write into a tensor become operators that make a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from treadle.ir.dtypes import DType, f32, i64
from treadle.ir.graph import Block, Graph, Node, Value, replace_uses
from treadle.ir.op import LOOP, OpDef
from treadle.ir.types import TENSOR, TensorType
from treadle.ops.inplace import FUNCTIONAL, RESHAPING
from treadle.ops.registry import OPS
from treadle.ops.written import as_written
from treadle.passes.alias import analyse_aliases
from treadle.passes.locations import Aliases, Location, is_container

_EXAMPLES = {"int": 1, "float": 1.0, "bool": True, "number": 1, "NoneType": None}


def functionalise(graph: Graph) -> bool:
    """Replace ``y = relu_(x)`` by ``y = relu(x)``, and later uses of ``x`` by ``y``.

    Applies where nothing else that shares memory with ``x`` is used afterwards, and ``x`` was made
    in the same block. Where types do not tell that the result has the type of ``x``, an
    `as_written` follows, which fails or converts as the write would; it vanishes once shapes are
    known. `unsqueeze_` and its kin, which give ``x`` another shape, are replaced alike.

    Does not apply to (1) parameters of the graph, attributes and constants, which are visible
    outside, (2) ``x`` of which a view, or a list that had it before, is used later, or that an
    outer block made, (3) operators without a functional form in `ops.inplace`.
    """
    nodes = [n for n in graph.walk() if n.op.name in FUNCTIONAL or n.op.name in RESHAPING]
    if not nodes:
        return False
    order = _Order()
    order.block(graph, ())
    memory = _Memory(analyse_aliases(graph))
    changed = False
    for node in nodes:
        if memory.is_private(node.inputs[0]) and _is_last(node, memory, order):
            _replace(node, memory, order)
            changed = True
    return changed


@dataclass(slots=True)
class _Order:
    """When nodes run: a node enters before the nodes of its blocks and leaves after them."""

    enter: dict[Node, int] = field(default_factory=dict)
    leave: dict[Node, int] = field(default_factory=dict)
    loops: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    time: int = 0

    def block(self, block: Block, loops: tuple[Node, ...]) -> None:
        for node in block.nodes:
            self.visit(node, loops)
        self.visit(block.end, loops)

    def visit(self, node: Node, loops: tuple[Node, ...]) -> None:
        self.time += 1
        self.enter[node], self.loops[node] = self.time, loops
        for inner in node.blocks:
            self.block(inner, (*loops, node) if node.op is LOOP else loops)
        self.time += 1
        self.leave[node] = self.time

    def put(self, new: Node, old: Node) -> None:
        """Let `new` run when `old` did."""
        self.enter[new], self.leave[new] = self.enter[old], self.leave[old]
        self.loops[new] = self.loops[old]

    def is_after(self, user: Node, node: Node, value: Value) -> bool:
        """Whether `user` may use `value` after `node` has run.

        That is later, or in a later round of a loop that `value` comes from outside of.
        """
        if self.enter[user] > self.enter[node]:
            return True
        around = value.node if value.node is not None else value.block and value.block.owner
        inner = self.loops[around] if isinstance(around, Node) else ()
        if value.node is None and isinstance(around, Node) and around.op is LOOP:
            inner = (*inner, around)  # a parameter is new in each round
        shared = [loop for loop in self.loops[node] if loop in self.loops[user]]
        return any(loop not in inner for loop in shared)

    def is_defined_after(self, value: Value, node: Node) -> bool:
        return value.node is not None and self.leave[value.node] > self.leave[node]


class _Memory:
    """The values at each location, kept up to date while nodes are replaced."""

    def __init__(self, aliases: Aliases) -> None:
        self.aliases = aliases
        self.reach: dict[Value, frozenset[Location]] = {}
        self.values: dict[Location, list[Value]] = {}
        for value in aliases.locations:
            self.add(value, aliases.reachable(value))

    def add(self, value: Value, reach: frozenset[Location]) -> None:
        self.reach[value] = reach
        for location in reach:
            self.values.setdefault(location, []).append(value)

    def is_private(self, value: Value) -> bool:
        """Whether only values of this run see the memory of `value`."""
        reach = self.reach.get(value, frozenset())
        return all(isinstance(at, Value) and at not in self.aliases.outliving for at in reach)

    def others(self, value: Value) -> set[Value]:
        """The values that may share memory with `value`."""
        found = {v for at in self.reach[value] for v in self.values[at]}
        return found - {value}


def _is_last(node: Node, memory: _Memory, order: _Order) -> bool:
    """Whether later nodes can reach what `node` writes only through its operand and result."""
    target = node.inputs[0]
    home = target.node.owner if target.node is not None else target.block
    if home is not node.owner:
        return False
    others = [
        v
        for v in memory.others(target)
        if v is not node.output and not order.is_defined_after(v, node)
    ]
    tensors = [v for v in others if not is_container(v.type)]
    if len(tensors) < len(others) and not _may_be_held([target, *tensors], node, order):
        others = tensors  # the containers have results, of this round or others
    for other in others:
        if any(order.is_after(user, node, other) for user in other.users):
            return False
    return True


def _may_be_held(tensors: Sequence[Value], node: Node, order: _Order) -> bool:
    """Whether a list, tuple, dictionary or future may have one of `tensors` when `node` runs."""
    for value in tensors:
        fresh = value.node is not None and order.loops[value.node] == order.loops[node]
        for user in value.users:
            if _holds(user) and not (fresh and order.enter[user] > order.enter[node]):
                return True
    return False


def _holds(user: Node) -> bool:
    """Whether `user` may put an operand into a container."""
    block = user.owner
    if block is not None and user is block.end:  # what its operands become is outside of the block
        return block.owner is None or any(is_container(v.type) for v in block.owner.outputs)
    if any(is_container(v.type) for v in user.outputs):
        return True
    arguments = user.op.schema.arguments if user.op.schema is not None else ()
    written = (v for a, v in zip(arguments, user.inputs, strict=False) if a.writes)
    return any(is_container(v.type) for v in written)


def _keeps_type(node: Node) -> bool:
    """Whether the functional form certainly gives the dtype of the operand, and its shape if known.

    An unknown dtype of the operand is taken as f32, and as i64 if the operator has a rule for that:
    1.5 can be added to floats alone, 1 to all numbers.
    """
    functional = OPS[FUNCTIONAL[node.op.name]]
    if functional.infer is None or functional.schema is None:
        return False
    tensors = [v.type for v in node.inputs if isinstance(v.type, TensorType)]
    if any(t.dtype is None for t in tensors) and len(tensors) > 1:
        return False
    concrete = all(t.is_concrete for t in tensors)
    for dtype in (f32, i64):
        arguments = [_example(v, concrete, dtype) for v in node.inputs]
        result = _infer(functional, arguments)
        if result != arguments[0] and (result is not None or dtype == f32):
            return False
    return True


def _infer(op: OpDef, arguments: list[Any]) -> Any:
    try:
        return op.infer(*arguments) if op.infer is not None else None
    except Exception:  # the operands do not fit: raised when the model runs
        return None


def _example(value: Value, concrete: bool, dtype: DType) -> Any:
    type_ = value.type
    if isinstance(type_, TensorType):
        return type_ if concrete else TensorType(type_.dtype or dtype, (2, 2))
    return value.constant if value.is_constant else _EXAMPLES.get(str(type_))


def _replace(node: Node, memory: _Memory, order: _Order) -> None:
    block, target = node.owner, node.inputs[0]
    assert block is not None
    reshaping = RESHAPING.get(node.op.name)
    functional = OPS[reshaping or FUNCTIONAL[node.op.name]]
    type_ = node.output.type if node.output.type != TENSOR or reshaping else target.type
    kept = reshaping is not None or _keeps_type(node)
    new = block.add(
        functional, node.inputs, (type_ if kept else TENSOR,), before=node, loc=node.loc
    )
    if not kept:
        order.put(new, node)
        inputs = (new.output, target)
        new = block.add(as_written, inputs, (type_,), before=node, loc=node.loc)
    order.put(new, node)
    new.output.name = node.output.name or target.name
    replace_uses(node.output, new.output)
    for user in list(target.users):
        if user not in (node, new) and order.enter[user] > order.enter[node]:
            for i, value in enumerate(user.inputs):
                if value is target:
                    user.set_input(i, new.output)
    memory.add(new.output, memory.reach[target])
    block.erase(node)
