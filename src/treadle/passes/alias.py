"""`analyse_aliases`: which values may share memory, and who writes to it. Never edits a graph.

Results that alias arguments, as the operators' schemas say, take their
locations. The order of nodes is not regarded: a set holds for the whole run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import (
    AWAITABLE,
    CALL_FUNCTION,
    CALL_METHOD,
    CONSTANT,
    DICT,
    FORK,
    GET_ATTR,
    IF,
    LIST,
    LIST_UNPACK,
    LOOP,
    NEW_OBJECT,
    SET_ATTR,
    TUPLE,
    TUPLE_INDEX,
    TUPLE_UNPACK,
    UNCHECKED_CAST,
    WAIT,
)
from treadle.ir.program import Object
from treadle.passes.array_memory import memory_of_arrays
from treadle.passes.locations import (
    OUTSIDE,
    Aliases,
    Location,
    closure,
    holds_memory,
    is_container,
)

MAY_GIVE_ARGUMENT = frozenset(
    {
        "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "type_as",
        "broadcast_tensors", "meshgrid", "einsum", "chain_matmul", "cartesian_prod", "rrelu",
        "atleast_1d", "atleast_2d", "atleast_3d", "unsafe_chunk", "unsafe_split",
        "unsafe_split_with_sizes", "data", "sum_to_size", "conj_physical",
    }
)  # fmt: skip
"""Operators that may give their argument itself although their schemas do not say so."""
_COMBINE = frozenset({"einsum", "chain_matmul", "cartesian_prod"})
"""Those of them that give something new where they take several tensors."""


def analyse_aliases(graph: Graph) -> Aliases:
    """The aliases among the values of `graph` and its blocks."""
    analysis = _Analysis(graph)
    analysis.run()
    return analysis.result()


class _Analysis:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = list(graph.walk())
        self.points: dict[Value, set[Location]] = {}
        self.contents: dict[Location, set[Location]] = {OUTSIDE: {OUTSIDE}}
        self.changed = False
        self.kept: set[Location] = {OUTSIDE}
        self.memory = memory_of_arrays(self.nodes)

    def run(self) -> None:
        for param in self.graph.params:
            self.point(param, {OUTSIDE})
        order = _data_order(self.graph)
        self.changed = True
        while self.changed:
            self.changed = False
            for node in order:
                self.node(node)
            self.changed &= any(map(_reaches_back, self.nodes))

    def result(self) -> Aliases:
        writers: dict[Location, list[Node]] = {}
        for node in self.nodes:
            for location in self.written(node):
                writers.setdefault(location, []).append(node)
        roots = set(self.kept)
        for value in self.graph.returns:
            roots |= self.points.get(value, set())
        return Aliases(
            {v: frozenset(p) for v, p in self.points.items()},
            {k: frozenset(c) for k, c in self.contents.items()},
            {k: tuple(w) for k, w in writers.items()},
            closure(self.kept, self.contents),
            closure(roots, self.contents),
        )

    # Both sets only grow, so the loop of `run` ends.

    def point(self, value: Value, locations: Iterable[Location]) -> None:
        if not holds_memory(value.type):
            return
        points = self.points.setdefault(value, set())
        before = len(points)
        points.update(locations)
        self.changed |= len(points) != before

    def contain(self, location: Location, inner: Iterable[Location]) -> None:
        contents = self.contents.setdefault(location, set())
        before = len(contents)
        contents.update(inner)
        self.changed |= len(contents) != before

    def of(self, *values: Value) -> set[Location]:
        return set().union(*(self.points.get(v, ()) for v in values))

    def within(self, *values: Value) -> set[Location]:
        """The contents of what the values point to."""
        return set().union(*(self.contents.get(at, ()) for at in self.of(*values)))

    def node(self, node: Node) -> None:
        op, inputs = node.op, node.inputs
        if op is CONSTANT:
            self.point(node.output, self.known(node.attributes["value"]))
        elif op in (TUPLE, LIST, DICT, NEW_OBJECT):
            self.point(node.output, {node.output})
            self.contain(node.output, self.of(*inputs))
        elif op in (TUPLE_UNPACK, TUPLE_INDEX, LIST_UNPACK, WAIT):
            for output in node.outputs:
                self.point(output, self.within(inputs[0]))
        elif op is UNCHECKED_CAST:
            self.point(node.output, self.of(inputs[0]))
        elif op is IF:
            for block in node.blocks:
                self.pass_on(block.returns, node.outputs)
        elif op is LOOP:
            self.loop(node, node.blocks[0])
        elif op in (FORK, AWAITABLE):
            self.point(node.output, {node.output})
            self.contain(node.output, self.of(*node.blocks[0].returns))
        elif op is GET_ATTR:
            self.get_attribute(node)
        elif op is SET_ATTR:
            self.contain(_attribute(node), self.of(inputs[1]))
            self.kept.add(_attribute(node))
            for at in self.of(inputs[0]):
                self.contain(at, {_attribute(node)})
        elif op.schema is not None:
            self.operator(node)
        else:
            self.unknown(node)

    def pass_on(self, sources: Iterable[Value], targets: Iterable[Value]) -> None:
        for source, target in zip(sources, targets, strict=True):
            self.point(target, self.of(source))

    def loop(self, node: Node, body: Block) -> None:
        for values in (node.inputs[2:], body.returns[1:]):
            self.pass_on(values, body.params[1:])
            self.pass_on(values, node.outputs)

    def get_attribute(self, node: Node) -> None:
        at = _attribute(node)
        self.point(node.output, self.contents.get(at, ()))
        owner = node.inputs[0].constant
        if isinstance(owner, Object):
            name = node.attributes["name"]
            self.point(node.output, self.known(owner.attributes.get(name)))
        elif OUTSIDE in self.of(node.inputs[0]):
            self.point(node.output, {OUTSIDE})

    def known(self, value: Any) -> set[Location]:
        """The locations of a Python value that outlives the run."""
        if isinstance(value, np.ndarray):
            location: Location = self.memory.get(id(value), ("array", id(value)))
        elif isinstance(value, list | tuple | dict | Object):
            location = ("constant", id(value))
            if location not in self.kept and not isinstance(value, Object):
                self.kept.add(location)
                items = [*value.keys(), *value.values()] if isinstance(value, dict) else value
                for item in items:
                    self.contain(location, self.known(item))
        else:
            return set()
        self.kept.add(location)
        return {location}

    def operator(self, node: Node) -> None:
        """An operator with a schema: annotations of its arguments and results decide."""
        schema = node.op.schema
        assert schema is not None
        given = list(zip(schema.arguments, node.inputs, strict=False))
        for result, output in zip(schema.results, node.outputs, strict=False):
            if not holds_memory(output.type):
                continue
            if result.alias in (None, "*"):
                sources = list(node.inputs) if _may_give_argument(node) else []
            else:
                sources = [v for a, v in given if a.alias == result.alias]
            packed = is_container(output.type)
            for source in sources:
                if is_container(source.type) == packed:
                    self.point(output, self.of(source))
                elif not packed:
                    self.point(output, self.within(source))
            if result.alias == "*":
                self.point(output, self.within(*node.inputs))
            if result.alias is None or not self.of(output) or packed:
                self.point(output, {output})
            if packed:
                inner = self.within(*(v for v in node.inputs if is_container(v.type)))
                plain = self.of(*(v for v in sources if not is_container(v.type)))
                self.contain(output, inner | plain)
        for argument, value in given:
            if argument.writes and is_container(value.type):
                others = self.of(*(v for v in node.inputs if v is not value))
                added = others | self.within(*(v for v in node.inputs if v is not value))
                for at in self.of(value):
                    self.contain(at, added)

    def unknown(self, node: Node) -> None:
        """A call, or an operator that nothing is known of: all may be mixed with all."""
        reach = set(closure(self.of(*node.inputs), self.contents)) | {OUTSIDE}
        for output in node.outputs:
            self.point(output, reach)
        for at in list(reach):
            self.contain(at, reach if node.outputs else ())

    def written(self, node: Node) -> set[Location]:
        schema = node.op.schema
        if node.op is SET_ATTR:
            return {_attribute(node), *self.of(node.inputs[0])}
        if node.op in (CALL_FUNCTION, CALL_METHOD):
            return set(closure(self.of(*node.inputs), self.contents)) | self.kept
        if schema is None or not schema.writes:
            return set()
        written: set[Location] = set()
        for argument, value in zip(schema.arguments, node.inputs, strict=False):
            if argument.writes:
                written |= self.of(value)
                if schema.base.startswith("_foreach"):
                    written |= self.within(value)
        return written


def _data_order(block: Block) -> list[Node]:
    """The nodes that move memory about, blocks before what takes their returns.

    A loop comes before its block too, which takes the carried values from it.
    """
    order: list[Node] = []
    for node in block.nodes:
        if node.op is LOOP:
            order.append(node)
        for inner in node.blocks:
            order += _data_order(inner)
        if (
            node.op is SET_ATTR
            or not node.outputs
            or any(holds_memory(v.type) for v in node.outputs)
        ):
            order.append(node)
    return order


def _reaches_back(node: Node) -> bool:
    """Whether nodes before `node` may see what it does, so that once through is not enough."""
    schema = node.op.schema
    if schema is None:
        return node.op in (LOOP, SET_ATTR, CALL_FUNCTION, CALL_METHOD)
    return any(
        a.writes and is_container(v.type)
        for a, v in zip(schema.arguments, node.inputs, strict=False)
    )


def _may_give_argument(node: Node) -> bool:
    """Whether the result may be an operand although the schema does not say so."""
    base = node.op.schema.base if node.op.schema is not None else ""
    lists = [v.node for v in node.inputs if v.node is not None and v.node.op is LIST]
    takes_several = any(len(tensors.inputs) > 1 for tensors in lists)
    return base in MAY_GIVE_ARGUMENT and not (base in _COMBINE and takes_several)


def _attribute(node: Node) -> Location:
    return ("attribute", node.attributes["name"])
