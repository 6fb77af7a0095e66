"""Modes and medians that leave out NaN, as torch finds them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import treadle
from treadle.errors import InputError

pytestmark = pytest.mark.torch
_SHAPES = (((), 0), ((1,), -1), ((5,), 0), ((4, 6), 0), ((4, 6), -1), ((3, 1), 1), ((0, 3), 1))
_DTYPES = ("float32", "float64", "int64", "int32", "uint8")


def _few_values(shape: tuple[int, ...], dtype: str) -> Any:
    return np.random.default_rng(5).integers(0, 3, shape) * np.ones((), dtype)


def _check(found: Any, expected: Any) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), strict=True)


@pytest.mark.parametrize("dtype", _DTYPES)
@pytest.mark.parametrize(("shape", "dim"), _SHAPES)
@pytest.mark.parametrize("keepdim", [False, True])
def test_modes_are_those_of_torch(
    shape: tuple[int, ...], dim: int, dtype: str, keepdim: bool
) -> None:
    x = np.asarray(_few_values(shape, dtype).astype(dtype))
    found = treadle.mode(treadle.tensor(x), dim, keepdim)
    _check(found, torch.mode(torch.tensor(x), dim, keepdim))


@pytest.mark.parametrize("dtype", _DTYPES)
@pytest.mark.parametrize(("shape", "dim"), _SHAPES)
def test_medians_are_those_of_torch(shape: tuple[int, ...], dim: int, dtype: str) -> None:
    x = np.asarray(_few_values(shape, dtype).astype(dtype))
    values, places = treadle.nanmedian(treadle.tensor(x), dim, True)
    expected = torch.nanmedian(torch.tensor(x), dim, True)
    _check([values], [expected.values])
    if x.ndim:  # of equal elements, torch points at any
        np.testing.assert_array_equal(np.take_along_axis(x, places.numpy(), dim), values.numpy())


def test_medians_leave_out_nan_until_nothing_else_is_left() -> None:
    x = treadle.tensor([[3.0, math.nan, 1.0], [math.nan] * 3])
    values, places = treadle.nanmedian(x, 1)
    np.testing.assert_array_equal(values.numpy(), np.array([1.0, math.nan], np.float32))
    assert int(places[0]) == 2
    assert float(x[0].nanmedian()) == 1.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_a_mode_is_the_least_of_the_most_frequent_and_its_last_place(numbers: list[int]) -> None:
    value, place = (int(part) for part in treadle.mode(treadle.tensor(numbers)))
    most = max(map(numbers.count, numbers))
    assert value == min(n for n in numbers if numbers.count(n) == most)
    assert place == len(numbers) - 1 - numbers[::-1].index(value)


@pytest.mark.parametrize("name", ["mode", "nanmedian"])
def test_rows_without_elements_and_missing_dims_are_refused(name: str) -> None:
    function = getattr(treadle, name)
    with pytest.raises(InputError, match=f"{name}: no elements"):
        function(treadle.zeros(0, 3), 0)
    with pytest.raises(InputError, match=f"{name}: dim 2 of a tensor of 2 dims"):
        function(treadle.zeros(2, 3), 2)
