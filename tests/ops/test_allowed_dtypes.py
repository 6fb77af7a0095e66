"""Dtypes that operators take as torch does, and those that they refuse as it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import treadle as library
from treadle.errors import Error
from treadle.nn import functional

BOOLS = library.tensor([True, False])
REAL = library.tensor([[1.0, 2.0], [3.0, 4.0]])


def test_means_of_whole_numbers_are_rounded_to_zero() -> None:
    x = library.tensor([[[-3, 4, -8, 1, 7, -9]]])
    assert functional.avg_pool1d(x, 2).tolist() == [[[0, -3, -1]]]
    square = library.arange(-8, 8).reshape(1, 4, 4)
    assert functional.avg_pool2d(square, 2, divisor_override=3).tolist() == [[[-7, -4], [3, 6]]]


def test_bytes_are_conditions() -> None:
    condition = library.tensor([0, 1, 2], dtype=library.uint8)
    assert library.where(condition, 1, 2).tolist() == [2, 1, 1]
    with pytest.raises(Error, match="where: a condition is of bools, got i8"):
        library.where(condition.to(library.int8), 1, 2)


def test_bools_are_padded() -> None:
    assert functional.pad(BOOLS, [1, 1]).tolist() == [False, True, False, False]
    assert functional.pad(BOOLS, [0, 1], value=0.5).tolist() == [True, False, True]


def test_powers_of_whole_and_of_16_bit_matrices() -> None:
    whole = library.tensor([[1, 2], [3, 4]], dtype=library.int8)
    assert library.matrix_power(whole, 3).tolist() == [[37, 54], [81, 118]]
    assert library.matrix_power(REAL.half(), 3).tolist() == [[37.0, 54.0], [81.0, 118.0]]
    with pytest.raises(Error, match=r"matrix_power: needs square matrices of f32, f64 or complex"):
        library.matrix_power(whole, -1)
    half = library.matrix_exp(REAL.half())
    np.testing.assert_allclose(half.float().numpy(), library.matrix_exp(REAL).numpy(), 1e-3)


def test_bessels_function_of_the_least_negative_number_is_nan() -> None:
    least = library.tensor([-5e-324, 5e-324, -0.0], dtype=library.float64)
    found = library.special.modified_bessel_k0(least).numpy()
    np.testing.assert_array_equal(found, [math.nan, math.inf, math.inf])


REFUSED: dict[str, tuple[str, Callable[[], Any]]] = {
    "difference": (r"sub: .* bool, which has logical_xor \(\^\)", lambda: BOOLS - BOOLS),
    "mixed difference": ("sub: .* bool", lambda: REAL - BOOLS),
    "less a bool": ("sub: .* bool", lambda: REAL - True),
    "from a number": ("rsub: .* bool", lambda: 1 - BOOLS),
    "no dims": ("dim 0 of a tensor without dims", lambda: library.unique(REAL[0, 0], dim=0)),
    "overflow": ("1e\\+300 is no number of f32", lambda: REAL.masked_fill(BOOLS, 1e300)),
    "16-bit distance": ("cdist: needs f32, f64, got f16", lambda: library.cdist(REAL.half(), REAL)),
    "whole pixels": (
        "needs u8 or floating numbers, got i64",
        lambda: functional.interpolate(library.ones(1, 1, 2).long(), [4]),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_refuses_is_refused(name: str) -> None:
    message, call = REFUSED[name]
    with pytest.raises(Error, match=message):
        call()
