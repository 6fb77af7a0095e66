"""Neighbours of floats, bit by bit as the C library has them; divisors of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import treadle
from treadle.errors import InputError

Array = np.ndarray[Any, Any]
_BITS = {"float32": "uint32", "float64": "uint64"}


def _of_bits(dtype: str, seed: int, zeros: int = 0) -> Array:
    """Numbers of all sizes; with leading `zeros`, small ones and denormals."""
    bits = np.dtype(_BITS[dtype])
    limit = int(np.iinfo(bits).max) >> zeros
    drawn = np.random.default_rng(seed).integers(0, limit, 4000, bits, endpoint=True).view(dtype)
    return np.concatenate([drawn, -drawn, np.array([0.0, -0.0, np.inf, -np.inf], dtype)])


def _check(x: Array, other: Array) -> None:
    found = treadle.nextafter(treadle.tensor(x), treadle.tensor(other)).numpy()
    with np.errstate(all="ignore"):
        expected = np.nextafter(x, other)
    is_number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), ~is_number)
    bits = _BITS[x.dtype.name]
    np.testing.assert_array_equal(found.view(bits)[is_number], expected.view(bits)[is_number])


@pytest.mark.parametrize("dtype", _BITS)
@pytest.mark.parametrize("zeros", [0, 7, 11])
def test_neighbours_have_the_bits_of_the_c_library(dtype: str, zeros: int) -> None:
    x = _of_bits(dtype, 1, zeros)
    _check(x, _of_bits(dtype, 2))
    for target in (0.0, -0.0, np.inf, -np.inf):
        _check(x, np.full_like(x, target))
    _check(x, x)


@pytest.mark.parametrize("dtype", _BITS)
def test_neighbours_of_powers_of_two_are_nearer_below(dtype: str) -> None:
    finfo = np.finfo(dtype)
    exponents = np.arange(finfo.minexp - finfo.nmant, finfo.maxexp)
    powers = np.ldexp(np.ones((), dtype), exponents).astype(dtype)
    for target in (0.0, np.inf):
        _check(powers, np.full_like(powers, target))
        _check(-powers, np.full_like(powers, target))


@pytest.mark.torch
def test_neighbours_of_bfloat16_are_those_of_torch() -> None:
    x, other = torch.randn(2, 3000, generator=torch.manual_seed(0)).bfloat16()
    found = treadle.nextafter(treadle.from_dlpack(x), treadle.from_dlpack(other)).float()
    np.testing.assert_array_equal(found.numpy(), torch.nextafter(x, other).float().numpy())


@pytest.mark.torch
@pytest.mark.parametrize("name", ["gcd", "lcm"])
@pytest.mark.parametrize("dtypes", [("int64", "int64"), ("int32", "int64"), ("uint8", "uint8")])
@pytest.mark.parametrize("shapes", [((), ()), ((1,), (3,)), ((2, 1), (1, 3)), ((0, 3), (3,))])
def test_divisors_have_the_shapes_and_dtypes_of_torch(name: str, dtypes: Any, shapes: Any) -> None:
    rng = np.random.default_rng(4)
    a, b = (
        np.asarray(rng.integers(0, 14, s)).astype(d) for s, d in zip(shapes, dtypes, strict=True)
    )
    found = getattr(treadle, name)(treadle.tensor(a), treadle.tensor(b)).numpy()
    expected = getattr(torch, name)(torch.tensor(a), torch.tensor(b)).numpy()
    np.testing.assert_array_equal(found, expected, strict=True)


def test_numbers_of_the_wrong_kind_or_shape_are_refused() -> None:
    whole, real = treadle.tensor([1, 2]), treadle.tensor([1.0, 2.0])
    with pytest.raises(InputError, match="needs floating numbers, got i64"):
        treadle.nextafter(whole, whole)
    with pytest.raises(InputError, match="gcd and lcm need integers, got f32"):
        treadle.gcd(real, whole)
    with pytest.raises(InputError, match=r"shapes \[2\] and \[3\] do not broadcast"):
        treadle.gcd(whole, treadle.tensor([1, 2, 3]))
