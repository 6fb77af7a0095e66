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
