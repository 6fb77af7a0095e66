"""Regions of an interpreted graph that plans run: bound once they have proven to come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from treadle.errors import Cancelled, DeadlineExceeded, Error, ThreadingError
from treadle.interpreter.actions import UNINITIALIZED
from treadle.interpreter.activations import Settings
from treadle.interpreter.machine import Machine
from treadle.interpreter.region_graphs import constants_of, copy_of, first_unplannable, graph_of
from treadle.ir.graph import Graph, Node, Value
from treadle.ir.op import REGION
from treadle.ir.program import Program
from treadle.passes.regions import form_regions
from treadle.runtime import Plan
from treadle.runtime import Program as NativeProgram

BIND_AFTER = 2
"""Executions of a region that are interpreted before it is bound, if it is not large."""
LARGE = 1 << 14
"""Elements of inputs and constants of a region that is bound when it first runs."""
MAX_EAGER = 8
"""Signatures that a region binds when it first meets them, as long as that is not cheap; others
have to come back."""
MAX_PLANS = 256
"""Those that a region keeps; as many signatures are remembered that cannot be bound."""

Signature: TypeAlias = tuple[tuple[Any, ...], ...]


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


def plan_regions(graph: Graph, make_binder: MakeBinder, unfit: Iterable[Node] = ()) -> int:
    """Form the regions of `graph`, which is interpreted, and let them be planned; their number.

    Nodes that are `unfit` stay outside.
    """
    count = form_regions(graph, unfit)
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
        "_parts", "_programs", "_runs", "call",
    )  # fmt: skip

    def __init__(self, node: Node, make_binder: MakeBinder) -> None:
        self._node, self._make_binder = node, make_binder
        self._num_tensors = len(node.inputs) - node.attributes["fixed"]
        self._graph: Graph | None = None
        self._parts: Graph | None = None
        self._programs: dict[Any, NativeProgram] = {}
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
        if self._runs <= BIND_AFTER and not self._is_large(values):
            return None
        odd = first_unplannable(self._node, values)
        if odd is not None:
            self._parts = _parts_of(self._node, odd, self._make_binder)
            self.call = self._call_parts
        elif self._num_tensors < len(self._node.inputs):
            self.call = self._call_fixed
        else:
            self.call = self._program(())
        return self.call(*values, control=control)

    def _is_large(self, values: Sequence[Any]) -> bool:
        constants = (v.constant for v in constants_of(self._node.blocks[0]))
        arrays = [v for v in (*values, *constants) if isinstance(v, np.ndarray)]
        return sum(a.size for a in arrays) >= LARGE

    def _call_parts(self, *values: Any, control: Any = None) -> Any:
        """`call` where an operator in the middle cannot be planned: the rest is, in parts."""
        assert self._parts is not None
        return Machine(Program(), Settings(control=control)).run(self._parts, values)

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

    def _program(self, fixed: Sequence[Any], key: Any = ()) -> NativeProgram:
        """The program for some values of the fixed inputs; its plans differ by tensors' types."""
        if self._graph is None:
            self._graph = graph_of(self._node)
        binder = self._make_binder(self._graph, fixed)

        def bind(signature: Signature) -> Plan:
            return self._plan(binder, key, signature)

        program = self._programs[key] = NativeProgram(bind, None, MAX_PLANS)
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


def _parts_of(region: Node, odd: Node, make_binder: MakeBinder) -> Graph:
    """A graph of what a region does, for the interpreter, in which all but `odd` is planned."""
    (block,) = region.blocks
    graph, copies = copy_of(region, list(block.nodes), block.returns)
    plan_regions(graph, make_binder, [copies[odd]])
    return graph
