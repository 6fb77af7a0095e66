"""Which results have memory, and an order of dims, of their own."""

from __future__ import annotations

import numpy as np

import treadle


def test_the_cloned_coefficient_is_a_clone() -> None:
    a = treadle.eye(3)
    found = treadle.triangular_solve(treadle.ones(3, 1), a)
    assert not np.shares_memory(found.cloned_coefficient.numpy(), a.numpy())


def test_conversions_take_a_memory_format() -> None:
    x = treadle.ones(2, 3, 4, 5)
    assert x.double(memory_format=treadle.channels_last).stride() == (60, 1, 15, 3)
    assert x.double().stride() == (60, 20, 5, 1)
    assert x.float() is x
