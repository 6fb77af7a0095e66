"""Regions of an interpreted graph that plans run: bound once they have proven to come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from treadle.errors import (
    Cancelled,
    DeadlineExceeded,
    Error,
    ThreadingError,
    UnsupportedError,
)
from treadle.interpreter.actions import UNINITIALIZED
from treadle.ir import dtypes
from treadle.ir.clone import clone_node, clone_nodes
from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import REGION, TUPLE, OpDef
from treadle.ir.schema import parse_schema
from treadle.ir.types import TensorType, TupleType
from treadle.ops.lowering import Decompose, Emitter
from treadle.passes.regions import form_regions, number_twin
from treadle.runtime import Plan, Program

BIND_AFTER = 2
"""Executions of a region that are interpreted before it is bound."""
MAX_EAGER = 8
"""Signatures that a region binds when it first meets them, as long as that is not cheap; others
have to come back."""
MAX_PLANS = 256
"""Those that a region keeps; as many signatures are remembered that cannot be bound."""

Signature: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]


class Binder(Protocol):
    """Makes the plans of a region."""

    @property
    def templates(self) -> Sequence[Any]:
        """What makes binding cheap; empty as long as it is not."""

    def bind(self, signature: Signature) -> tuple[Plan, Any]:
        """The plan for `signature`, and what the result is made of."""


MakeBinder: TypeAlias = Callable[[Graph, Sequence[Any]], Binder]
"""Makes the binder of a graph, of which the last arguments are given."""


class DeclinedError(Error):
    """Control flow: the block of a region has to be interpreted."""


def plan_regions(graph: Graph, make_binder: MakeBinder) -> int:
    """Form the regions of `graph`, which is interpreted, and let them be planned; their number."""
    count = form_regions(graph)
    for node in graph.nodes_of(REGION):
        node.attributes["plans"] = RegionPlans(node, make_binder)
    return count


class RegionPlans:
    """The plans of one region. Thread-safe, without a lock that a forked child might find taken.

    `call` runs a plan on the values of the region's inputs; it gives the results, or None if the
    block has to be interpreted, or raises an error for `decline`.
    """

    __slots__ = (
        "_failed", "_graph", "_make_binder", "_met", "_node", "_num_plans", "_num_tensors",
        "_programs", "_runs", "call",
    )  # fmt: skip

    def __init__(self, node: Node, make_binder: MakeBinder) -> None:
        self._node, self._make_binder = node, make_binder
        self._num_tensors = len(node.inputs) - node.attributes["fixed"]
        self._graph: Graph | None = None
        self._programs: dict[Any, Program] = {}
        self._met: set[Any] = set()
        self._failed: set[Any] = set()
        self._runs = self._num_plans = 0
        self.call: Callable[..., Any] = self._count

    def decline(self, error: Error) -> None:
        """Return if `error`, raised by `call`, means that the block has to be interpreted.

        That finds the error of an operator again, and where it is in the source.
        """
        if isinstance(error, Cancelled | DeadlineExceeded | ThreadingError):
            raise error

    def _count(self, *values: Any, control: Any = None) -> Any:
        """`call` as long as the region may be one that hardly ever runs."""
        self._runs += 1
        if self._runs <= BIND_AFTER:
            return None
        fixed = self._num_tensors < len(self._node.inputs)
        self.call = self._call_fixed if fixed else self._program(())
        return self.call(*values, control=control)

    def _call_fixed(self, *values: Any, control: Any = None) -> Any:
        """`call` where plans are made for some of the values."""
        fixed = values[self._num_tensors :]
        key = tuple((type(v), v.hex() if type(v) is float else v) for v in fixed)
        program = self._programs.get(key)
        if program is None:
            if len(self._programs) >= MAX_PLANS or UNINITIALIZED in fixed:
                return None
            program = self._program(fixed, key)
        return program(*values[: self._num_tensors], control=control)

    def _program(self, fixed: Sequence[Any], key: Any = ()) -> Program:
        """The program for some values of the fixed inputs; its plans differ by tensors' types."""
        if self._graph is None:
            self._graph = _graph_of(self._node)
        binder = self._make_binder(self._graph, fixed)

        def bind(signature: Signature) -> Plan:
            return self._plan(binder, key, signature)

        program = self._programs[key] = Program(bind, None, MAX_PLANS)
        return program

    def _plan(self, binder: Binder, key: Any, signature: Signature) -> Plan:
        """The plan for a new signature.

        Raises:
            DeclinedError: if there is none.
        """
        if not self._is_worth_it(binder, (key, signature)):
            raise DeclinedError
        try:
            plan, result = binder.bind(signature)
        except (Error, KeyError):  # the interpreter finds the error again, and its place
            self._failed.add((key, signature))
            raise DeclinedError from None
        assert all(isinstance(r, Value) for r in result), result
        self._num_plans += 1
        return plan

    def _is_worth_it(self, binder: Binder, name: Any) -> bool:
        """Whether to bind a signature now: it may take as long as many interpreted runs."""
        if name in self._failed or len(self._failed) >= MAX_PLANS:
            return False
        if binder.templates or self._num_plans < MAX_EAGER or name in self._met:
            return True
        if len(self._met) < MAX_PLANS:
            self._met.add(name)
        return False


def _graph_of(node: Node) -> Graph:
    """The block of a region as a graph of its inputs, which returns a tuple."""
    (block,) = node.blocks
    graph = Graph("region")
    mapping = {v: graph.add_param(v.type, v.name) for v in node.inputs}
    for value in _constants(block):
        assert value.node is not None
        clone_node(value.node, graph, graph.end, mapping)
    results = clone_nodes(block, graph, graph.end, mapping)
    for number in graph.params[: len(node.inputs) - node.attributes["fixed"]]:
        if not isinstance(number.type, TensorType):
            _use_as_tensor(number)
    type_ = TupleType(tuple(v.type for v in results))
    graph.set_returns([graph.add(TUPLE, results, (type_,)).output])
    return graph


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
