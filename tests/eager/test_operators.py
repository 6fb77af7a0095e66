"""Eager functions give torch's results, and the bits of a plan of the same operator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import treadle
from tests.conformance.support import (
    arguments,
    assert_same,
    call_torch,
    to_numpy,
    to_torch,
)
from treadle.compiler import engine, single
from treadle.eager.dtypes import as_dtype
from treadle.ir.dtypes import BY_CODE, from_numpy
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops import OPS

untyped: Any = treadle
"""For calls that a type checker refuses."""
NAMES = (
    *("abs", "add", "addmm", "all", "amax", "any", "argmax", "avg_pool2d", "bmm", "cat", "clamp"),
    *("conv2d", "cos", "div", "embedding", "eq", "erf", "exp", "expand", "flatten", "gather"),
    *("ge", "gelu", "index_select", "layer_norm", "linear", "log", "log_softmax", "lt", "matmul"),
    *("max", "mean", "min", "mm", "mul", "neg", "permute", "pow", "relu", "reshape", "rsub"),
    *("select", "sigmoid", "slice", "softmax", "split", "sqrt", "squeeze", "stack", "std", "sub"),
    *("sum", "t", "tanh", "to", "topk", "transpose", "unsqueeze", "var", "view", "where"),
    *("add_", "clamp_", "fill_", "mul_", "relu_"),
)
NUMBERS = [0.1, -3.0, 2, 0, -0.0, 1e-3]


def eager(value: Any) -> Any:
    """`value` with tensors over copies of its arrays."""
    if isinstance(value, list | tuple):
        return type(value)(eager(v) for v in value)
    return treadle.Tensor(value.copy()) if isinstance(value, np.ndarray) else value


def plain(value: Any) -> Any:
    """`value` with the arrays of its tensors."""
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value.numpy() if isinstance(value, treadle.Tensor) else value


def call(op: OpDef, args: Any) -> Any:
    """Call the function of treadle as a user would write it."""
    assert op.schema is not None
    positional, keywords = [], {}
    for argument, value in zip(op.schema.arguments, args, strict=True):
        if argument.name == "dtype" and value is not None:
            value = as_dtype(BY_CODE[value].torch_name)
        if argument.keyword_only:
            keywords[argument.name] = eager(value)
        else:
            positional.append(eager(value))
    return plain(getattr(treadle, op.schema.base)(*positional, **keywords))


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_a_function_gives_torchs_result(name: str) -> None:
    overloads = [op for op in OPS.overloads(f"aten::{name}") if op.samples]
    assert overloads
    for op in overloads:
        if "Tensor" not in str(op.schema).partition(" -> ")[0]:
            continue
        for index in range(min(3, len(op.samples))):
            try:
                expected = to_numpy(call_torch(op, to_torch(arguments(op, index))))
            except (RuntimeError, IndexError):
                continue  # a sample of a form that torch's own function refuses
            assert_same(op, call(op, arguments(op, index)), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "uint8"])
@pytest.mark.parametrize("name", ["add", "mul", "div", "lt"])
def test_a_number_gives_the_bits_of_a_planned_constant(name: str, dtype: str) -> None:
    x = treadle.tensor([0, 1, 2, 3, 77, 125], dtype=dtype)
    op = OPS[f"{name}.Scalar"]
    for number in NUMBERS:
        if isinstance(number, float) and name == "lt" and not x.is_floating_point():
            continue
        rest = [number, 1] if name == "add" else [number]
        graph, (array,) = single(op, (x.numpy(), *rest))
        bound = engine().bind(graph, [TensorType(from_numpy(array.dtype), array.shape)])
        (value,) = [bound.result]
        expected = np.empty(value.type.sizes, value.type.element.numpy)
        bound.plan.run([array], [expected])
        actual = getattr(treadle, name)(x, number).numpy()
        assert actual.dtype == expected.dtype
        assert actual.tobytes() == expected.tobytes()


def test_positive_and_negative_zero_are_different_numbers() -> None:
    x = treadle.ones(2)
    assert str((x * 0.0).tolist()) == "[0.0, 0.0]"
    assert str((x * -0.0).tolist()) == "[-0.0, -0.0]"
    assert str(treadle.add(x, -x, alpha=1).tolist()) == "[0.0, 0.0]"


def test_equal_values_of_other_types_are_other_calls() -> None:
    x = treadle.tensor([1, 2])
    assert (x + 1).dtype is treadle.int64
    assert (x + 1.0).dtype is treadle.float32
    assert (x + True).tolist() == [2, 3]


@pytest.mark.parametrize("kind", ["tensor", "array", "foreign"])
def test_arrays_and_other_libraries_tensors_are_operands(kind: str) -> None:
    values = np.array([1.0, -2.0], np.float32)
    operand = {"tensor": treadle.Tensor(values), "array": values, "foreign": torch.tensor(values)}
    for _ in range(2):
        result = untyped.add(operand[kind], operand[kind])
        assert isinstance(result, treadle.Tensor)
        assert result.tolist() == [2.0, -4.0]


def test_arguments_go_by_position_or_by_name() -> None:
    x = treadle.tensor([[1.0, 2.0], [3.0, 4.0]])
    expected = [[1.0], [3.0]]
    assert untyped.narrow(x, 1, 0, 1).tolist() == expected
    assert untyped.narrow(input=x, dim=1, start=0, length=1).tolist() == expected
    assert untyped.sum(x, axis=1, keepdims=True).tolist() == [[3.0], [7.0]]
    assert treadle.sub(other=x, input=x + 1).tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert x.view(4).shape == x.view([4]).shape == x.view(-1).shape == (4,)
    assert x.permute(1, 0).tolist() == x.permute((1, 0)).tolist() == x.T.tolist()


def test_the_same_call_on_other_tensors_reads_these() -> None:
    x, y = treadle.tensor([1.0]), treadle.tensor([5.0])
    assert treadle.add(x, x, alpha=2).item() == 3.0
    assert treadle.add(x, y, alpha=2).item() == 11.0
    assert treadle.sub(other=y, input=x).item() == -4.0
    assert treadle.cat([x, y]).tolist() == [1.0, 5.0]
    assert treadle.cat([y, x, x]).tolist() == [5.0, 1.0, 1.0]


def test_several_results_have_names() -> None:
    found = treadle.max(treadle.tensor([[1.0, 3.0, 2.0]]), dim=1)
    assert found.values.tolist() == [3.0]
    assert found.indices.tolist() == [1]
    values, _ = found
    assert values is found.values


def test_out_receives_the_result() -> None:
    x = treadle.tensor([1.0, 2.0])
    out = treadle.empty(2)
    assert treadle.add(x, x, out=out) is out
    assert out.tolist() == [2.0, 4.0]
    assert treadle.add(x, x, out=x) is x
    assert x.tolist() == [2.0, 4.0]
    wide = treadle.empty(2, dtype=treadle.float64)
    assert treadle.mul(x, 2, out=wide).tolist() == [4.0, 8.0]


def test_results_have_the_same_bits_at_every_thread_count() -> None:
    treadle.manual_seed(0)
    x, y = treadle.randn(301, 257), treadle.randn(257, 199)
    index = treadle.randint(0, 301, (1000,))
    results = []
    before = treadle.get_num_threads()
    try:
        for threads in (1, 2, 3, 8):
            treadle.set_num_threads(threads)
            made = (x @ y, treadle.index_select(x, 0, index), x.sum(), x.softmax(1), x.mean(0))
            results.append([r.numpy().tobytes() for r in made])
    finally:
        treadle.set_num_threads(before)
    assert all(r == results[0] for r in results)


def test_every_function_is_listed() -> None:
    listed = dir(treadle)
    assert {"mm", "index_select", "relu_", "zeros", "float32", "int", "set_num_threads"} <= {
        *listed
    }
    assert "index_select" in dir(treadle.Tensor([1.0]))
    assert callable(treadle.nn.functional.relu)


@pytest.mark.torch
def test_nn_functional_takes_arguments_in_torchs_order() -> None:
    def both(name: str, *args: Any, **kwargs: Any) -> None:
        ours = getattr(treadle.nn.functional, name)(*eager(list(args)), **eager_values(kwargs))
        theirs = getattr(torch.nn.functional, name)(*to_torch(list(args)), **foreign_values(kwargs))
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)

    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 4, 6, 6)).astype(np.float32)
    mean, scale = (rng.random(4).astype(np.float32) + 0.5 for _ in range(2))
    both("relu", x)
    both("leaky_relu", x, 0.2)
    both("softmax", x, dim=1)
    both("batch_norm", x, mean, scale, weight=scale, bias=mean)
    both("max_pool2d", x, 2)
    both("max_pool2d", x, 3, stride=1, padding=1)
    both("embedding", np.array([0, 1, 1]), x[0, 0])
    both("dropout", x, training=False)
    both("layer_norm", x, [6])
    both("conv2d", x, x[:, :, :3, :3], padding=1)


def eager_values(values: dict[str, Any]) -> dict[str, Any]:
    return {k: eager(v) for k, v in values.items()}


def foreign_values(values: dict[str, Any]) -> dict[str, Any]:
    return {k: to_torch(v) for k, v in values.items()}


@pytest.mark.torch
@pytest.mark.parametrize(
    "expression",
    [
        "t.norm(a, dim=1)",
        "a.norm(p=1, dim=-1, keepdim=True)",
        "t.max(a, b)",
        "t.split(a, [1, 3], 1)",
        "t.split(a, 2)",
        "a.sum(0, dtype=t.float64)",
        "a.mean((0, 1))",
        "a.var(0, unbiased=False)",
        "t.einsum('ij,kj->ik', a, b)",
        "t.meshgrid(a[0], b[0], indexing='ij')",
        "t.where(a > 0, 0.0, a)",
        "t.where(a > 0)",
        "t.broadcast_tensors(a, b[:1])",
        "t.unbind(a, 1)",
        "t.pow(2, a)",
        "t.div(a, 2, rounding_mode='floor')",
        "a.repeat(2, 2)",
        "a.expand(2, -1, -1)",
        "a.topk(2).indices",
        "a.new_full((2,), 3.0)",
        "t.nn.functional.normalize(a)",
        "a.type(t.float64)",
        "t.full_like(a, 2)",
    ],
)
def test_torchs_idioms_give_torchs_results(expression: str) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((3, 4)).astype(np.float32) for _ in range(2))
    ours = eval(expression, {"t": treadle, "a": treadle.tensor(a), "b": treadle.tensor(b)})
    theirs = eval(expression, {"t": torch, "a": torch.tensor(a), "b": torch.tensor(b)})
    several = isinstance(theirs, list | tuple)
    for x, y in zip(ours, theirs, strict=True) if several else [(ours, theirs)]:
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-5, atol=1e-6)
        assert x.numpy().dtype == y.numpy().dtype


def test_limits_and_promotion_of_dtypes() -> None:
    assert treadle.finfo(treadle.float32).eps == np.finfo(np.float32).eps
    assert treadle.finfo("bfloat16").bits == 16
    assert treadle.iinfo(treadle.int8).max == 127
    assert treadle.promote_types(treadle.int32, treadle.float16) is treadle.float16
    assert treadle.can_cast(treadle.int64, treadle.float32)
    assert not treadle.can_cast(treadle.float32, treadle.int64)
    with pytest.raises(treadle.InputError, match="no floating dtype"):
        treadle.finfo(treadle.int8)


def test_a_tensor_of_one_element_stands_for_a_number() -> None:
    x = treadle.tensor([[1.0, 5.0], [3.0, 2.0]])
    dim, low = treadle.tensor(1), treadle.tensor(2.0)
    for _ in range(2):
        assert untyped.argmax(x, dim).tolist() == [1, 0]
        assert treadle.clamp(x, low.item(), max=treadle.tensor(4.0)).tolist() == [[2, 4], [3, 2]]
        assert untyped.narrow(x, dim, treadle.tensor([0])[0], 1).tolist() == [[1.0], [3.0]]
    assert untyped.argmax(x, treadle.tensor(0)).tolist() == [1, 0]
    assert untyped.argmax(x, treadle.tensor(-1)).tolist() == [1, 0]
