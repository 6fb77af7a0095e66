"""Copies of graphs and blocks."""

from __future__ import annotations

from treadle.ir.graph import Block, Graph, Node, Value


def clone_graph(graph: Graph) -> Graph:
    """A copy that shares no node, value or block with `graph`; constants share their values."""
    copy = Graph(graph.name)
    mapping = _clone_params(graph, copy)
    copy.set_returns(clone_nodes(graph, copy, copy.end, mapping))
    return copy


def clone_nodes(
    source: Block, target: Block, place: Node, mapping: dict[Value, Value]
) -> list[Value]:
    """Copy the nodes of `source` into `target`, before `place`.

    `mapping` says what stands for each parameter of `source`, and gets the copies of all values;
    values without an entry stay themselves. The result is what stands for the returns of `source`.
    """
    for node in source.nodes:
        clone_node(node, target, place, mapping)
    return [mapping.get(v, v) for v in source.returns]


def clone_node(node: Node, target: Block, place: Node, mapping: dict[Value, Value]) -> Node:
    """A copy of `node` in `target`, before `place`; see `clone_nodes` for `mapping`."""
    inputs = [mapping.get(v, v) for v in node.inputs]
    copy = Node(node.op, inputs, [v.type for v in node.outputs], dict(node.attributes), node.loc)
    target.insert_before(place, copy)
    for block in node.blocks:
        inner = copy.add_block()
        mapping.update(_clone_params(block, inner))
        inner.set_returns(clone_nodes(block, inner, inner.end, mapping))
    for old, new in zip(node.outputs, copy.outputs, strict=True):
        new.name = old.name
        mapping[old] = new
    return copy


def _clone_params(source: Block, target: Block) -> dict[Value, Value]:
    return {p: target.add_param(p.type, p.name) for p in source.params}
