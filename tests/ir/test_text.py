from __future__ import annotations

import math
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.check_pass import canonical, graph_of
from tests.ir.random_graphs import graphs
from treadle.errors import Error, ScriptSyntaxError
from treadle.ir.graph import Graph, Loc
from treadle.ir.literals import Scanner, literal_type, print_literal
from treadle.ir.op import GET_ATTR
from treadle.ir.program import Class, Object
from treadle.ir.text import parse_graph, print_graph
from treadle.ir.types import INT, NONE, TENSOR, OptionalType
from treadle.ir.verify import verify
from treadle.ops import OPS

EXAMPLE = dedent(
    """\
    graph(%x: f32[B, 4], %flag: bool)
    %w: f32[4, 4] = constant(@w)
    %y: Tensor = if(%flag)
      %a: Tensor = matmul(%x, %w)  # model.py:31
      return %a
    else
      return %x
    %n: int, %z: Tensor = loop(3, True, 0, %y) with (%i: int, %n.1: int, %u: Tensor)
      %f: Future[Tensor] = fork()
        %t: Tensor = tanh(%u)
        return %t
      %v: Tensor = wait(%f)
      return True, %n.1, %v
    %e: List[int] = constant([])
    %is: bool = isinstance(%y, types=(<Tensor>, <Tuple[()]>))
    return %n, %z, [1, 2], (1,), %e, %is, "a # \\"b\\"\\n", 1e-05, None"""
)


def test_a_graph_prints_as_it_was_written() -> None:
    constants: dict[str, Any] = {"w": np.zeros((4, 4), np.float32)}
    graph = parse_graph(EXAMPLE, OPS, constants)
    verify(graph)
    assert print_graph(graph, dict(constants)) == EXAMPLE
    assert graph.nodes_of(OPS["matmul"])[0].loc == Loc("model.py", 31)


def test_indentation_and_comments_are_free() -> None:
    graph = graph_of(
        """
            # a comment
            graph(%x: f32[2])

            # another
            %y: f32[2] = relu(%x)  # not a place
            return %y
        """
    )
    assert print_graph(graph) == "graph(%x: f32[2])\n%y: f32[2] = relu(%x)\nreturn %y"


@settings(max_examples=60)
@given(graphs())
def test_printing_what_was_parsed_gives_the_same_text_and_graph(graph: Graph) -> None:
    verify(graph)
    constants: dict[str, Any] = {}
    text = print_graph(graph, constants)
    again = parse_graph(text, OPS, constants)
    verify(again)
    assert print_graph(again, dict(constants)) == text
    assert canonical(again) == canonical(graph)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers(),
        lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
        max_leaves=8,
    )
)
def test_literals_survive_a_round_trip(value: Any) -> None:
    text = print_literal(value)
    assert print_literal(Scanner(text, 1).literal()) == text
    assert "\n" not in text


def test_names_are_made_unique_and_readable() -> None:
    graph = Graph()
    first = graph.add_param(TENSOR, "x")
    second = graph.add_param(TENSOR, "x")
    third = graph.add_param(TENSOR, "")
    odd = graph.add_param(TENSOR, "a b/c")
    graph.set_returns([first, second, third, odd])
    text = "graph(%x: Tensor, %x.1: Tensor, %0: Tensor, %a_b_c: Tensor)"
    assert print_graph(graph).split("\n")[0] == text


def test_a_constant_whose_type_is_not_its_own_gets_a_line() -> None:
    graph = Graph()
    graph.set_returns([graph.constant(None, OptionalType(TENSOR)), graph.constant(None, NONE)])
    assert print_graph(graph) == ("graph()\n%0: Optional[Tensor] = constant(None)\nreturn %0, None")


def test_one_tensor_has_one_name() -> None:
    w = np.zeros(3, np.float32)
    graph = Graph()
    a, b = graph.constant(w, TENSOR), graph.constant(w, TENSOR)
    graph.set_returns([a, b])
    constants: dict[str, Any] = {}
    text = print_graph(graph, constants)
    assert list(constants) == ["0"]
    assert "%1: Tensor = constant(@0)" in text
    again = parse_graph(text, OPS, constants)
    assert again.returns[0].constant is again.returns[1].constant is w


def test_objects_are_constants_by_name() -> None:
    module = Object(Class("__torch__.M", "module"))
    text = 'graph()\n%m: __torch__.M = constant(@m)\n%w: Tensor = get_attr(%m, name="w")\nreturn %w'
    graph = parse_graph(text, OPS, {"m": module})
    assert graph.nodes_of(GET_ATTR)[0].inputs[0].constant is module


def test_a_bool_tensor_of_unknown_shape_is_not_a_bool() -> None:
    text = "graph(%a: bool[...], %b: bool)\nreturn %a, %b"
    graph = parse_graph(text, OPS)
    assert print_graph(graph) == text
    assert graph.params[0].type != graph.params[1].type


def test_lists_of_mixed_or_no_elements_have_no_type_of_their_own() -> None:
    assert literal_type([]) is None
    assert literal_type([1, 2.0]) is None
    assert literal_type(5) == INT
    assert print_literal(-math.inf) == "-inf"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 .*expected another line"),
        ("graf()", "line 1 .*expected 'graph'"),
        ("graph(%x: f32[2])", "expected another line, got the end"),
        ("graph(%x: f32[2], %x: int)\nreturn", "%x is defined twice"),
        ("graph()\nreturn %y", "line 2 .*%y is not defined here"),
        ("graph()\n%y: int = nothing()\nreturn", "line 2 .*unknown operator 'nothing'"),
        ("graph()\n%y: int = constant(@k)\nreturn", "no value is given for the constant @k"),
        ("graph()\n%y: int = constant(5)", "expected another line"),
        ("graph()\n%y: Foo[ = constant(5)\nreturn", "line 2 .*bad type"),
        ("graph()\nreturn [1, 2.0]", "constant with a type of its own"),
        ("graph()\nreturn 1\nreturn 2", "line 3 .*unexpected text"),
        ("graph(%c: bool)\nif(%c)\n  return\nelse\nreturn", "expected an indented block"),
        ("graph(%c: bool)\nif(%c)\n  return\n   return\nreturn", "indentation of 0"),
        ('graph()\nreturn "abc', "expected a string"),
        ("graph()\nreturn what", "expected a value, got 'what'"),
        ("graph()\nreturn " + "[" * 1000, "nest deeper than"),
        ("graph()\nreturn " + "9" * 5000, "too many digits"),
        ("graph(%x: " + "List[" * 1000 + ")\nreturn", "bad type"),
        (
            "graph(%x: f32[2], %c: bool)\n%y: f32[2] = if(%c)\n  %a: f32[2] = relu(%x)\n"
            "  return %a\nelse\n  return %a\nreturn %y",
            "line 6 .*%a is not defined here",
        ),
    ],
)
def test_bad_text_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ScriptSyntaxError, match=message):
        parse_graph(text, OPS)


def test_blocks_have_a_depth_limit() -> None:
    lines = ["graph(%c: bool)"]
    lines += [
        " " * i + "loop(1, True)" + " with (%i%d: int)".replace("%d", str(i)) for i in range(300)
    ]
    with pytest.raises(ScriptSyntaxError, match="blocks nest deeper"):
        parse_graph("\n".join([*lines, " " * 300 + "return True"]), OPS)


@settings(max_examples=200)
@given(st.data())
def test_damaged_text_gives_an_error_or_a_graph(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(EXAMPLE)))
    stop = data.draw(st.integers(start, min(len(EXAMPLE), start + 20)))
    noise = data.draw(st.text(alphabet='%()[]<>"=:,.\n 1ax-@#', max_size=5))
    try:
        graph = parse_graph(EXAMPLE[:start] + noise + EXAMPLE[stop:], OPS, {"w": np.zeros((4, 4))})
    except Error:
        return
    assert print_graph(graph, {})
