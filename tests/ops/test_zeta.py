"""Zeta and polygamma functions: known values, recurrences, single beside double precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import treadle
from treadle.errors import InputError


def _polygamma(n: int, x: Any) -> Any:
    return treadle.polygamma(n, treadle.tensor(x)).numpy()


def _zeta(s: Any, q: Any) -> Any:
    return treadle.special.zeta(treadle.tensor(s), treadle.tensor(q)).numpy()


def test_values_that_are_known() -> None:
    found = _zeta(np.array([2.0, 4.0, 2.0]), np.array([1.0, 1.0, 0.5]))
    np.testing.assert_allclose(found, [math.pi**2 / 6, math.pi**4 / 90, math.pi**2 / 2], 1e-15)
    apery = 1.2020569031595942
    np.testing.assert_allclose(_polygamma(1, np.array([1.0, 0.5])), math.pi**2 / np.array([6, 2]))
    np.testing.assert_allclose(_polygamma(2, np.array([1.0])), -2 * apery, 1e-15)


@pytest.mark.parametrize("n", range(1, 6))
def test_derivatives_follow_their_recurrence_on_both_sides_of_zero(n: int) -> None:
    x = np.linspace(-3.9, 6.0, 34) + 0.03
    step = (-1) ** n * math.factorial(n) * x ** (-n - 1.0)
    scale = np.abs(step) + np.abs(_polygamma(n, x))
    np.testing.assert_array_less(
        np.abs(_polygamma(n, x + 1) - _polygamma(n, x) - step), 1e-13 * scale
    )


@pytest.mark.parametrize("n", range(4))
def test_single_precision_is_double_precision_rounded(n: int) -> None:
    x = np.random.default_rng(3).uniform(0.05, 30.0, 200).astype(np.float32)
    np.testing.assert_array_max_ulp(
        _polygamma(n, x), _polygamma(n, x.astype(np.float64)).astype(np.float32), 1
    )
    s = x + np.float32(1.5)
    wide = _zeta(s.astype(np.float64), x.astype(np.float64))
    np.testing.assert_array_max_ulp(_zeta(s, x), wide.astype(np.float32), 1)


@pytest.mark.torch
@pytest.mark.parametrize("shapes", [((), ()), ((1,), (3,)), ((2, 1), (5,)), ((0, 2), (2,))])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_shapes_and_dtypes_are_those_of_torch(shapes: Any, dtype: str) -> None:
    s, q = (np.full(shape, 3).astype(dtype) for shape in shapes)
    expected = torch.special.zeta(torch.tensor(s), torch.tensor(q)).numpy()
    np.testing.assert_allclose(_zeta(s, q), expected, 1e-6, strict=True)
    expected = torch.special.zeta(2.5, torch.tensor(q)).numpy()
    found = treadle.special.zeta(2.5, treadle.tensor(q)).numpy()
    np.testing.assert_allclose(found, expected, 1e-6, strict=True)
    for n in (0, 1, 2):
        expected = torch.polygamma(n, torch.tensor(q)).numpy()
        np.testing.assert_allclose(_polygamma(n, q), expected, 1e-5, strict=True)


def test_poles_and_what_lies_outside_the_domain() -> None:
    q = np.array([0.0, -2.0, -0.5, math.inf, math.nan])
    np.testing.assert_array_equal(
        _zeta(np.full(5, 2.5), q), [math.inf, math.inf, math.nan, 0.0, math.nan]
    )
    np.testing.assert_array_equal(_zeta(np.array([1.0, 0.5]), 3.0), [math.inf, math.nan])
    np.testing.assert_array_equal(_polygamma(1, q[[0, 1, 3, 4]]), [math.inf, math.inf, 0, math.nan])


def test_bad_degrees_and_complex_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="argument n must be at least 0, got -1"):
        _polygamma(-1, [1.0])
    with pytest.raises(InputError, match="special_zeta: needs bool, integers or f32, f64, got c64"):
        _zeta([2j], [1.0])
