"""The bits of a result follow from shapes: not from where operands lie, nor from what is fused.

Only products of few rows are other sums where the columns of B lie side by side, in plans and
eagerly.
"""

from __future__ import annotations

from contextlib import nullcontext
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.support import arguments
from tests.conformance.test_plans import CONSTANT_WEIGHTS
from tests.plans import Array, bind, fine_tasks, graph_of, run, type_of
from treadle.compiler import single
from treadle.eager.programs import program_of
from treadle.ir.graph import Graph
from treadle.ir.op import OpDef
from treadle.ir.types import ANY
from treadle.ops import OPS
from treadle.ops.lowering import Decompose, Fold, MatrixProduct, Rows, Scan, Window
from treadle.passes.abstract import Unplannable
from treadle.passes.specialise import specialise

pytestmark = pytest.mark.native
VIEWS = ("reversed", "swapped", "channels_last", "sliced")
PRODUCTS_OF_RESULTS = {"scaled_dot_product_attention", "cov", "corrcoef"}
"""Their products of few rows read what an operator made of a view, laid out as that in plans."""
_SUMMED = Rows | MatrixProduct | Scan | Window | Fold


def _order(view: str, rank: int) -> list[int]:
    """The dims of a tensor of that rank as they lie in memory."""
    order = list(range(rank))
    if view == "reversed":
        order.reverse()
    elif view == "swapped" and rank > 1:
        order[-2:] = rank - 1, rank - 2
    elif view == "channels_last" and rank > 2:
        order = [0, *range(2, rank), 1]
    return order


def _stored(array: Array, view: str) -> tuple[Array, str, tuple[Any, ...]]:
    """What lies in memory, and the operator and the numbers that make `array` of it."""
    if view == "sliced" and array.ndim:
        return np.repeat(array, 2, -1), "slice.Tensor", (-1, 0, None, 2)
    order = _order(view, array.ndim)
    dims = [order.index(d) for d in range(array.ndim)]
    return np.array(array.transpose(order), order="C"), "permute", (dims,)


def _viewed(op: OpDef, args: tuple[Any, ...], view: str) -> tuple[Graph, list[Array]]:
    """As `single`, but operands lie otherwise in memory, and are views in the graph."""
    graph, arrays = single(op, args)
    first = next(iter(graph.nodes))
    stored: list[Array] = []
    for param, array in zip(graph.params, arrays, strict=True):
        users = [(n, i) for n in param.users for i, v in enumerate(n.inputs) if v is param]
        memory, name, numbers = _stored(array, view)
        stored.append(memory)
        constants = [graph.constant(number, ANY, before=first) for number in numbers]
        seen = graph.add(OPS[name], [param, *constants], (ANY,), before=first).output
        for node, index in users:
            node.set_input(index, seen)
    return graph, stored


def _eager_bits(op: OpDef, args: tuple[Any, ...], view: str) -> list[bytes]:
    """What the operator gives when it is called with views."""
    arrays = []
    for array in single(op, args)[1]:
        memory, name, numbers = _stored(array, view)
        sliced = name == "slice.Tensor"
        arrays.append(memory[..., ::2] if sliced else memory.transpose(*numbers))
    results = program_of(op, args)(*arrays)
    return [np.asarray(r, order="C").tobytes() for r in results]


def _multiplies(op: OpDef, args: tuple[Any, ...]) -> bool:
    """Whether there is a matrix product in it."""
    graph, arrays = single(op, args)
    specialised = specialise(graph, [type_of(a) for a in arrays], OPS.by_name)
    return any(isinstance(n.op.lower, MatrixProduct) for n in specialised.graph.nodes)


def _bits(graph: Graph, arrays: list[Array]) -> list[bytes]:
    bound = bind(graph, [type_of(a) for a in arrays])
    return [np.asarray(r, order="C").tobytes() for r in run(bound, arrays)]


def _ops() -> list[OpDef]:
    """Operators whose kernels combine elements; each element of others is computed for itself."""
    return [
        op
        for op in OPS.by_name.values()
        if op.schema is not None and op.samples
        if op.name not in CONSTANT_WEIGHTS and op.name not in PRODUCTS_OF_RESULTS
        if isinstance(op.lower, _SUMMED | Decompose)
    ]


@pytest.mark.parametrize("op", _ops(), ids=lambda op: op.name)
def test_views_have_the_bits_of_dense_operands(op: OpDef) -> None:
    """All views of the first sample of what is summed right away, one of each other sample."""
    for index in range(len(op.samples)):
        args = arguments(op, index)
        wanted, multiplies = _bits(*single(op, args)), _multiplies(op, args)
        all_views = index == 0 and isinstance(op.lower, _SUMMED)
        views = VIEWS if all_views else [VIEWS[index % len(VIEWS)]]
        for view in views:
            try:
                found = _bits(*_viewed(op, args, view))
            except Unplannable:
                continue
            expected = _eager_bits(op, args, view) if multiplies else wanted
            assert found == expected, (index, view)


_ROWS = {
    "sum": "sum.dim_IntList(%v, {dims}, False, None)",
    "variance": "var.correction(%v, {dims}, 1, False)",
    "norm": "linalg_vector_norm(%v, 2, {dims}, False, None)",
    "softmax": "softmax.int(%v, {last}, None)",
    "cumsum": "cumsum(%v, {last}, None)",
}


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(_ROWS)),
    st.lists(st.sampled_from([1, 2, 3, 17, 70]), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_rows_have_the_same_bits_in_any_order_of_memory(
    name: str, shape: list[int], random: Any, fine: bool
) -> None:
    """Some cut finely, so that parts of rows are summed for themselves."""
    rank = len(shape)
    order = random.sample(range(rank), rank)
    dims = sorted(random.sample(range(rank), random.randint(1, rank)))
    line = _ROWS[name].format(dims=dims, last=dims[-1])
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    stored = np.array(x.transpose(order), order="C")
    back = [order.index(d) for d in range(rank)]
    text = f"graph(%v: Tensor)\n%y: Tensor = {line}\nreturn %y"
    view = f"graph(%x: Tensor)\n%v: Tensor = permute(%x, {back})\n%y: Tensor = {line}\nreturn %y"
    with fine_tasks() if fine else nullcontext():
        assert _bits(graph_of(view), [stored]) == _bits(graph_of(text), [x])


@pytest.mark.parametrize("name", ["norm", "sum", "variance"])
@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((20, 1023), [1]), ((17, 1025), [1]), ((5, 16_385), [1]), ((3, 40_001), [1]),
        ((3, 40, 1025), [0, 2]), ((3, 9, 300), [0, 2]), ((70, 30, 40), [1, 2]),
    ],
)  # fmt: skip
def test_long_rows_are_summed_in_the_same_parts_in_any_order_of_memory(
    name: str, shape: tuple[int, ...], dims: list[int]
) -> None:
    line = _ROWS[name].format(dims=dims)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    graph = graph_of(f"graph(%v: Tensor)\n%y: Tensor = {line}\nreturn %y")
    expected = _bits(graph, [x])
    for order in permutations(range(len(shape))):
        back = [order.index(d) for d in range(len(shape))]
        view = f"%v: Tensor = permute(%x, {back})\n%y: Tensor = {line}\nreturn %y"
        assert (
            _bits(graph_of(f"graph(%x: Tensor)\n{view}"), [x.transpose(order).copy()]) == expected
        )


CHAINS = {
    "a product and its sum": ["mul.Tensor(%x, %y)", "sum.dim_IntList({0}, [1], False, None)"],
    "a sum in another dtype": [
        "sum.dim_IntList(%x, [1], False, None)", "to.dtype({0}, 7, False, False, None)",
    ],
    "a row and the sum of all": ["add.Tensor(%x, %z, 1)", "sum({0}, None)"],
    "a column and the sum of all": ["add.Tensor(%x, %w, 1)", "sum({0}, None)"],
    "both sides of a softmax": [
        "relu(%x)", "softmax.int({0}, 1, None)", "add.Tensor({1}, %y, 1)",
    ],
    "a norm of rows": [
        "mul.Tensor(%x, %y)", "layer_norm({0}, [37], None, None, 0.00001, True)",
        "mul.Tensor({1}, %z)",
    ],
    "a running sum": ["mul.Tensor(%x, %y)", "cumsum({0}, 1, None)", "mul.Tensor({1}, %y)"],
    "a product of matrices": ["linear(%x, %y, None)", "mul.Tensor({0}, {0})", "relu({1})"],
    "a product of few rows": [
        "slice.Tensor(%x, 0, 0, 5, 1)", "linear({0}, %y, None)", "mul.Tensor({1}, {1})",
    ],
    "means of windows": [
        "unsqueeze(%x, 0)", "avg_pool1d({0}, [3], [1], [0], False, True)", "mul.Tensor({1}, {1})",
    ],
}  # fmt: skip
"""Lines of scripts; ``{n}`` is what line number n gives."""


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("name", CHAINS)
def test_operators_in_one_kernel_have_the_bits_of_one_after_the_other(
    name: str, dtype: str
) -> None:
    shapes = {"x": (19, 37), "y": (19, 37), "z": (37,), "w": (19, 1)}
    rng = np.random.default_rng(0)
    values = {k: rng.standard_normal(s).astype(dtype) for k, s in shapes.items()}
    params = ", ".join(f"%{k}: Tensor" for k in shapes)
    lines = [line.format(*(f"%r{n}" for n in range(9))) for line in CHAINS[name]]
    body = "\n".join(f"%r{n}: Tensor = {line}" for n, line in enumerate(lines))
    whole = graph_of(f"graph({params})\n{body}\nreturn %r{len(lines) - 1}")
    planned = _bits(whole, list(values.values()))
    for number, line in enumerate(lines):
        names = ", ".join(f"%{k}: Tensor" for k in values)
        graph = graph_of(f"graph({names})\n%last: Tensor = {line}\nreturn %last")
        arrays = list(values.values())
        (values[f"r{number}"],) = run(bind(graph, [type_of(a) for a in arrays]), arrays)
    assert planned == [values[f"r{len(lines) - 1}"].tobytes()]
