"""Refusals name the operator, what was given and what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import treadle
from tests.conformance.support import describe
from treadle.errors import Error, IndexOutOfRange, InputError, ShapeError, UnsupportedError
from treadle.ir.dtypes import DType, bool_, c64, f32, i64
from treadle.ir.types import TensorType
from treadle.ops import OPS
from treadle.ops.samples import resolve


def _f32(*shape: int) -> TensorType:
    return TensorType(f32, shape)


CASES: tuple[tuple[str, tuple[Any, ...], type[Error], str], ...] = (
    ("add.Tensor", (_f32(2, 3), _f32(4), 1), ShapeError, r"add: .*\[2, 3\] and \[4\]"),
    ("matmul", (_f32(2, 3), _f32(4, 5)), ShapeError, r"\[\.\.\., k, n\], got f32\[2, 3\]"),
    ("matmul", (_f32(2, 3), TensorType(i64, (3, 2))), ShapeError, "one dtype, got f32 and i64"),
    ("linear", (_f32(2, 3), _f32(5, 4), None), ShapeError, r"weight \[n, k\]"),
    ("softmax.int", (_f32(2, 3), 2, None), IndexOutOfRange, "dim 2 .* allowed: -2 to 1"),
    ("softmax.int", (TensorType(i64, (2,)), 0, None), ShapeError, "must be floating, got i64"),
    ("view", (_f32(2, 3), [4, -1]), ShapeError, r"-1 in \[4, -1\] holds 6 elements"),
    ("cat", ([_f32(2, 3), _f32(3, 2)], 0), ShapeError, r"\[2, 3\] and \[3, 2\] must agree"),
    ("cat", ([], 0), ShapeError, "at least one tensor"),
    ("embedding", (_f32(3, 2), _f32(2), -1, False, False), ShapeError, "must be i64 or i32"),
    ("mean.dim", (TensorType(bool_, (2,)), [0], False, None), ShapeError, "must be floating"),
    ("sum.dim_IntList", (_f32(2, 3), [0, -2], False, None), ShapeError, "occurs twice"),
    ("dropout", (_f32(2), 1.5, True), InputError, "dropout: argument p must be from 0 to 1"),
    ("dropout", (_f32(2), 0.5, True), UnsupportedError, "draws random numbers in training"),
    ("index.Tensor", (_f32(3), [TensorType(bool_, (3,))]), UnsupportedError, "depends on data"),
    ("layer_norm", (_f32(2, 3), [4], None, None, 1e-5, True), ShapeError, r"end in \[4\]"),
    (
        "conv2d",
        (_f32(1, 3, 4, 4), _f32(2, 3, 5, 5), None, [1, 1], [0, 0], [1, 1], 1),
        ShapeError,
        r"kernel \[5, 5\] is larger",
    ),
    (
        "conv2d",
        (_f32(1, 3, 4, 4), _f32(2, 2, 1, 1), None, [1, 1], [0, 0], [1, 1], 1),
        ShapeError,
        "c_in / groups",
    ),
    ("max_pool2d", (_f32(1, 4, 4), [2, 2], [], [2, 2], [1, 1], False), ShapeError, "half the"),
)


@pytest.mark.parametrize(("name", "args", "error", "message"), CASES)
def test_a_type_rule_says_what_does_not_fit(
    name: str, args: tuple[Any, ...], error: type[Error], message: str
) -> None:
    rule = OPS[name].infer
    assert rule is not None
    with pytest.raises(error, match=message):
        rule(*args)


def test_gelu_names_its_approximations() -> None:
    with pytest.raises(InputError, match="allowed: 'none', 'tanh'"):
        OPS["gelu"].reference(np.zeros(2, np.float32), "erf")  # type: ignore[misc]


def test_an_index_out_of_range_is_named() -> None:
    weight, indices = np.zeros((3, 2), np.float32), np.array([1, 3])
    with pytest.raises(IndexOutOfRange, match="index 3 is out of range 0 to 2"):
        OPS["embedding"].reference(weight, indices, -1, False, False)  # type: ignore[misc]


def test_as_strided_stays_inside_the_storage() -> None:
    with pytest.raises(ShapeError, match="storage of 4 elements"):
        OPS["as_strided"].reference(np.zeros(4, np.float32), [5], [1], None)  # type: ignore[misc]


def test_a_view_that_would_copy_is_refused() -> None:
    with pytest.raises(ShapeError, match="use reshape"):
        OPS["view"].reference(np.zeros((2, 3), np.float32).T, [6])  # type: ignore[misc]


def test_numpys_own_refusals_become_errors_of_treadle() -> None:
    with pytest.raises(ShapeError, match="do not broadcast"):
        OPS["mul.Tensor"].reference(np.zeros(2, np.float32), np.zeros(3, np.float32))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("tensor_split.sections", (np.zeros(3, np.float32), 2**62, 0), "parts; allowed"),
        ("chunk", (np.zeros(0, np.float32), 2**62, 0), "parts; allowed"),
        ("mvlgamma", (np.ones(3, np.float32), 2**62), "argument p .*; allowed: 1 to"),
        ("special_legendre_polynomial_p.n_scalar", (np.ones(3, np.float32), 2**62), "of degree"),
    ],
)
def test_numbers_that_would_never_end_are_refused_at_once(
    name: str, args: tuple[Any, ...], message: str
) -> None:
    reference = OPS[name].reference
    assert reference is not None
    with pytest.raises(ShapeError, match=message):
        reference(*args)


@pytest.mark.parametrize(
    ("name", "dtype", "message"),
    [
        ("gelu", i64, "gelu: needs floating numbers, got i64"),
        ("leaky_relu", bool_, "leaky_relu: needs floating numbers, got bool"),
        ("sub.Tensor", bool_, "sub: needs integers, floating numbers or complex numbers, got bool"),
        ("relu", c64, "relu: needs integers or floating numbers, got c64"),
        ("floor", bool_, "floor: needs integers or floating numbers, got bool"),
        ("hypot", i64, "hypot: needs floating numbers, got i64"),
        ("erf", c64, "erf: needs bool, integers or floating numbers, got c64"),
        ("huber_loss", i64, "huber_loss: needs floating numbers, got i64"),
        ("group_norm", i64, "group_norm: needs floating numbers, got i64"),
    ],
)
def test_numbers_of_other_kinds_are_refused_as_values_and_as_types(
    name: str, dtype: DType, message: str
) -> None:
    op = OPS[name]
    assert op.reference is not None
    assert op.infer is not None
    arguments = [
        np.zeros(a.shape, dtype.numpy) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
        for a in resolve(op.samples[0], np.random.default_rng(0))
    ]
    with pytest.raises(ShapeError, match=message):
        op.reference(*arguments)
    with pytest.raises(ShapeError, match=message):
        op.infer(*describe(arguments))


@pytest.mark.parametrize("value", [300, -300, float("nan"), 1e30, 2j, 10**30])
def test_numbers_that_a_dtype_does_not_hold_fill_nothing(value: complex) -> None:
    with pytest.raises(InputError, match=r"full: .* is no number of int8"):
        treadle.full((2,), value, dtype=treadle.int8)
    with pytest.raises(ShapeError, match=r"fill: .* is no number of i8"):
        OPS["fill.Scalar"].reference(np.zeros(2, np.int8), value)  # type: ignore[misc]


def test_unsigned_integers_are_filled_with_negative_ones() -> None:
    assert treadle.full_like(treadle.zeros(2, dtype=treadle.uint8), -9).tolist() == [247, 247]


def test_complex_tensors_are_filled_with_complex_numbers() -> None:
    assert treadle.zeros(2, dtype=treadle.complex64).fill_(1 + 2j).tolist() == [1 + 2j, 1 + 2j]
