"""Sums of many elements are made of sums of parts: their errors hardly grow with their length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import treadle
from treadle import Tensor

LENGTH = 500_003
SUMS: dict[str, Callable[[Tensor], Tensor]] = {
    "all": lambda x: x.sum(),
    "rows": lambda x: x.sum(1),
    "columns": lambda x: x.t().sum(0),
    "columns that lie together": lambda x: x.t().contiguous().sum(0),
    "mean": lambda x: x.mean(1) * LENGTH,
    "norm": lambda x: treadle.linalg.vector_norm(x.sqrt(), dim=1) ** 2,
    "product with ones": lambda x: x @ treadle.ones(LENGTH),
    "running": lambda x: x.cumsum(1)[:, -1],
}


@pytest.mark.parametrize("name", SUMS)
def test_errors_do_not_grow_with_the_number_of_elements(name: str) -> None:
    """Added one after the other, as many numbers are off by 4e-6 of their sum."""
    elements = np.random.default_rng(5).uniform(0, 1, (3, LENGTH)).astype(np.float32)
    exact = elements.astype(np.float64).sum(None if name == "all" else 1)
    found = SUMS[name](treadle.from_numpy(elements)).numpy().reshape(exact.shape)
    assert np.abs(found / exact - 1).max() < 5e-7


EQUAL: dict[str, tuple[tuple[int, ...], Callable[[Tensor], Tensor]]] = {
    "all": ((5_000_000,), lambda x: x.sum()),
    "mean": ((5_000_000,), lambda x: x.mean() * 5_000_000),
    "rows": ((70, 100_003), lambda x: x.sum(1) * 70),
    "rows across": ((100_003, 70), lambda x: x.t().sum(1) * 70),
    "columns": ((100_003, 70), lambda x: x.sum(0) * 70),
    "several dims": ((100_003, 4, 8), lambda x: x.sum((0, 2)) * 4),
    "dot": ((5_000_000,), lambda x: x.dot(treadle.ones_like(x))),
}


@pytest.mark.parametrize("name", EQUAL)
def test_roundings_of_equal_numbers_do_not_add_up(name: str) -> None:
    """Equal numbers are rounded to the same side again and again."""
    shape, summed = EQUAL[name]
    found = summed(treadle.full(shape, 0.1)).numpy().astype(np.float64)
    exact = float(np.float32(0.1)) * np.prod(shape)
    assert np.abs(found / exact - 1).max() < 8e-6


def test_a_variance_of_many_numbers_is_exact() -> None:
    elements = np.random.default_rng(6).random(5_000_000, np.float32)
    found = float(treadle.from_numpy(elements).var())
    assert abs(found / elements.astype(np.float64).var(ddof=1) - 1) < 5e-7
