"""The pipeline from a graph to a plan: binding, constants that plans share, reports, errors."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from tests.plans import bind, budget, engine_for, graph_of, run, type_of
from treadle.compiler import engine, optimise, single
from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir.op import GET_ATTR
from treadle.ir.program import Class, Object, Program
from treadle.ir.text import print_graph
from treadle.ops import OPS
from treadle.passes.abstract import Unplannable

_LINEAR = """
    graph(%x: Tensor)
    %w: Tensor = constant(@w)
    %y: Tensor = linear(%x, %w, None)
    %z: Tensor = relu(%y)
    return %z
    """


def _x(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_optimise_applies_all_passes() -> None:
    graph = graph_of(
        """
        graph(%x: Tensor)
        %a: Tensor = relu(%x)
        %b: Tensor = relu(%x)
        %d: Tensor = tanh(%x)
        %n: int = add.int(1, 1)
        %y: Tensor = add.Tensor(%a, %b, %n)
        return %y
        """
    )
    text = print_graph(optimise(graph, Program(), None, check=True))
    assert text.count("relu") == 1
    assert "tanh" not in text
    assert "add.int" not in text


def test_writes_in_branches_that_constants_rule_out_do_not_keep_attributes() -> None:
    graph = graph_of(
        """
        graph(%self: __torch__.M, %x: Tensor)
        %training: bool = get_attr(%self, name="training")
        %w: Tensor = get_attr(%self, name="weight")
        %v: Tensor = if(%training)
          %d: Tensor = dropout_(%w, 0.5, True)
          return %d
        else
          return %w
        %y: Tensor = mul.Tensor(%x, %v)
        return %y
        """
    )
    root = Object(Class("__torch__.M", "module"), {"training": False, "weight": _x(3)})
    optimise(graph, Program(), root, check=True)
    assert not graph.nodes_of(GET_ATTR)


@pytest.mark.native
def test_one_graph_binds_for_many_shapes() -> None:
    w = _x(7, 5)
    graph = graph_of(_LINEAR, {"w": w})
    for shape in ((3, 5), (2, 4, 5), (0, 5), (5,)):
        x = _x(*shape)
        (actual,) = run(bind(graph, [type_of(x)]), [x])
        np.testing.assert_allclose(actual, np.maximum(x @ w.T, 0), rtol=0, atol=1e-5)


@pytest.mark.native
def test_plans_share_packed_weights_while_the_weight_lives() -> None:
    w = _x(64, 48)
    graph = graph_of(_LINEAR, {"w": w})
    shapes = [type_of(_x(300, 48)), type_of(_x(600, 48))]
    first, second = (bind(graph, [s]).schedule.packings for s in shapes)
    assert first[0].storage.array is second[0].storage.array
    known = len(engine_for("native")._packer._packed)
    del graph, first, second, w
    gc.collect()
    assert len(engine_for("native")._packer._packed) < known


@pytest.mark.native
def test_a_report_names_the_steps() -> None:
    x = _x(3, 5)
    explained = bind(graph_of(_LINEAR, {"w": _x(7, 5)}), [type_of(x)]).explain()
    assert explained.planned
    assert [(s.name, s.kind) for s in explained.steps] == [("linear+relu", "contraction")]
    assert explained.sequences == 1


@pytest.mark.native
def test_an_index_out_of_range_is_an_error_after_the_run() -> None:
    text = """
    graph(%w: Tensor, %i: Tensor)
    %y: Tensor = index_select(%w, 0, %i)
    return %y
    """
    w, bad = _x(5, 3), np.array([0, 7])
    bound = bind(graph_of(text), [type_of(w), type_of(bad)])
    for threads in (1, 3):
        with budget(threads), pytest.raises(IndexOutOfRange, match=r"index 7 .* size 5"):
            run(bound, [w, bad])
    np.testing.assert_array_equal(run(bound, [w, np.array([4, 0])])[0], w[[4, 0]])


@pytest.mark.native
def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ShapeError, match="linear"):
        bind(graph_of(_LINEAR, {"w": _x(7, 5)}), [type_of(_x(3, 4))])


@pytest.mark.native
def test_what_has_to_be_interpreted_says_why() -> None:
    graph = graph_of("graph(%x: Tensor)\n%y: Tensor = nonzero(%x)\nreturn %y")
    with pytest.raises(Unplannable, match="nonzero"):
        bind(graph, [type_of(_x(3))])


def test_single_makes_arrays_parameters_and_keeps_the_rest() -> None:
    a, b = _x(2), _x(2)
    graph, arrays = single(OPS["cat"], ([a, b], 0))
    assert [x is y for x, y in zip(arrays, (a, b), strict=True)] == [True, True]
    assert len(graph.params) == 2


def test_there_is_one_engine() -> None:
    assert engine() is engine()
