"""All passes, on random graphs with control flow, views and writes: the meaning stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, note, settings

from tests.check_pass import check_meaning
from tests.ir.random_graphs import graphs
from treadle.ir.clone import clone_graph
from treadle.ir.graph import Graph
from treadle.ir.text import print_graph
from treadle.ir.verify import verify
from treadle.passes.cse import eliminate_common_subexpressions
from treadle.passes.dce import eliminate_dead_code
from treadle.passes.fold import fold_constants
from treadle.passes.functionalise import functionalise
from treadle.passes.number_tensors import untensor_numbers

PASSES = (
    fold_constants,
    eliminate_dead_code,
    functionalise,
    untensor_numbers,
    eliminate_common_subexpressions,
)


@pytest.mark.parametrize("run", PASSES)
@settings(max_examples=60)
@given(graph=graphs(max_nodes=20, writes=True))
def test_a_pass_keeps_the_meaning(run: Callable[[Graph], bool], graph: Graph) -> None:
    note(print_graph(graph))
    changed = clone_graph(graph)
    rounds = 0
    while run(changed):
        verify(changed)
        rounds += 1
        assert rounds < 20
    check_meaning(graph, changed, runs=2)


@settings(max_examples=60)
@given(graph=graphs(max_nodes=20, writes=True))
def test_all_passes_together_keep_the_meaning(graph: Graph) -> None:
    note(print_graph(graph))
    changed = clone_graph(graph)
    for run in (*PASSES, *PASSES):
        run(changed)
        verify(changed)
    check_meaning(graph, changed, runs=2)
