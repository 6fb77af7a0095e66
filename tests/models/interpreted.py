"""What plans leave of a model that is interpreted: its regions, and the operators around them."""

from __future__ import annotations

import treadle
from treadle.ir.graph import Block, Graph
from treadle.ir.op import REGION
from treadle.passes.region_members import computes


def operators_left(module: treadle.Module) -> tuple[str, ...]:
    """The names of operators that compute tensors outside of regions, in alphabetical order."""
    graph, _ = module._call._interpreted
    return tuple(sorted(set(_outside(graph))))


def _outside(block: Block) -> list[str]:
    found = []
    for node in block.nodes:
        if node.op is not REGION:
            found += [name for inner in node.blocks for name in _outside(inner)]
            found += [node.op.name] if not node.blocks and computes(node) else []
    return found


def regions_not_planned(module: treadle.Module) -> list[Graph | str]:
    """The regions of a module that have run and have no plan for what they met."""
    graph, _ = module._call._interpreted
    return _not_planned(graph)


def _not_planned(graph: Graph) -> list[Graph | str]:
    found: list[Graph | str] = []
    for node in graph.nodes_of(REGION):
        plans = node.attributes["plans"]
        if plans._failed:
            found.append(plans._graph)
        elif plans._parts is not None:
            found += _not_planned(plans._parts)
        elif plans._runs and not plans._num_plans:
            found.append(str(node.loc))
    return found
