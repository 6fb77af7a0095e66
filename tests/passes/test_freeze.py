from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.check_pass import graph_of
from tests.evaluate import evaluate
from tests.passes.test_inline import function, program
from treadle.ir.graph import Graph
from treadle.ir.op import CONSTANT, GET_ATTR
from treadle.ir.program import Class, Object
from treadle.ir.text import print_graph
from treadle.ir.types import TensorType
from treadle.ir.verify import verify
from treadle.passes.freeze import freeze, mutable_attributes
from treadle.passes.inline import inline

W = np.arange(6, dtype=np.float32).reshape(2, 3)


def _root(**attributes: Any) -> Object:
    return Object(Class("__torch__.M", "module"), attributes)


def _frozen(text: str, root: Object) -> Graph:
    graph = graph_of(text)
    changed = freeze(graph, root)
    verify(graph)
    assert changed
    assert freeze(graph, root) is False
    return graph


def _constants(graph: Graph) -> list[Any]:
    return [n.attributes["value"] for n in graph.nodes_of(CONSTANT)]


def test_attributes_become_constants_and_self_disappears() -> None:
    root = _root(weight=W, scale=2, bias=None)
    graph = _frozen(
        """
        graph(%self: __torch__.M, %x: Tensor)
        %w: Tensor = get_attr(%self, name="weight")
        %b: Optional[Tensor] = get_attr(%self, name="bias")
        %s: int = get_attr(%self, name="scale")
        %y: Tensor = linear(%x, %w, %b)
        %z: Tensor = add.Tensor(%y, %y, %s)
        return %z
        """,
        root,
    )
    assert [p.name for p in graph.params] == ["x"]
    assert not graph.nodes_of(GET_ATTR)
    assert "%w: f32[2, 3] = constant(@w)" in print_graph(graph)
    assert "linear(%x, %w, None)" in print_graph(graph)
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(evaluate(graph, [x])[0], 3 * (x @ W.T))


def test_tied_weights_stay_one_array() -> None:
    graph = _frozen(
        """
        graph(%self: __torch__.M)
        %a: Tensor = get_attr(%self, name="a")
        %b: Tensor = get_attr(%self, name="b")
        %c: Tensor = matmul(%a, %b)
        return %c
        """,
        _root(a=W, b=W),
    )
    assert graph.nodes_of(CONSTANT)[1].attributes["value"] is W
    assert graph.nodes_of(CONSTANT)[2].attributes["value"] is W
    assert graph.nodes_of(CONSTANT)[1].output.type == TensorType(graph_dtype(graph), (2, 3))


def graph_dtype(graph: Graph) -> Any:
    type_ = graph.nodes_of(CONSTANT)[1].output.type
    assert isinstance(type_, TensorType)
    return type_.dtype


def test_nested_modules_and_class_constants_are_followed() -> None:
    inner = Object(Class("__torch__.N", "module", constants={"eps": 0.5}), {"w": W})
    graph = _frozen(
        """
        graph(%self: __torch__.M)
        %n: __torch__.N = get_attr(%self, name="inner")
        %w: Tensor = get_attr(%n, name="w")
        %e: float = get_attr(%n, name="eps")
        %y: Tensor = add.Scalar(%w, %e, 1)
        return %y
        """,
        _root(inner=inner),
    )
    assert "add.Scalar(%w, 0.5, 1)" in print_graph(graph)


def _stays(text: str, root: Object, *names: str) -> None:
    graph = _frozen(text, root)
    assert mutable_attributes(graph) == names


def test_an_attribute_that_is_set_is_read_at_run_time() -> None:
    _stays(
        """
        graph(%self: __torch__.M, %x: Tensor)
        %n: int = get_attr(%self, name="count")
        %m: int = add.int(%n, 1)
        set_attr(%self, %m, name="count")
        %k: int = get_attr(%self, name="other")
        return %n, %k
        """,
        _root(count=0, other=3),
        "count",
    )


def test_a_tensor_that_is_written_into_is_read_at_run_time() -> None:
    _stays(
        """
        graph(%self: __torch__.M, %x: Tensor)
        %a: Tensor = get_attr(%self, name="a")
        %b: Tensor = get_attr(%self, name="b")
        %v: Tensor = view(%a, [6])
        %r: Tensor = relu_(%v)
        return %a, %b
        """,
        _root(a=W, b=W.copy()),
        "a",
    )


def test_what_overlaps_a_written_tensor_is_read_at_run_time_too() -> None:
    memory = np.zeros(8, np.float32)
    _stays(
        """
        graph(%self: __torch__.M)
        %a: Tensor = get_attr(%self, name="a")
        %b: Tensor = get_attr(%self, name="b")
        %c: Tensor = get_attr(%self, name="c")
        %r: Tensor = relu_(%a)
        %y: Tensor = add.Tensor(%b, %c, 1)
        return %y
        """,
        _root(a=memory[:4], b=memory[2:6], c=memory[6:]),
        "a",
        "b",
    )


def test_a_list_that_grows_is_read_at_run_time() -> None:
    _stays(
        """
        graph(%self: __torch__.M)
        %a: List[int] = get_attr(%self, name="a")
        %b: List[int] = get_attr(%self, name="b")
        %c: List[int] = append.t(%a, 1)
        %n: int = len.t(%b)
        return %n
        """,
        _root(a=[1], b=[2]),
        "a",
    )


def test_tensors_wait_until_calls_are_inlined() -> None:
    graph = graph_of(
        """
        graph(%self: __torch__.M)
        %a: Tensor = get_attr(%self, name="a")
        %y: Tensor = call_function(%a, name="f")
        return %a
        """
    )
    root = _root(a=W)
    writes = function("f", "graph(%x: Tensor)\n%y: Tensor = relu_(%x)\nreturn %y")
    assert freeze(graph, root)
    assert mutable_attributes(graph) == ("a",)
    assert inline(graph, program(writes))
    assert not freeze(graph, root)
    assert mutable_attributes(graph) == ("a",)


def test_a_method_that_is_still_called_may_set_attributes() -> None:
    setter = function(
        "set",
        'graph(%self: __torch__.M)\nset_attr(%self, 5, name="k")\nreturn None',
        "NoneType",
    )
    root = _root(k=1)
    root.cls.methods["set"] = setter
    _stays(
        """
        graph(%self: __torch__.M)
        %n: NoneType = call_method(%self, name="set")
        %k: int = get_attr(%self, name="k")
        return %k
        """,
        root,
        "k",
    )


def _run_all(graph: Graph, *passes: Callable[[Graph], bool]) -> None:
    changed = True
    while changed:
        changed = False
        for run in passes:
            changed |= run(graph)
            verify(graph)


def test_freezing_and_inlining_together_reach_the_innermost_module() -> None:
    leaf = Class("__torch__.Leaf", "module")
    leaf.methods["forward"] = function(
        "forward",
        """
        graph(%self: __torch__.Leaf, %x: Tensor)
        %w: Tensor = get_attr(%self, name="w")
        %y: Tensor = mul.Tensor(%x, %w)
        return %y
        """,
    )
    root = _root(leaf=Object(leaf, {"w": W}))
    graph = graph_of(
        """
        graph(%self: __torch__.M, %x: Tensor)
        %m: __torch__.Interface = get_attr(%self, name="leaf")
        %y: Tensor = call_method(%m, %x, name="forward")
        return %y
        """
    )
    _run_all(graph, lambda g: inline(g, program()), lambda g: freeze(g, root))
    assert [n.op.name for n in graph.nodes if n.outputs[0].users] == ["constant", "mul.Tensor"]
