"""Which values of a loop may be unset when it runs, so that their uses have to look."""

from __future__ import annotations

from treadle.ir import op as ops
from treadle.ir.graph import Block, Node, Value


def maybe_unset(loop: Node) -> set[Value]:
    """The values of a loop that may be `UNINITIALIZED`, wherever control goes."""
    found: set[Value] = set()
    size = -1
    while size != len(found):
        size = len(found)
        _mark(loop, found)
        for block in loop.blocks:
            _mark_block(block, found)
    return found


def _mark_block(block: Block, found: set[Value]) -> None:
    for node in block.nodes:
        for inner in node.blocks:
            _mark_block(inner, found)
        _mark(node, found)


def _mark(node: Node, found: set[Value]) -> None:
    if node.op is ops.UNINITIALIZED:
        found.add(node.output)
    elif node.op is ops.IF:
        for block in node.blocks:
            for output, value in zip(node.outputs, block.returns, strict=True):
                if _may_be_unset(value, found):
                    found.add(output)
    elif node.op is ops.LOOP:
        (block,) = node.blocks
        rows = zip(node.inputs[2:], block.params[1:], block.returns[1:], node.outputs, strict=True)
        for start, param, end, output in rows:
            if _may_be_unset(start, found) or _may_be_unset(end, found):
                found |= {param, output}


def _may_be_unset(value: Value, found: set[Value]) -> bool:
    outside = value.node is not None and value.node.op is ops.UNINITIALIZED
    return outside or value in found
