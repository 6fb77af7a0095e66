"""Promotion against torch.result_type, over tensors with dims, without, and Python numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import treadle
from treadle.errors import ShapeError
from treadle.ir.dtypes import BY_TORCH_NAME, DTYPES, DType, c64, c128, f32, f64
from treadle.ir.types import TensorType
from treadle.ops.promotion import promote, result_dtype

pytestmark = pytest.mark.torch


def _torch(dtype: DType) -> torch.dtype:
    found = getattr(torch, dtype.torch_name)
    assert isinstance(found, torch.dtype)
    return found


def _ours(dtype: torch.dtype) -> DType:
    return BY_TORCH_NAME[str(dtype).removeprefix("torch.")]


@pytest.mark.parametrize("a", DTYPES, ids=str)
@pytest.mark.parametrize("b", DTYPES, ids=str)
def test_promotion_of_two_dtypes_is_torchs(a: DType, b: DType) -> None:
    try:
        expected = torch.promote_types(_torch(a), _torch(b))
    except RuntimeError:
        with pytest.raises(ShapeError, match="cannot promote"):
            promote(a, b)
        return
    assert promote(a, b) == _ours(expected)


_COMMON = [d for d in DTYPES if d.name not in ("u16", "u32", "u64", "f8e5m2", "f8e4m3fn")]
_TENSORS = st.tuples(st.sampled_from(_COMMON), st.sampled_from([(), (2,), (1, 3)]))
_NUMBERS = st.sampled_from([True, 3, 2.5])


@given(_TENSORS, st.one_of(_TENSORS, _NUMBERS))
def test_the_result_of_arithmetic_has_torchs_dtype(a: Any, b: Any) -> None:
    operands = [TensorType(*x) if isinstance(x, tuple) else x for x in (a, b)]
    tensors = [torch.zeros(x[1], dtype=_torch(x[0])) if isinstance(x, tuple) else x for x in (a, b)]
    expected = torch.result_type(*tensors)
    if expected != torch.complex32:
        assert result_dtype(*operands) == _ours(expected)


def test_complex_numbers_make_a_float_complex() -> None:
    assert result_dtype(TensorType(f32, (2,)), 1j) == c64
    assert result_dtype(TensorType(f64, ()), 1j) == c128


def test_arrays_count_as_tensors() -> None:
    zero = np.zeros((), np.float64)
    assert result_dtype(np.zeros(2, np.float32), zero).name == "f32"
    assert result_dtype(np.zeros(2, np.int32), zero).name == "f64"


@pytest.mark.parametrize(
    "equation", ["i->", "ij,jk->ik", "ij,k->jk", "ij,kl->jk", "ii->i", "ij,ij->"]
)
def test_einstein_sums_of_small_integers_have_torchs_dtypes(equation: str) -> None:
    shapes = [[3] * len(term) for term in equation.partition("->")[0].split(",")]
    torchs = torch.einsum(equation, *(torch.full(s, 100, dtype=torch.uint8) for s in shapes))
    ours = treadle.einsum(equation, [treadle.full(s, 100, dtype=treadle.uint8) for s in shapes])
    assert ours.dtype.__str__().partition(".")[2] == str(torchs.dtype).partition(".")[2]
    assert ours.tolist() == torchs.tolist()


@pytest.mark.parametrize("shape", [(), (1,), (5,)])
@pytest.mark.parametrize("join", ["stack", "hstack", "column_stack"])
def test_real_tensors_beside_complex_ones_become_complex(join: str, shape: tuple[int, ...]) -> None:
    real, whole = np.full(shape, 3, np.float32), np.full(shape, 1 + 2j, np.complex64)
    for pair in ([real, whole], [whole, real]):
        found = np.asarray(getattr(treadle, join)([*map(treadle.from_numpy, pair)]))
        np.testing.assert_array_equal(found, getattr(np, join)(pair))
