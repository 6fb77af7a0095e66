from __future__ import annotations

import numpy as np

from tests.check_pass import graph_of
from treadle.ir.graph import Graph, Value
from treadle.passes.alias import analyse_aliases
from treadle.passes.locations import Aliases


def _named(graph: Graph) -> dict[str, Value]:
    values = {p.name: p for p in graph.params}
    for node in graph.walk():
        values |= {v.name: v for v in node.outputs}
        for block in node.blocks:
            values |= {p.name: p for p in block.params}
    return values


def _analyse(text: str, **constants: np.ndarray) -> tuple[Aliases, dict[str, Value]]:
    graph = graph_of(text, dict(constants))
    return analyse_aliases(graph), _named(graph)


def test_views_alias_and_results_do_not() -> None:
    aliases, v = _analyse(
        """
        graph(%x: f32[2, 3])
        %a: Tensor = tanh(%x)
        %b: Tensor = view(%a, [6])
        %c: Tensor = relu(%b)
        %d: Tensor = relu_(%b)
        return %c
        """
    )
    assert aliases.may_alias(v["a"], v["b"])
    assert aliases.may_alias(v["a"], v["d"])
    assert not aliases.may_alias(v["a"], v["c"])
    assert not aliases.may_alias(v["a"], v["x"])
    assert aliases.is_written(v["a"])
    assert not aliases.is_written(v["c"])
    assert aliases.escapes(v["c"])
    assert not aliases.escapes(v["a"])


def test_a_product_of_several_tensors_is_none_of_them() -> None:
    aliases, v = _analyse(
        """
        graph(%x: f32[2, 3], %y: f32[3, 2])
        %one: List[Tensor] = list(%x)
        %a: Tensor = einsum("ij->ij", %one, None)
        %two: List[Tensor] = list(%x, %y)
        %b: Tensor = einsum("ij,jk->ik", %two, None)
        return %a
        """
    )
    assert aliases.may_alias(v["a"], v["x"])
    assert not aliases.may_alias(v["b"], v["x"])


def test_parameters_may_be_one_tensor() -> None:
    aliases, v = _analyse("graph(%x: f32[2], %y: f32[2], %n: int)\nreturn %x")
    assert aliases.may_alias(v["x"], v["y"])
    assert not aliases.may_alias(v["x"], v["n"])


def test_containers_reach_their_elements_but_elements_not_each_other() -> None:
    aliases, v = _analyse(
        """
        graph(%x: f32[2])
        %a: Tensor = tanh(%x)
        %b: Tensor = tanh(%x)
        %l: List[Tensor] = list(%a, %b)
        %t: Tuple[List[Tensor], int] = tuple(%l, 1)
        %u: List[Tensor], %n: int = tuple_unpack(%t)
        %e: Tensor = __getitem__.t(%u, 0)
        return %n
        """
    )
    assert aliases.may_alias(v["t"], v["a"])
    assert aliases.may_alias(v["e"], v["b"])
    assert not aliases.may_alias(v["a"], v["b"])


def test_what_is_appended_is_reached_through_the_list() -> None:
    aliases, v = _analyse(
        """
        graph(%x: f32[2])
        %l: List[Tensor] = list()
        %a: Tensor = tanh(%x)
        %m: List[Tensor] = append.t(%l, %a)
        %e: Tensor = __getitem__.t(%l, 0)
        %r: Tensor = relu_(%e)
        return 1
        """
    )
    assert aliases.is_written(v["a"])
    assert aliases.is_written(v["l"])


def test_results_of_control_flow_and_futures_alias_what_blocks_return() -> None:
    aliases, v = _analyse(
        """
        graph(%x: f32[2], %c: bool, %k: int)
        %a: Tensor = tanh(%x)
        %b: Tensor = tanh(%x)
        %i: Tensor = if(%c)
          return %a
        else
          %n: Tensor = neg(%x)
          return %n
        %o: Tensor = loop(%k, True, %b) with (%j: int, %u: Tensor)
          %w: Tensor = neg(%u)
          return True, %w
        %f: Future[Tensor] = fork()
          return %a
        %g: Tensor = wait(%f)
        return 1
        """
    )
    assert aliases.may_alias(v["i"], v["a"])
    assert aliases.may_alias(v["i"], v["n"])
    assert aliases.may_alias(v["o"], v["b"])
    assert aliases.may_alias(v["u"], v["w"])
    assert aliases.may_alias(v["g"], v["a"])
    assert not aliases.may_alias(v["i"], v["b"])


def test_constants_alias_where_their_memory_overlaps() -> None:
    memory = np.zeros(6, np.float32)
    aliases, v = _analyse(
        """
        graph()
        %a: Tensor = constant(@a)
        %b: Tensor = constant(@b)
        %c: Tensor = constant(@c)
        return 1
        """,
        a=memory[:3],
        b=memory[2:4][::-1],
        c=memory[4:],
    )
    assert aliases.may_alias(v["a"], v["b"])
    assert not aliases.may_alias(v["b"], v["c"])


def test_attributes_alias_what_was_set() -> None:
    aliases, v = _analyse(
        """
        graph(%self: __torch__.M, %x: f32[2])
        %a: Tensor = tanh(%x)
        set_attr(%self, %a, name="h")
        %b: Tensor = get_attr(%self, name="h")
        return 1
        """
    )
    assert aliases.may_alias(v["a"], v["b"])
    assert aliases.escapes(v["a"])
