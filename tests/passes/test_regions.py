"""Runs of operators that become regions of an interpreted graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, note, settings

from tests.check_pass import assert_same, check_meaning, graph_of
from tests.evaluate import evaluate
from tests.ir.random_graphs import graphs
from treadle.ir.clone import clone_graph
from treadle.ir.graph import Graph
from treadle.ir.op import CONSTANT, REGION
from treadle.ir.text import print_graph
from treadle.ir.verify import verify
from treadle.passes.regions import form_regions


def formed(text: str) -> Graph:
    graph = graph_of(text)
    form_regions(graph)
    verify(graph)
    return graph


def contents(text: str) -> list[list[str]]:
    """The operators of each region."""
    return [[n.op.name for n in r.blocks[0].nodes] for r in formed(text).nodes_of(REGION)]


@settings(max_examples=100)
@given(graph=graphs(max_nodes=25, writes=True))
def test_new_tensors_for_the_results_of_regions_change_nothing(graph: Graph) -> None:
    changed = clone_graph(graph)
    form_regions(changed)
    note(print_graph(graph))
    note(print_graph(changed))
    verify(changed)
    check_meaning(graph, changed, runs=2)
    assert shared(graph) == shared(changed)


def shared(graph: Graph) -> list[bool]:
    """Which results and arguments of a run share memory."""
    arrays = [np.full((2, 3), i, np.float32) for i in range(len(graph.params) - 1)]
    arguments: list[Any] = [*arrays, True]
    every = [*arrays, *evaluate(graph, arguments)]
    return [np.may_share_memory(a, b) for a in every for b in every]


def test_a_run_is_one_region_whatever_scalar_code_stands_between() -> None:
    text = """
        graph f(%x: f32[2], %n: Tensor)
        %k: int = Int.Tensor(%n)
        %y: Tensor = relu(%x)
        %m: int = add.int(%k, 1)
        %z: Tensor = neg(%y)
        return %z, %m"""
    assert contents(text) == [["relu", "neg"]]


def test_effects_and_answers_from_data_end_a_run() -> None:
    text = """
        graph f(%x: f32[2], %y: f32[2])
        %a: Tensor = relu(%x)
        %b: Tensor = relu_(%y)
        %c: Tensor = neg(%a)
        %d: Tensor = sum(%c, None)
        %e: int = Int.Tensor(%d)
        %g: Tensor = exp(%c)
        return %g, %e"""
    assert contents(text) == [["relu", "relu"], ["neg", "sum"], ["exp"]]


def test_views_alone_are_no_region() -> None:
    text = """
        graph f(%x: f32[2, 3])
        %a: Tensor = select.int(%x, 0, 1)
        %b: int = size.int(%a, 0)
        return %a, %b"""
    assert contents(text) == []


def test_a_view_that_is_written_later_is_made_again_outside() -> None:
    graph = formed("""
        graph f(%x: f32[2, 3])
        %a: Tensor = relu(%x)
        %b: Tensor = select.int(%a, 0, 1)
        %c: Tensor = neg(%b)
        %d: Tensor = relu_(%b)
        return %a, %c""")
    (region,) = graph.nodes_of(REGION)
    assert [n.op.name for n in region.blocks[0].nodes] == ["relu", "select.int", "neg", "relu"]
    outside = [n.op.name for n in graph.nodes if n is not region and n.op is not CONSTANT]
    assert outside == ["select.int", "write"]


def test_sizes_used_outside_are_asked_again() -> None:
    graph = formed("""
        graph f(%x: f32[2, 3])
        %a: Tensor = relu(%x)
        %n: int = size.int(%a, 0)
        %s: List[int] = list(%n, -1)
        %b: Tensor = reshape(%a, %s)
        %c: Tensor = neg(%b)
        return %c, %n""")
    (region,) = graph.nodes_of(REGION)
    assert len(region.blocks[0].returns) == 2
    assert [n.op.name for n in graph.nodes if n.op.schema] == ["size.int"]


def test_numbers_that_change_are_inputs_of_arithmetic_alone() -> None:
    text = """
        graph f(%x: f32[4, 4], %n: Tensor)
        %k: int = Int.Tensor(%n)
        %y: Tensor = mul.Scalar(%x, %k)
        %z: Tensor = select.int(%y, 0, %k)
        %w: Tensor = neg(%z)
        return %w"""
    assert contents(text) == [["mul.Scalar"], ["neg"]]
    first, _ = formed(text).nodes_of(REGION)
    assert first.attributes["fixed"] == 0
    assert [str(v.type) for v in first.inputs] == ["f32[4, 4]", "int"]


def test_arguments_are_fixed_where_shapes_need_them() -> None:
    graph = formed("""
        graph f(%x: f32[4, 4], %k: int)
        %y: Tensor = mul.Scalar(%x, %k)
        %z: Tensor = sum.dim_IntList(%y, [0], False, None)
        %w: Tensor = select.int(%z, 0, %k)
        %v: Tensor = neg(%w)
        return %v""")
    (region,) = graph.nodes_of(REGION)
    assert region.attributes["fixed"] == 1


def test_branches_on_sizes_are_inside_and_those_on_data_outside() -> None:
    text = """
        graph f(%x: f32[2], %n: Tensor)
        %r: int = dim(%x)
        %c: bool = eq.int(%r, 1)
        %y: Tensor = if(%c)
          %a: Tensor = relu(%x)
          return %a
        else
          raise("MSG", "ValueError")
          %b: Tensor = neg(%x)
          return %b
        %d: bool = Bool.Tensor(%n)
        %z: Tensor = if(%d)
          %e: Tensor = exp(%y)
          return %e
        else
          return %y
        return %z"""
    assert contents(text) == [["dim", "eq.int", "if"], ["exp"]]


def test_a_check_of_sizes_stays() -> None:
    text = """
        graph f(%x: f32[2])
        %y: Tensor = relu(%x)
        %r: int = dim(%x)
        %c: bool = eq.int(%r, 2)
        if(%c)
          raise("MSG", "ValueError")
          return
        else
          return
        %z: Tensor = neg(%y)
        return %z"""
    assert contents(text) == [["relu", "dim", "eq.int", "if", "neg"]]


def test_short_loops_of_known_length_are_inside() -> None:
    loop = """
        graph f(%x: f32[2], %n: int)
        %y: Tensor = loop({trips}, True, %x) with (%i: int, %a: Tensor)
          %b: Tensor = add.Scalar(%a, %i, 1)
          return True, %b
        return %y"""
    assert contents(loop.format(trips=3)) == [["loop"]]
    assert contents(loop.format(trips=100_000)) == [["add.Scalar"]]


def test_an_index_of_flags_is_outside() -> None:
    text = """
        graph f(%x: f32[4], %y: f32[4])
        %c: Tensor = gt.Tensor(%x, %y)
        %d: Tensor = logical_not(%c)
        %l: List[Optional[Tensor]] = list(%d)
        %z: Tensor = index.Tensor(%x, %l)
        %w: Tensor = neg(%z)
        return %w"""
    assert contents(text) == [["gt.Tensor", "logical_not"], ["neg"]]


def test_a_region_may_hand_out_one_of_two_names_of_a_tensor() -> None:
    graph = formed("""
        graph f(%x: f32[2, 3])
        %a: Tensor = relu(%x)
        %b: Tensor = view(%a, [3, 2])
        %c: Tensor = neg(%a)
        return %b, %c""")
    x = np.ones((2, 3), np.float32)
    b, c = evaluate(graph, [x])
    assert_same([b.shape, c.shape], [(3, 2), (2, 3)])
    (region,) = graph.nodes_of(REGION)
    assert [v.node.op.name for v in region.blocks[0].returns if v.node] == ["view", "neg"]


def test_scales_of_pooled_boxes_may_come_from_data() -> None:
    text = """
        graph f(%x: f32[1, 2, 8, 8], %boxes: f32[B, 5], %t: Tensor)
        %s: float = Float.Tensor(%t)
        %y: Tensor = roi_align(%x, %boxes, %s, 2, 2, 1, False)
        %z: Tensor = neg(%y)
        return %z"""
    assert contents(text) == [["roi_align", "neg"]]
    (region,) = formed(text).nodes_of(REGION)
    assert region.attributes["fixed"] == 1
