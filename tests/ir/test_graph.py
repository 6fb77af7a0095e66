from __future__ import annotations

from hypothesis import given, settings

from tests.check_pass import canonical, graph_of
from tests.ir.random_graphs import graphs
from treadle.ir.clone import clone_graph
from treadle.ir.graph import Graph, replace_uses
from treadle.ir.verify import verify
from treadle.ops import OPS

TEXT = """
    graph(%x: f32[2])
    %a: f32[2] = relu(%x)
    %b: f32[2] = tanh(%x)
    %c: f32[2] = neg(%x)
    return %x
"""


def test_any_node_may_be_erased_while_looping() -> None:
    graph = graph_of(TEXT)
    seen = []
    for node in graph.nodes:
        seen.append(node.op.name)
        for other in list(graph.nodes):
            if other.op.name != "neg":
                graph.erase(other)
    assert seen == ["relu", "neg"]
    verify(graph)


def test_nodes_inserted_before_the_current_one_are_not_visited() -> None:
    graph = graph_of(TEXT)
    for node in graph.nodes:
        graph.add(OPS["exp"], node.inputs, (node.output.type,), before=node)
    assert [n.op.name for n in graph.nodes] == ["exp", "relu", "exp", "tanh", "exp", "neg"]
    verify(graph)


def test_replacing_uses_reaches_every_operand_and_return() -> None:
    graph = graph_of(
        """
        graph(%x: f32[2], %y: f32[2])
        %a: f32[2] = mul.Tensor(%x, %x)
        return %x, %a
        """
    )
    replace_uses(*graph.params)
    verify(graph)
    assert canonical(graph).endswith("mul.Tensor(%1, %1)\nreturn %1, %2")


def test_clearing_a_block_drops_all_uses() -> None:
    graph = graph_of(TEXT)
    graph.clear()
    verify(graph)
    assert not graph.params[0].users
    assert not list(graph.walk())


@settings(max_examples=40)
@given(graphs())
def test_a_clone_is_equal_and_apart(graph: Graph) -> None:
    clone = clone_graph(graph)
    verify(clone)
    assert canonical(clone) == canonical(graph)
    before = canonical(graph)
    clone.clear()
    verify(graph)
    assert canonical(graph) == before
