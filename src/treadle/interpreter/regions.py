"""Regions of an interpreted graph that plans run: bound once they have proven to come back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from treadle.errors import Cancelled, DeadlineExceeded, Error, ThreadingError
from treadle.interpreter.actions import UNINITIALIZED
from treadle.ir import dtypes
from treadle.ir.clone import clone_node, clone_nodes
from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import REGION, TUPLE
from treadle.ir.types import TensorType, TupleType
from treadle.passes.regions import form_regions
from treadle.runtime import Plan, Program

BIND_AFTER = 2
"""Executions of a region that are interpreted before it is bound."""
MAX_SIGNATURES = 8
"""A region binds plans for so many types of its inputs; others are interpreted."""

Bind: TypeAlias = Callable[[Graph, Sequence[Any]], tuple[Plan, Any]]
"""Makes a plan of a graph for types and numbers; also says what the result is made of."""


class DeclinedError(Error):
    """Control flow: the block of a region has to be interpreted."""


def plan_regions(graph: Graph, bind: Bind) -> int:
    """Form the regions of `graph`, which is interpreted, and let `bind` plan them; their number."""
    count = form_regions(graph)
    for node in graph.nodes_of(REGION):
        node.attributes["plans"] = RegionPlans(node, bind)
    return count


class RegionPlans:
    """The plans of one region. Thread-safe.

    `call` runs a plan on the values of the region's inputs; it gives the results, or None if the
    block has to be interpreted, or raises an error for `decline`.
    """

    __slots__ = ("_bind", "_graph", "_lock", "_node", "_programs", "_refused", "_runs", "call")

    def __init__(self, node: Node, bind: Bind) -> None:
        self._node, self._bind = node, bind
        self._graph: Graph | None = None
        self._programs: dict[Any, Program] = {}
        self._refused: set[Any] = set()
        self._lock = threading.RLock()
        self._runs = 0
        self.call: Callable[..., Any] = self._count

    def decline(self, error: Error) -> None:
        """Return if `error`, raised by `call`, means that the block has to be interpreted.

        That finds the error of an operator again, and where it is in the source.
        """
        if isinstance(error, Cancelled | DeadlineExceeded | ThreadingError):
            raise error

    def _count(self, *values: Any, control: Any = None) -> None:
        """`call` as long as the region may be one that hardly ever runs."""
        with self._lock:
            self._runs += 1
            if self._runs >= BIND_AFTER:
                self.call = self._choose()

    def _choose(self) -> Callable[..., Any]:
        """`call` from now on: the native program itself, if there are only tensors."""
        if all(isinstance(v.type, TensorType) for v in self._node.inputs):
            return self._program(())
        return self._call_with_numbers

    def _call_with_numbers(self, *values: Any, control: Any = None) -> Any:
        count = sum(isinstance(v.type, TensorType) for v in self._node.inputs)
        numbers = values[count:]
        if UNINITIALIZED in numbers:
            return None
        key = tuple((type(n), n.hex() if type(n) is float else n) for n in numbers)
        program = self._programs.get(key) or self._program(numbers, key)
        return program(*values[:count], control=control)

    def _program(self, numbers: Sequence[Any], key: Any = ()) -> Program:
        """The program for some values of the numbers; its plans differ by the tensors' types."""
        with self._lock:
            program = self._programs.get(key)
            if program is None:

                def bind(specs: Any) -> Plan:
                    return self._plan(key, specs, numbers)

                program = Program(bind, None, MAX_SIGNATURES)
                if len(self._programs) < MAX_SIGNATURES:
                    self._programs[key] = program
            return program

    def _plan(self, key: Any, specs: Any, numbers: Sequence[Any]) -> Plan:
        """The plan for a new signature.

        Raises:
            DeclinedError: if there is none.
        """
        with self._lock:
            bound = sum(p.num_plans for p in self._programs.values())
            if bound >= MAX_SIGNATURES or (key, specs) in self._refused:
                raise DeclinedError
            if self._graph is None:
                self._graph = _graph_of(self._node)
            try:
                types = [TensorType(dtypes.BY_TORCH_NAME[d], shape) for d, shape in specs]
                plan, result = self._bind(self._graph, [*types, *numbers])
            except (Error, KeyError):
                plan, result = None, None
            if not isinstance(result, tuple) or not all(isinstance(r, Value) for r in result):
                if len(self._refused) < MAX_SIGNATURES:
                    self._refused.add((key, specs))
                raise DeclinedError
            assert plan is not None
            return plan


def _graph_of(node: Node) -> Graph:
    """The block of a region as a graph of its inputs, which returns a tuple."""
    (block,) = node.blocks
    graph = Graph("region")
    mapping = {v: graph.add_param(v.type, v.name) for v in node.inputs}
    for value in _constants(block):
        assert value.node is not None
        clone_node(value.node, graph, graph.end, mapping)
    results = clone_nodes(block, graph, graph.end, mapping)
    type_ = TupleType(tuple(v.type for v in results))
    graph.set_returns([graph.add(TUPLE, results, (type_,)).output])
    return graph


def _constants(block: Block) -> list[Value]:
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
