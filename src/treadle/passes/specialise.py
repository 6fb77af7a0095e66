"""Specialise: from a script's graph and the types of one call to a straight line of operators.

The graph is run on abstract values: tensors are values of the new graph with concrete types,
everything else (sizes, flags, lists, tuples, dicts) is the Python value itself. So conditions on
shapes are decided, loops unrolled and containers dissolved. What depends on the data of a tensor
cannot be decided here: `Unplannable` says why, and the interpreter runs the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treadle.ir.graph import Graph
from treadle.ir.op import OpDef
from treadle.ir.symbols import fixed
from treadle.passes.abstract import flatten
from treadle.passes.dce import eliminate_dead_code
from treadle.passes.layouts import ResultView
from treadle.passes.specialiser import Specialiser


class Specialised:
    """A straight-line `graph` over concrete tensor types, and the `result` of the call.

    `result` is the Python structure that the call returns, with values of the graph for tensors.
    These are `views` of what the graph returns and takes; without any they are what it returns.
    """

    __slots__ = ("graph", "result", "views")

    def __init__(self, graph: Graph, result: Any, views: tuple[ResultView, ...] = ()) -> None:
        self.graph = graph
        self.result = result
        self.views = views


def specialise(
    graph: Graph, arguments: Sequence[Any], ops: Mapping[str, OpDef], *, shared: bool = False
) -> Specialised:
    """Run `graph` on abstract `arguments`.

    Args:
        graph: frozen and inlined; one argument per parameter.
        arguments: a concrete `TensorType` for a tensor that comes with each run, an array for one
            that never changes, else the Python value; containers may hold all of these.
        ops: operators by name, for decompositions.
        shared: results share memory with each other and with arguments where PyTorch's do, and have
            its strides. Else each is row-major in memory of its own.

    Raises:
        Unplannable: if something depends on the data of a tensor, or is not lowered.
    """
    result = Graph(graph.name)
    specialiser = Specialiser(result, ops)
    for param, argument in zip(graph.params, arguments, strict=True):
        specialiser.env[param] = specialiser.parameter(argument, param.name)
    specialiser.run_block(graph)
    (returned,) = graph.returns
    structure = fixed(specialiser.tensors(specialiser.env[returned]))
    values = list(flatten(structure))
    if not shared:
        result.set_returns(values)
        eliminate_dead_code(result)
        return Specialised(result, structure)
    outputs, views = specialiser.layouts.results(result, values)
    result.set_returns([specialiser.row_major(v) for v in outputs])
    eliminate_dead_code(result)
    return Specialised(result, structure, views)
