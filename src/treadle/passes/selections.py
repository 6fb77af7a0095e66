"""`take_selections_apart`: operators whose results are of no known size end in a selection."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.ir.graph import Graph, Node, Value, replace_uses
from treadle.ir.types import INT, TensorType
from treadle.ops import OPS


def take_selections_apart(graph: Graph) -> None:
    """Make ``nms(boxes, scores, t)`` an order, what stays in it, and a selection.

    The first two have results as long as `scores`, so that plans run them.
    """
    for node in graph.walk():
        if node.op.name == "nms":
            _take_apart(node)


def _take_apart(node: Node) -> None:
    block = node.owner
    assert block is not None

    def add(name: str, inputs: Sequence[Value]) -> Value:
        made = block.add(OPS[name], inputs, (TensorType(),), before=node, loc=node.loc)
        return made.output

    boxes, scores, threshold = node.inputs
    order = add("nms_order", (boxes, scores))
    ordered = add("index_select", (boxes, block.constant(0, INT, before=node), order))
    kept = add("masked_select", (order, add("nms_staying", (ordered, threshold))))
    kept.name = node.output.name
    replace_uses(node.output, kept)
    block.erase(node)
