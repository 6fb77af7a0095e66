"""Templates give the plans that binding gives: the same bits, for operators and whole models."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.conformance.support import arguments
from tests.conformance.test_plans import CONSTANT_WEIGHTS, lowered
from tests.plans import graph_of
from treadle.compiler import Bound, single
from treadle.errors import Error
from treadle.ir.graph import Graph
from treadle.ir.op import OpDef
from treadle.ir.types import ANY, TensorType
from treadle.ops import OPS
from treadle.runtime import Plan, Program
from treadle.structure import signature_of
from treadle.template import MAX_FAILURES, SEEN_BEFORE, Binder, Signature

Array = np.ndarray[Any, Any]
GROWTH = (1, 2, 0, 3, 4, 13, 14, 30, 62, 63)
"""What is added to every size above 1 of a sample: a template is made at the third."""
FEW = 1 << 12


def binder_of(graph: Graph) -> Binder:
    return Binder(lambda: graph, lambda types: types)


def grown_shape(array: Array, by: int) -> tuple[int, ...]:
    """The shape of `array` with every size above 1 larger, equal ones equally."""
    return tuple(d + by if d > 1 else d for d in array.shape)


def outputs(plan: Plan, arrays: Sequence[Array]) -> list[Any] | str:
    """The bytes and strides of what `plan` gives, or the error it raises."""
    try:
        results = Program(lambda _: plan)(*arrays)
    except Error as error:
        return str(error)
    return [(array.tobytes(), array.strides) for array in results]


def attempt(action: Callable[[Signature], Any], signature: Signature) -> Any:
    """What `action` gives, or the error it raises."""
    try:
        return action(signature)
    except Error as error:
        return error


def check(binder: Binder, cases: Sequence[Sequence[Array]]) -> int:
    """Compare the plans of `binder` with plans bound one by one; how many a template gave."""
    from_templates = 0
    for arrays in cases:
        signature = signature_of(arrays)
        expected, actual = (attempt(bind, signature) for bind in (binder.bind_once, binder.bind))
        if isinstance(expected, Error):
            assert (type(actual), str(actual)) == (type(expected), str(expected))
            continue
        assert isinstance(expected, Bound)
        plan, _ = actual
        from_templates += any(t.plan(signature) is not None for t in binder.templates)
        theirs = outputs(expected.plan, arrays)
        assert outputs(plan, arrays) == theirs, signature
    return from_templates


@pytest.mark.native
@pytest.mark.parametrize("op", [p for p in lowered() if p.values[0].name not in CONSTANT_WEIGHTS])
def test_operators_give_the_bits_of_plans_bound_one_by_one(op: OpDef) -> None:
    for index in range(min(len(op.samples), 2)):
        graph, arrays = single(op, arguments(op, index))
        if any(d > 1 for array in arrays for d in array.shape):
            shapes = [[grown_shape(array, by) for array in arrays] for by in GROWTH]
            small = [s for s in shapes if sum(map(math.prod, s)) < FEW]
            cases = [[np.resize(a, s) for a, s in zip(arrays, case, strict=True)] for case in small]
            check(binder_of(graph), cases)


ATTENTION = """
    graph(%q: f32[1, 1, 8], %k: f32[1, 3, 8], %new: f32[1, 1, 8])
    %parts: Tensor[] = list(%k, %new)
    %all: f32[1, 4, 8] = cat(%parts, 1)
    %t: f32[1, 8, 4] = transpose.int(%all, -2, -1)
    %scores: f32[1, 1, 4] = matmul(%q, %t)
    %weights: f32[1, 1, 4] = softmax.int(%scores, -1, None)
    %result: f32[1, 1, 8] = matmul(%weights, %all)
    return %result
"""


def attention_case(length: int) -> list[Array]:
    random = np.random.default_rng(length)
    return [
        random.standard_normal(shape, np.float32)
        for shape in ((1, 1, 8), (1, length, 8), (1, 1, 8))
    ]


def test_a_size_that_holds_alone_leaves_the_others_free() -> None:
    binder = binder_of(
        graph_of("""
        graph(%x: f32[3, 4], %y: f32[5, 4])
        %s: f32[4] = sum.dim_IntList(%x, [0], False, None)
        %z: f32[5, 4] = mul.Tensor(%y, %s)
        return %z
        """)
    )
    sizes = [(3, 7), (2, 7), (1, 9), (1, 20), (1, 33), (0, 8), (1, 12), (0, 9), (0, 31), (0, 14)]
    cases = [[np.ones((n, 4), np.float32), np.ones((m, 4), np.float32)] for n, m in sizes]
    assert check(binder, cases) >= 7


def test_a_growing_cache_needs_few_templates() -> None:
    binder = binder_of(graph_of(ATTENTION))
    lengths = range(200)
    assert check(binder, [attention_case(n) for n in lengths]) > 180
    assert len(binder.templates) < 20


def test_the_first_signatures_are_bound_one_by_one() -> None:
    binder = binder_of(graph_of(ATTENTION))
    check(binder, [attention_case(n) for n in range(5, 5 + SEEN_BEFORE)])
    assert not binder.templates
    check(binder, [attention_case(9)])
    assert len(binder.templates) == 1


def test_equal_sizes_are_one_symbol_that_other_signatures_have_to_share() -> None:
    graph = graph_of(
        """
        graph(%a: f32[4, 2], %b: f32[4, 2])
        %c: f32[4, 2] = add.Tensor(%a, %b, 1)
        return %c
        """
    )
    binder = binder_of(graph)
    a = np.arange(24, dtype=np.float32).reshape(12, 2)
    check(binder, [[a[:n], a[:n]] for n in (4, 5, 6, 7)])
    (template,) = binder.templates
    assert template.plan(signature_of([a[:9], a[:9]])) is not None
    assert template.plan(signature_of([a[:9], a[:1]])) is None
    check(binder, [[a[:9], a[:1]], [a[:9], a[:8]]])


def test_a_graph_without_symbols_is_left_alone_after_a_few_attempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        attempts.append(1)
        raise TypeError("cannot compute with symbols")

    attempts: list[int] = []
    binder = binder_of(graph_of(ATTENTION))
    monkeypatch.setattr(binder, "_traced", fail)
    check(binder, [attention_case(n) for n in range(5, 30)])
    assert len(attempts) == MAX_FAILURES
    assert not binder.templates


def test_a_template_that_verification_contradicts_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    binder = binder_of(graph_of(ATTENTION))
    monkeypatch.setattr("treadle.template._same", lambda *_: False)
    check(binder, [attention_case(n) for n in range(5, 12)])
    assert not binder.templates


@pytest.mark.native
@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrent_layer_has_one_plan_for_many_numbers_of_steps(reverse: bool) -> None:
    random = np.random.default_rng(0)
    weight = random.standard_normal((32, 8), np.float32)

    def case(steps: int) -> list[Array]:
        shapes = ((steps, 2, 32), (2, 8), (2, 8))
        return [random.standard_normal(shape, np.float32) for shape in shapes]

    graph = Graph("layer")
    inputs = [graph.add_param(TensorType(), name) for name in ("gates", "h", "c")]
    flags = [graph.constant(weight, TensorType()), graph.constant(reverse, ANY)]
    node = graph.add(OPS["lstm_layer"], [*inputs, *flags], (TensorType(),) * 3)
    graph.set_returns([graph.add(OPS["tuple"], node.outputs, (ANY,)).output])
    binder = binder_of(graph)
    assert check(binder, [case(n) for n in (4, 5, 7, 2, 3, 30, 31, 100, 1, 0)]) >= 5
    assert len(binder.templates) == 1
    schedule = binder.bind_once(signature_of(case(100))).schedule
    assert len(schedule.steps()) == len(binder.bind_once(signature_of(case(5))).schedule.steps())
