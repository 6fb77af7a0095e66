"""Specialisation: what is decided from shapes, and what stays with the interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.check_pass import graph_of
from treadle.errors import ShapeError
from treadle.ir.dtypes import f32
from treadle.ir.graph import Value
from treadle.ir.text import print_graph
from treadle.ir.types import TensorType
from treadle.ir.verify import verify
from treadle.ops import OPS
from treadle.passes.abstract import Unplannable, flatten
from treadle.passes.specialise import Specialised, specialise


def _specialised(
    text: str, *arguments: Any, constants: dict[str, Any] | None = None
) -> Specialised:
    result = specialise(graph_of(text, constants), arguments, OPS.by_name)
    verify(result.graph)
    return result


def _ops(specialised: Specialised) -> list[str]:
    return [n.op.name for n in specialised.graph.walk() if n.op.name != "constant"]


def _x(*shape: int) -> TensorType:
    return TensorType(f32, shape)


_BRANCH = """
    graph(%x: f32[...])
    %n: int = dim(%x)
    %c: bool = eq.int(%n, 2)
    %y: Tensor = if(%c)
      %a: Tensor = relu(%x)
      return %a
    else
      %b: Tensor = tanh(%x)
      return %b
    return %y
    """


def test_a_branch_on_the_rank_is_decided() -> None:
    assert _ops(_specialised(_BRANCH, _x(2, 3))) == ["relu"]
    assert _ops(_specialised(_BRANCH, _x(2, 3, 4))) == ["tanh"]


def test_types_become_concrete() -> None:
    result = _specialised(_BRANCH, _x(2, 3))
    assert result.graph.returns[0].type == _x(2, 3)
    assert "f32[2, 3]" in print_graph(result.graph)


def test_a_loop_is_unrolled_as_often_as_a_size_says() -> None:
    text = """
    graph(%x: f32[...])
    %n: int = size.int(%x, 0)
    %y: Tensor = loop(%n, True, %x) with (%i: int, %z: Tensor)
      %a: Tensor = relu(%z)
      return True, %a
    return %y
    """
    assert _ops(_specialised(text, _x(4))) == ["relu"] * 4


def test_a_loop_that_does_not_run_gives_its_argument() -> None:
    text = """
    graph(%x: f32[...])
    %y: Tensor = loop(0, True, %x) with (%i: int, %z: Tensor)
      %a: Tensor = relu(%z)
      return True, %a
    return %y
    """
    graph = _specialised(text, _x(4)).graph
    assert graph.returns == graph.params


def test_what_depends_on_constants_only_is_computed() -> None:
    text = """
    graph(%x: f32[...])
    %w: Tensor = constant(@w)
    %v: Tensor = relu(%w)
    %y: Tensor = add.Tensor(%x, %v, 1)
    return %y
    """
    w = np.array([-1, 2], np.float32)
    result = _specialised(text, _x(2), constants={"w": w})
    assert _ops(result) == ["add.Tensor"]
    (constant,) = [
        v for n in result.graph.walk() for v in n.inputs if isinstance(v.constant, np.ndarray)
    ]
    np.testing.assert_array_equal(constant.constant, [0, 2])


def test_one_array_is_one_constant() -> None:
    text = """
    graph(%x: f32[...])
    %v: Tensor = constant(@w)
    %w: Tensor = constant(@w)
    %a: Tensor = add.Tensor(%x, %v, 1)
    %b: Tensor = add.Tensor(%a, %w, 1)
    return %b
    """
    result = _specialised(text, _x(2), constants={"w": np.ones(2, np.float32)})
    arrays = [n for n in result.graph.walk() if isinstance(n.attributes.get("value"), np.ndarray)]
    assert len(arrays) == 1


def test_an_array_given_as_argument_is_a_constant() -> None:
    text = "graph(%x: f32[...], %w: f32[...])\n%y: Tensor = add.Tensor(%x, %w, 1)\nreturn %y"
    result = _specialised(text, _x(2), np.ones(2, np.float32))
    assert len(result.graph.params) == 1


def test_containers_dissolve_and_the_result_keeps_its_structure() -> None:
    text = """
    graph(%x: f32[...])
    %a: Tensor = relu(%x)
    %t: Tuple[Tensor, Tensor] = tuple(%a, %x)
    %p: Tensor, %q: Tensor = tuple_unpack(%t)
    %n: int = dim(%x)
    %l: List[Tensor] = list(%q, %p)
    %r: Tuple[List[Tensor], int] = tuple(%l, %n)
    return %r
    """
    result = _specialised(text, _x(2, 3))
    (items, number) = result.result
    assert number == 2
    assert all(isinstance(v, Value) for v in items)
    assert result.graph.returns == list(flatten(result.result)) == items
    assert _ops(result) == ["relu"]


def test_a_list_of_the_source_is_not_shared_between_calls() -> None:
    text = """
    graph(%x: f32[...])
    %l: List[int] = constant([1])
    %a: List[int] = append.int(%l, 2)
    %n: int = len.int(%l)
    %y: Tensor = add.Scalar(%x, %n, 1)
    return %y
    """.replace("append.int", "append.t").replace("len.int", "len.t")
    graph = graph_of(text)
    for _ in range(2):
        result = specialise(graph, [_x(2)], OPS.by_name)
        (node,) = [n for n in result.graph.walk() if n.op.name == "add.Scalar"]
        assert node.inputs[1].constant == 2


def test_a_fork_stays_and_its_value_has_the_structure_of_the_body() -> None:
    text = """
    graph(%x: f32[...])
    %f: Future[Tuple[Tensor, Tensor]] = fork()
      %a: Tensor = relu(%x)
      %b: Tensor = tanh(%x)
      %t: Tuple[Tensor, Tensor] = tuple(%a, %b)
      return %t
    %w: Tuple[Tensor, Tensor] = wait(%f)
    return %w
    """
    result = _specialised(text, _x(2))
    assert _ops(result) == ["fork", "relu", "tanh", "tuple", "wait", "tuple_unpack"]
    assert [v.type for v in result.result] == [_x(2), _x(2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            """
            graph(%x: f32[...])
            %n: Scalar = item(%x)
            %y: Tensor = add.Scalar(%x, %n, 1)
            return %y
            """,
            "item depends on data",
        ),
        ("graph(%x: f32[...])\n%y: Tensor = relu_(%x)\nreturn %y", "relu_ writes"),
        (
            """
            graph(%x: f32[...])
            %f: Future[Tensor] = fork()
              %a: Tensor = relu(%x)
              return %a
            return %f
            """,
            "the result holds a Future",
        ),
        (
            """
            graph(%x: f32[...])
            %y: Tensor = loop(100000, True, %x) with (%i: int, %z: Tensor)
              return True, %z
            return %y
            """,
            "too long to unroll",
        ),
    ],
)
def test_what_cannot_be_decided_says_why(text: str, message: str) -> None:
    with pytest.raises(Unplannable, match=message):
        _specialised(text, _x(1))


def test_the_message_names_the_line_of_the_source() -> None:
    text = "graph(%x: f32[...])\n%y: Tensor = relu_(%x)  # model.py:31\nreturn %y"
    with pytest.raises(Unplannable, match=r"model\.py:31"):
        _specialised(text, _x(1))


def test_shapes_that_do_not_fit_are_an_error() -> None:
    text = "graph(%x: f32[...], %y: f32[...])\n%z: Tensor = matmul(%x, %y)\nreturn %z"
    with pytest.raises(ShapeError, match="matmul"):
        _specialised(text, _x(2, 3), _x(4, 5))


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("List[int]", [1, 2], True),
        ("List[str]", [1, 2], False),
        ("int", 3, True),
        ("float", 3, False),
        ("Tuple[int, int]", (1, 2), True),
        ("Tuple[int, str]", (1, 2), False),
        ("AnyListType", [1, 2], True),
        ("AnyTupleType", [1, 2], False),
        ("AnyTupleType", (1, 2), True),
    ],
)
def test_isinstance_looks_at_the_elements(type_: str, value: Any, expected: bool) -> None:
    text = f"""
    graph(%x: f32[...], %v: Any)
    %b: bool = isinstance(%v, types=(<{type_}>,))
    %y: Tensor = add.Scalar(%x, %b, 1)
    return %y
    """
    result = _specialised(text, _x(1), value)
    (node,) = [n for n in result.graph.walk() if n.op.name == "add.Scalar"]
    assert node.inputs[1].constant is expected


def test_attributes_that_change_are_named() -> None:
    text = """
    graph(%self: __torch__.M, %x: f32[...])
    %n: int = get_attr(%self, name="steps")
    %y: Tensor = add.Scalar(%x, %n, 1)
    return %y
    """
    with pytest.raises(Unplannable, match="the attribute 'steps' may change"):
        _specialised(text, None, _x(1))


_FILLED = """
    graph(%x: f32[...])
    %w: Tensor = constant(@w)
    %m: Tensor = relu(%w)
    %part: Tensor = select.int(%m, 0, 1)
    %_: Tensor = fill_.Scalar(%part, 5)
    %y: Tensor = add.Tensor(%x, %m, 1)
    return %y
    """


def test_a_constant_made_here_may_be_filled_through_a_view() -> None:
    w = np.array([-1, 2], np.float32)
    result = _specialised(_FILLED, _x(2), constants={"w": w})
    (constant,) = [
        v for n in result.graph.walk() for v in n.inputs if isinstance(v.constant, np.ndarray)
    ]
    np.testing.assert_array_equal(constant.constant, [0, 5])
    np.testing.assert_array_equal(w, [-1, 2])


@pytest.mark.parametrize(
    "text",
    [
        _FILLED.replace("relu(%w)", "detach(%w)"),
        _FILLED.replace("    %part", "    %z: Tensor = add.Tensor(%x, %m, 1)\n    %part"),
        _FILLED.replace("relu(%w)", "expand(%w, [3, 2], False)"),
    ],
    ids=["a weight", "a constant in use", "an expanded weight"],
)
def test_memory_that_others_see_is_not_written(text: str) -> None:
    w = np.array([-1, 2], np.float32)
    with pytest.raises(Unplannable, match=r"fill_\.Scalar"):
        _specialised(text, _x(2), constants={"w": w})
    np.testing.assert_array_equal(w, [-1, 2])
