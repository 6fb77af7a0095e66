"""The pipeline on one page: source, graph, `PASSES`, specialise, schedule, kernels, plan.

*Compile* (`optimise`) is done once for a method and knows no shapes. *Bind* (`Engine.bind`) takes
the types of one call to a native plan; the runtime keeps plans per signature. *Run* is native.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.codegen import ObjectCache, Target, compile_kernels
from treadle.collector import collection_paused
from treadle.ir.graph import Graph, Value
from treadle.ir.loops import Contraction
from treadle.ir.op import OpDef
from treadle.ir.program import Object, Program
from treadle.ir.types import ANY, TensorType
from treadle.ir.verify import verify
from treadle.ops import OPS
from treadle.options import Options
from treadle.packing import Packer
from treadle.passes.batch_norm import fold_batch_norm
from treadle.passes.cse import eliminate_common_subexpressions
from treadle.passes.dce import eliminate_dead_code
from treadle.passes.fold import fold_constants
from treadle.passes.freeze import freeze
from treadle.passes.functionalise import functionalise
from treadle.passes.inline import inline
from treadle.passes.memos import fill_memos
from treadle.passes.number_tensors import untensor_numbers
from treadle.passes.specialise import Specialised, specialise
from treadle.plan_parts import PlanParts, plan_parts
from treadle.runtime import Plan, span
from treadle.schedule.machine import Machine
from treadle.schedule.schedule import make_schedule
from treadle.schedule.steps import Schedule
from treadle.shared_weights import SharedWeights

PASSES: tuple[Callable[[Graph], bool], ...] = (
    eliminate_dead_code,
    functionalise,
    untensor_numbers,
    eliminate_common_subexpressions,
    fold_batch_norm,  # after functionalise: it needs the convolution's result to have one reader
    fold_constants,
    eliminate_dead_code,
)


@span("optimise")
@collection_paused()
def optimise(
    graph: Graph,
    program: Program,
    root: Object | None,
    *,
    whole: Object | None = None,
    check: bool = False,
) -> Graph:
    """`graph` with calls inlined, attributes of `root` frozen, and all `PASSES` run, in place.

    Args:
        graph: of one method; it is changed.
        program: where the functions and classes that it calls are found.
        root: the module that ``self`` is; None for a function.
        whole: the module that `root` is part of, if it is not all of it.
        check: verify the graph after every pass.
    """
    first = True
    while inline(graph, program) or first:
        first = False
        if root is not None:  # freezing again finds nothing unless calls were inlined since
            freeze(graph, root, whole)
    fold_constants(graph)  # branches on constants go, and with them writes into attributes
    while root is not None and freeze(graph, root, whole):
        fold_constants(graph)
    if root is not None and fill_memos(graph, whole or root):
        fold_constants(graph)
    for run in PASSES:
        run(graph)
        if check:
            verify(graph)
    return graph


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step of a plan: its name, ``contraction`` or ``loops``, and the schedule's numbers."""

    name: str
    kind: str
    num_tasks: int
    grain: int
    cost_ns: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of a call: a plan and its steps, or the reason why it is interpreted.

    `regions` is the number of parts of an interpreted method that are planned each for itself.
    """

    planned: bool
    reason: str = ""
    steps: tuple[StepReport, ...] = ()
    arena_bytes: int = 0
    sequences: int = 0
    regions: int = 0


@dataclass(frozen=True, slots=True)
class Bound:
    """A plan for one signature, the structure of its result, and the schedule behind it."""

    plan: Plan
    result: Any
    schedule: Schedule

    def explain(self) -> Explanation:
        """The steps and sizes of the plan."""
        steps = tuple(
            StepReport(
                s.name, "contraction" if isinstance(s.kernel, Contraction) else "loops",
                s.num_tasks, s.grain, s.cost_ns,
            )
            for s in self.schedule.steps()
        )  # fmt: skip
        nbytes = self.schedule.arena_bytes + sum(self.schedule.local_bytes)
        return Explanation(True, "", steps, nbytes, len(self.schedule.sequences))


class Engine:
    """Compiles for one machine: the target, the kernels on disk, the packed weights."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.target = Target.host(32 if options.isa == "avx2" else 0)
        self.cache = ObjectCache(options.cache_directory, options.cache_limit_bytes)
        self.machine = Machine(self.target.vector_bytes, self.target.num_registers)
        limit = options.shared_weights_bytes
        shared = SharedWeights(options.weights_directory, limit) if limit else None
        self._packer = Packer(self.target, self.cache, self.machine, shared)

    @span("bind")
    @collection_paused()
    def bind(self, graph: Graph, arguments: Sequence[Any], *, shared: bool = False) -> Bound:
        """A plan of `graph` for `arguments`, its results `shared` or not (see `specialise`).

        Raises:
            Unplannable: if it has to be interpreted.
            ShapeError: if shapes or dtypes do not fit the operators.
        """
        return self.bind_specialised(specialise(graph, arguments, OPS.by_name, shared=shared))

    def bind_specialised(self, specialised: Specialised) -> Bound:
        """A plan of a straight-line graph."""
        schedule = make_schedule(specialised.graph, self.machine)
        parts = self.parts(specialised, schedule)
        return Bound(parts.plan(parts.numbers), specialised.result, schedule)

    def parts(self, specialised: Specialised, schedule: Schedule) -> PlanParts:
        """What the plan of a straight-line graph is made of; compiles and packs."""
        steps = schedule.steps()
        with span("compile kernels"):
            kernels = compile_kernels([s.kernel for s in steps], self.target, self.cache)
        for packing in schedule.packings:
            packing.storage.array = self._packer.pack(packing)
        return plan_parts(specialised, schedule, dict(zip(steps, kernels, strict=True)))


@functools.cache
def engine() -> Engine:
    """The engine of this process, made at first use."""
    return Engine(Options.from_environment())


def single(op: OpDef, arguments: Sequence[Any]) -> tuple[Graph, list[Any]]:
    """A graph that applies `op` once, and the arrays among `arguments`, which are its parameters.

    Lists of arrays are flattened.
    """
    graph = Graph(op.name)
    arrays: list[Any] = []

    def value(argument: Any) -> Value:
        if isinstance(argument, np.ndarray):
            arrays.append(argument)
            return graph.add_param(TensorType(), f"x{len(arrays)}")
        if isinstance(argument, list | tuple) and any(isinstance(a, np.ndarray) for a in argument):
            items = [value(a) for a in argument]
            return graph.add(OPS["list"], items, (ANY,)).output
        return graph.constant(argument, ANY)

    inputs = [value(a) for a in arguments]
    assert op.schema is not None
    count = len(op.schema.results)
    node = graph.add(op, inputs, (ANY,) * count)
    if count == 1:
        graph.set_returns(node.outputs)
    else:
        graph.set_returns([graph.add(OPS["tuple"], node.outputs, (ANY,)).output])
    return graph, arrays
