"""`check_pass`: a test of a pass, written as the graph before and the graph after."""

from __future__ import annotations

import copy
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import numpy as np

from tests.evaluate import ScriptRaisedError, evaluate, random_argument
from treadle.ir.graph import Graph
from treadle.ir.literals import is_literal
from treadle.ir.op import CONSTANT
from treadle.ir.text import parse_graph, print_graph
from treadle.ir.types import Type
from treadle.ir.verify import verify
from treadle.ops import OPS

Constants = dict[str, Any]


def graph_of(text: str, constants: Constants | None = None) -> Graph:
    """The verified graph of a dedented text."""
    graph = parse_graph(dedent(text), OPS, constants)
    verify(graph)
    return graph


def check_pass(
    run: Callable[[Graph], bool],
    *,
    before: str,
    after: str | None = None,
    constants: Constants | None = None,
    rtol: float = 0.0,
    meaning: bool = True,
) -> Graph:
    """Check what a pass does to a graph.

    Verifies, runs the pass, verifies, compares the text (names aside; None: nothing may change),
    compares the meaning on random arguments, and runs the pass again: it must find nothing.

    Args:
        run: the pass.
        before: the text of the graph, indented at will.
        after: the text expected.
        constants: those that the texts refer to by name.
        rtol: tolerance of the results; 0 asks for equal bits.
        meaning: whether the graph can be run.
    """
    graph = graph_of(before, constants)
    original = graph_of(before, constants)
    changed = run(graph)
    verify(graph)
    expected = graph_of(before if after is None else after, constants)
    assert canonical(graph) == canonical(expected), f"\n{print_graph(graph)}"
    assert changed is (after is not None)
    if meaning:
        check_meaning(original, graph, rtol)
    assert run(graph) is False, f"not a fixpoint:\n{print_graph(graph)}"
    return graph


def check_meaning(one: Graph, other: Graph, rtol: float = 0.0, runs: int = 5) -> None:
    """Check that both give the same results on random arguments, and write the same into them."""
    types = [p.type for p in one.params if _is_argument(p.type)]
    for seed in range(runs):
        generator, sizes = np.random.default_rng(seed), dict[str, int]()
        arguments = [random_argument(t, generator, sizes) for t in types]
        left, right = copy.deepcopy(arguments), copy.deepcopy(arguments)
        assert_same(_outcome(one, left), _outcome(other, right), rtol)
        assert_same(left, right, rtol)


def _is_argument(type_: Type) -> bool:
    return not str(type_).startswith("__torch__")


def _outcome(graph: Graph, arguments: list[Any]) -> Any:
    try:
        return evaluate(graph, arguments)
    except ScriptRaisedError as error:
        return repr(error)


def assert_same(a: Any, b: Any, rtol: float = 0.0) -> None:
    """Compare results: structure, types, dtypes, shapes, elements."""
    if isinstance(a, list | tuple):
        assert type(a) is type(b)
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y, rtol)
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    else:
        assert type(a) is type(b)
        assert a == b or (a != a and b != b)


def canonical(graph: Graph) -> str:
    """The text of a graph with numbered values and tensor constants by their elements."""
    named: Constants = {}
    for node in graph.walk():
        if node.op is CONSTANT and not is_literal(node.attributes["value"]):
            value = node.attributes["value"]
            shown = value.tolist() if isinstance(value, np.ndarray) else value
            text = f"{type(value).__name__}{shown!r}"
            while named.get(text, value) is not value:
                text += "'"
            named[text] = value
    return print_graph(graph, named, names=False)
