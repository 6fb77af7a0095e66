"""`fold_constants`: what constants decide is computed once, while compiling."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.clone import clone_nodes
from treadle.ir.graph import Block, Graph, Node, Value, replace_uses
from treadle.ir.literals import is_literal, print_literal
from treadle.ir.op import CONSTANT, IF, LIST, LOOP, TUPLE, UNINITIALIZED
from treadle.ir.subtype import is_assignable
from treadle.ir.types import INT, TensorType, Type
from treadle.passes.alias import analyse_aliases
from treadle.passes.constants import constant_type
from treadle.passes.forward import Known, known_result

MAX_GROWTH_BYTES = 1 << 16
MAX_UNROLLED_NODES = 2000
MAX_TRIPS = 256


def fold_constants(graph: Graph) -> bool:
    """Evaluate pure operators on constants, and take the decisions that constants make.

    1. A pure operator on constants becomes its result, through its `reference`.
    2. ``if`` on a constant becomes the branch taken; one whose branches agree, their value.
    3. A loop with a constant trip count that always continues is unrolled.
    4. Elements of tuples and lists made here, lengths, ranks, sizes and types that are known, are
       taken from where they come (`passes.forward`).

    Does not apply to (1) tensors that would take over 64 KiB more than their operands, (2) results
    that someone writes into, and lists and tensors that the caller gets: each run needs its own,
    (3) operators that raise, (4) loops over 256 trips or 2000 nodes. Leaves unused nodes to `dce`.
    """
    folder = _Folder(graph)
    folder.block(graph)
    return folder.changed


class _Folder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.aliases = analyse_aliases(graph)
        self.changed = False

    def block(self, block: Block) -> None:
        node = block.end.next
        while node is not block.end:
            before = node.prev
            if self.node(block, node):
                self.changed = True
                if node.owner is None:
                    node = before.next  # what took the place of `node` comes next
                    continue
            node = node.next

    def node(self, block: Block, node: Node) -> bool:
        """Rewrite one node; whether that did anything."""
        if node.op is CONSTANT:
            return False
        if node.op is IF:
            return self.conditional(block, node)
        if node.op is LOOP:
            return self.loop(block, node)
        if len(node.outputs) == 1 and not node.output.users:
            return False
        forwarded = known_result(node, self.aliases)
        if forwarded is not None and self.may_replace(node, forwarded):
            return self.substitute(block, node, forwarded)
        for inner in node.blocks:
            self.block(inner)
        return self.evaluate(block, node)

    def substitute(self, block: Block, node: Node, results: list[Value | Known]) -> bool:
        for output, result in zip(node.outputs, results, strict=True):
            if isinstance(result, Value):
                replace_uses(output, result)
            else:
                type_ = constant_type(result.value, output.type)
                replace_uses(output, self.constant(block, node, result.value, type_))
        block.erase(node)
        return True

    def constant(self, block: Block, node: Node, value: Any, type_: Type) -> Value:
        """A constant before `node`, with its location."""
        made = block.add(CONSTANT, (), (type_,), before=node, loc=node.loc, value=value)
        made.output.name = node.outputs[0].name if len(node.outputs) == 1 else ""
        return made.output

    # --- operators ------------------------------------------------------------------------------

    def evaluate(self, block: Block, node: Node) -> bool:
        if not all(v.is_constant for v in node.inputs) or node.blocks:
            return False
        if not all(map(self.may_be_shared, node.outputs)):
            return False
        results = _results(node)
        if results is None or not _is_small(node, results):
            return False
        return self.substitute(block, node, [Known(r) for r in results])

    def may_replace(self, node: Node, results: list[Value | Known]) -> bool:
        pairs = zip(node.outputs, results, strict=True)
        return all(isinstance(r, Value) or self.may_be_shared(v) for v, r in pairs)

    def may_be_shared(self, value: Value) -> bool:
        """Whether all runs may have one `value`: nobody writes to it, nor gets it from the run."""
        reach = self.aliases.reachable(value)
        return not any(
            at in self.aliases.writers or (isinstance(at, Value) and at in self.aliases.escaping)
            for at in reach
        )

    # --- control flow ---------------------------------------------------------------------------

    def conditional(self, block: Block, node: Node) -> bool:
        condition = node.inputs[0]
        if condition.is_constant:
            _splice(block, node, node.blocks[0 if condition.constant else 1])
            return True
        for inner in node.blocks:
            self.block(inner)
        changed = False
        for output, *returned in zip(node.outputs, *(b.returns for b in node.blocks), strict=True):
            common = self.common(block, node, returned) if output.users else None
            if common is not None and is_assignable(common.type, output.type):
                replace_uses(output, common)
                changed = True
        return changed

    def common(self, block: Block, node: Node, returned: list[Value]) -> Value | None:
        """The value that all branches of ``if`` return, those aside that never return."""
        first, *rest = [
            v for v in returned if v.node is None or v.node.op is not UNINITIALIZED
        ] or returned
        if all(v is first for v in rest) and not _is_within(first, node):
            return first
        literal = first.constant
        if not all(v.is_constant for v in (first, *rest)) or not is_literal(literal):
            return None
        if isinstance(literal, list | tuple):
            return None
        if all(is_literal(v.constant) and _same_literal(v.constant, literal) for v in rest):
            return self.constant(block, node, literal, first.type)
        return None

    def loop(self, block: Block, node: Node) -> bool:
        trips, start = node.inputs[0], node.inputs[1]
        body = node.blocks[0]
        if (trips.is_constant and trips.constant <= 0) or (
            start.is_constant and not start.constant
        ):
            for output, value in zip(node.outputs, node.inputs[2:], strict=True):
                replace_uses(output, value)
            block.erase(node)
            return True
        go_on = body.returns[0]
        always = start.is_constant and go_on.is_constant and bool(go_on.constant)
        if always and trips.is_constant and trips.constant <= MAX_TRIPS:
            size = sum(1 + _count(n) for n in body.nodes)
            if trips.constant * size <= MAX_UNROLLED_NODES:
                _unroll(block, node, trips.constant)
                self.aliases = analyse_aliases(self.graph)  # the copies are new values
                return True
        self.block(body)
        return False


def _splice(block: Block, node: Node, branch: Block) -> None:
    """Put the nodes of `branch` in place of `node`, the ``if`` that owns it."""
    for inner in branch.nodes:
        block.move_before(inner, node)
    for output, value in zip(node.outputs, branch.returns, strict=True):
        replace_uses(output, value)
    block.erase(node)


def _unroll(block: Block, node: Node, trips: int) -> None:
    body, carried = node.blocks[0], list(node.inputs[2:])
    for i in range(trips):
        index = block.constant(i, INT, before=node)
        mapping = dict(zip(body.params, (index, *carried), strict=True))
        carried = clone_nodes(body, block, node, mapping)[1:]
    for output, value in zip(node.outputs, carried, strict=True):
        replace_uses(output, value)
    block.erase(node)


def _count(node: Node) -> int:
    return sum(1 + _count(n) for b in node.blocks for n in b.nodes)


def _same_literal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and print_literal(a) == print_literal(b)  # tells 0.0 from -0.0


def _is_within(value: Value, node: Node) -> bool:
    """Whether `value` is defined in a block of `node`."""
    block = value.block if value.node is None else value.node.owner
    while block is not None and block.owner is not None:
        if block.owner is node:
            return True
        block = block.owner.owner
    return False


def _results(node: Node) -> list[Any] | None:
    """The results of a node on constants; None if they cannot be had now."""
    values = [v.constant for v in node.inputs]
    if node.op is LIST:
        return [values]
    if node.op is TUPLE:
        return [tuple(values)]
    op = node.op
    if op.schema is None or op.schema.writes or not op.is_pure_on(values) or op.reference is None:
        return None
    try:
        with np.errstate(all="ignore"):
            result = op.reference(*values)
    except Exception:  # it raises when the model runs, where the user sees it
        return None
    results = [result] if len(node.outputs) == 1 else list(result)
    if len(results) != len(node.outputs):
        return None
    return [_owned(r, v.type) for r, v in zip(results, node.outputs, strict=True)]


def _owned(result: Any, type_: Type) -> Any:
    """`result` as the IR holds constants: 0-dim arrays for tensors, plain numbers for numbers."""
    if isinstance(type_, TensorType):
        return np.asarray(result)
    if isinstance(result, np.generic):
        return result.item()
    return list(result) if isinstance(result, list) else result


def _is_small(node: Node, results: list[Any]) -> bool:
    before = sum(_num_bytes(v.constant) for v in node.inputs)
    return sum(map(_num_bytes, results)) <= before + MAX_GROWTH_BYTES


def _num_bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, list | tuple):
        return 8 + sum(map(_num_bytes, value))
    return len(value) if isinstance(value, str) else 8
