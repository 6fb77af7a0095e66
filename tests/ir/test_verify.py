from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.check_pass import graph_of
from treadle.errors import VerifyError
from treadle.ir.graph import Graph, Node
from treadle.ir.subtype import is_assignable
from treadle.ir.type_parser import parse_type
from treadle.ir.types import INT, TENSOR
from treadle.ir.verify import verify
from treadle.ops import OPS

TEXT = """
    graph(%x: f32[2], %c: bool)
    %y: f32[2] = relu(%x)
    %z: f32[2] = if(%c)
      %a: f32[2] = tanh(%y)
      return %a
    else
      return %y
    %n: f32[2] = loop(3, True, %z) with (%i: int, %u: f32[2])
      %v: f32[2] = tanh(%u)
      return True, %v
    return %n
"""


def _node(graph: Graph, name: str) -> Node:
    return graph.nodes_of(OPS[name])[0]


def _swap(graph: Graph) -> None:
    node = _node(graph, "relu")
    graph.move_before(node, graph.end)


def _forget_user(graph: Graph) -> None:
    graph.params[0].users.clear()


def _phantom_user(graph: Graph) -> None:
    graph.params[1].users[_node(graph, "relu")] = 1


def _leave_scope(graph: Graph) -> None:
    graph.set_returns([_node(graph, "tanh").output])


def _wrong_type(graph: Graph) -> None:
    _node(graph, "relu").set_input(0, graph.params[1])


def _too_many_inputs(graph: Graph) -> None:
    _node(graph, "relu").add_input(graph.params[0])


def _too_many_results(graph: Graph) -> None:
    _node(graph, "relu").add_output(TENSOR)


def _wrong_owner(graph: Graph) -> None:
    _node(graph, "relu").owner = _node(graph, "if").blocks[0]


def _broken_link(graph: Graph) -> None:
    _node(graph, "relu").prev = _node(graph, "relu")


def _cycle(graph: Graph) -> None:
    node = _node(graph, "relu")
    node.next = node.prev.next = node


def _if_returns_too_little(graph: Graph) -> None:
    _node(graph, "if").blocks[1].set_returns(())


def _if_without_else(graph: Graph) -> None:
    _node(graph, "if").blocks.pop().clear()


def _if_gives_another_type(graph: Graph) -> None:
    _node(graph, "if").output.type = INT


def _loop_without_index(graph: Graph) -> None:
    _node(graph, "loop").blocks[0].params.pop(0)


def _two_definitions(graph: Graph) -> None:
    node = _node(graph, "relu")
    node.outputs.append(node.output)


def _foreign_result(graph: Graph) -> None:
    _node(graph, "relu").output.node = _node(graph, "tanh")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_swap, "uses %y: f32.* not defined there"),
        (_forget_user, "%x: f32.2. has wrong users"),
        (_phantom_user, "%c: bool has wrong users"),
        (_leave_scope, "return uses %a: .* not defined there"),
        (_wrong_type, "relu: self is Tensor, got bool"),
        (_too_many_inputs, "relu takes 1 inputs, got 2"),
        (_too_many_results, "relu has 1 results, got 2"),
        (_wrong_owner, "relu is wrongly linked"),
        (_broken_link, "relu is wrongly linked"),
        (_cycle, "relu is wrongly linked"),
        (_if_returns_too_little, "if: a block"),
        (_if_without_else, "if has 1 blocks"),
        (_if_gives_another_type, "if returns f32.2. where it needs int"),
        (_loop_without_index, "loop: inputs, parameters"),
        (_two_definitions, "relu has 1 results, got 2"),
        (_foreign_result, "belongs to another node"),
    ],
)
def test_a_broken_graph_is_refused(damage: Callable[[Graph], None], message: str) -> None:
    graph = graph_of(TEXT)
    damage(graph)
    with pytest.raises(VerifyError, match=message):
        verify(graph)


def test_the_message_shows_the_text_around_the_node() -> None:
    lines = "\n".join(f"%v{i}: f32[2] = relu(%x)" for i in range(50))
    graph = graph_of(f"graph(%x: f32[2], %c: bool)\n{lines}\nreturn %v9")
    bad = graph.nodes_of(OPS["relu"])[25]
    bad.set_input(0, graph.params[1])
    with pytest.raises(VerifyError) as error:
        verify(graph)
    assert "%v25: f32[2] = relu(%c)" in str(error.value)
    assert "%v40" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "declared", "fits"),
    [
        ("f32[2, B]", "Tensor", True),
        ("Tensor", "f32[2, 3]", True),
        ("f32[2]", "f32[3]", False),
        ("f32[2]", "f64[2]", False),
        ("f32[2]", "f32[2, 2]", False),
        ("int", "number", True),
        ("int", "float", False),
        ("NoneType", "Optional[Tensor]", True),
        ("Optional[Tensor]", "Tensor", False),
        ("Optional[int]", "Union[int, NoneType, str]", True),
        ("Union[int, str]", "int", False),
        ("List[int]", "List[number]", True),
        ("List[int]", "Tuple[int]", False),
        ("Dict[str, int]", "Dict[str, Any]", True),
        ("Tuple[int, f32[2]]", "Tuple[int, Tensor]", True),
        ("Tuple[int]", "Tuple[int, int]", False),
        ("Future[f32[2]]", "Future[Tensor]", True),
        ("Await[Tensor]", "Future[Tensor]", False),
        ("str", "Device", True),
        ("__torch__.A", "__torch__.Interface", True),
        ("__torch__.A", "Tensor", False),
    ],
)
def test_values_fit_where_their_type_is_assignable(given: str, declared: str, fits: bool) -> None:
    assert is_assignable(parse_type(given), parse_type(declared)) is fits
