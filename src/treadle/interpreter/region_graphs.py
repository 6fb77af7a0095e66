"""Graphs of regions, as plans are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import Error, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.clone import clone_node
from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import TUPLE, OpDef
from treadle.ir.schema import parse_schema
from treadle.ir.types import TensorType, TupleType
from treadle.ops import OPS
from treadle.ops.lowering import Decompose, Emitter
from treadle.passes.abstract import Unplannable
from treadle.passes.region_members import number_twin
from treadle.passes.specialise import specialise


def first_unplannable(region: Node, values: Sequence[Any]) -> Node | None:
    """The first node of a region that cannot be planned for inputs like `values`, if there is one.

    None also if something else is wrong with the values.
    """
    nodes = list(region.blocks[0].nodes)
    planned, unplanned = 0, len(nodes)
    num_tensors = len(region.inputs) - region.attributes["fixed"]
    try:
        values = [*map(_type_of, values[:num_tensors]), *values[num_tensors:]]
        if _is_planned(region, nodes, values):
            return None
        while unplanned - planned > 1:
            middle = (planned + unplanned) // 2
            if _is_planned(region, nodes[:middle], values):
                planned = middle
            else:
                unplanned = middle
    except (Error, KeyError):  # the interpreter finds the error, and its place
        return None
    return nodes[planned]


def _is_planned(region: Node, nodes: Sequence[Node], values: Sequence[Any]) -> bool:
    graph, _ = copy_of(region, nodes, ())
    _take_numbers_as_tensors(graph, region)
    try:
        specialise(graph, values, OPS.by_name)
    except Unplannable:
        return False
    return True


def graph_of(region: Node) -> Graph:
    """The block of a region as a graph of its inputs, which returns a tuple."""
    (block,) = region.blocks
    graph, _ = copy_of(region, list(block.nodes), block.returns)
    _take_numbers_as_tensors(graph, region)
    return graph


def copy_of(
    region: Node, nodes: Sequence[Node], returns: Sequence[Value]
) -> tuple[Graph, dict[Node, Node]]:
    """A graph of `nodes` of a region, which takes its inputs, and the copies of the nodes."""
    graph = Graph("region")
    mapping = {v: graph.add_param(v.type, v.name) for v in region.inputs}
    for value in constants_of(region.blocks[0]):
        assert value.node is not None
        clone_node(value.node, graph, graph.end, mapping)
    copies = {n: clone_node(n, graph, graph.end, mapping) for n in nodes}
    results = [mapping[v] for v in returns]
    type_ = TupleType(tuple(v.type for v in results))
    graph.set_returns([graph.add(TUPLE, results, (type_,)).output])
    return graph, copies


def _type_of(value: Any) -> TensorType:
    array = np.asarray(value)
    return TensorType(dtypes.BY_TORCH_NAME[array.dtype.name], array.shape)


def _take_numbers_as_tensors(graph: Graph, region: Node) -> None:
    for number in graph.params[: len(region.inputs) - region.attributes["fixed"]]:
        if not isinstance(number.type, TensorType):
            _use_as_tensor(number)


def _use_as_tensor(number: Value) -> None:
    """Let operators use a number that comes as a tensor without dims: of float64, int64, bool."""
    number.type = TensorType()
    for user in list(number.users):
        twin = number_twin(user)
        assert twin is not None
        assert user.owner is not None
        inputs = (number, user.inputs[0])
        like = user.owner.add(_NUMBER_LIKE, inputs, (TensorType(),), before=user)
        user.set_input(1, like.output)
        user.op = twin


def _number_like(emit: Emitter, number: Any, tensor: Any) -> Any:
    """`number` in the dtype in which a number is combined with `tensor`."""
    given, other = emit.type(number).element, emit.type(tensor).element
    if other.is_complex or (other.itemsize < 4 and other.kind != "b"):
        raise UnsupportedError(f"numbers that vary are not planned with {other}")
    if other.is_floating:
        wanted = other
    else:
        wanted = dtypes.f32 if given.is_floating else dtypes.i64 if other.kind == "b" else other
    return emit("to.dtype", number, wanted.code, False, False, None)


_NUMBER_LIKE = OpDef(
    "number_like",
    parse_schema("treadle::number_like(Tensor number, Tensor other) -> Tensor"),
    lower=Decompose(_number_like),
)


def constants_of(block: Block) -> list[Value]:
    """The constants from outside that a block uses."""
    found: dict[Value, None] = {}
    inner: set[Node] = set()
    pending = [block]
    while pending:
        current = pending.pop()
        for node in [*current.nodes, current.end]:
            inner.add(node)
            pending += node.blocks
            found.update((v, None) for v in node.inputs if v.is_constant)
    return [v for v in found if v.node not in inner]
