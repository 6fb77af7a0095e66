"""Random operators: distributions, and sequences that a seed repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from treadle.errors import InputError, ShapeError
from treadle.ops import OPS
from treadle.ops.random import manual_seed

_REST = (None, None, None)


def _draw(name: str, *args: object) -> np.ndarray[Any, Any]:
    result = OPS[name].reference(*args)  # type: ignore[misc]
    assert isinstance(result, np.ndarray)
    return result


def test_a_seed_repeats_the_sequence() -> None:
    manual_seed(7)
    first = [_draw("randn", [3], None, *_REST), _draw("rand", [2], 7, *_REST)]
    manual_seed(7)
    again = [_draw("randn", [3], None, *_REST), _draw("rand", [2], 7, *_REST)]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert [a.dtype for a in first] == [np.float32, np.float64]


def test_draws_have_their_distribution() -> None:
    manual_seed(0)
    uniform = _draw("rand", [20000], None, *_REST).astype(np.float64)
    assert 0 <= uniform.min() < 0.01
    assert 0.99 < uniform.max() < 1
    normal = _draw("randn", [20000], None, *_REST).astype(np.float64)
    assert abs(normal.mean()) < 0.05
    assert abs(normal.std() - 1) < 0.05
    integers = _draw("randint.low", 2, 5, [300], 4, *_REST)
    assert set(integers.tolist()) == {2, 3, 4}


def test_random_operators_are_not_pure() -> None:
    assert not any(OPS[n].pure for n in ("rand", "randn", "rand_like", "randint", "bernoulli"))


def test_bad_bounds_and_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="low 3 must be less than high 3"):
        _draw("randint.low", 3, 3, [2], 4, *_REST)
    with pytest.raises(ShapeError, match="must not be negative"):
        _draw("rand", [-1], None, *_REST)
