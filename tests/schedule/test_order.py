"""Sorting, and the first elements in order, along any dim and under any strides."""

import numpy as np
import pytest

from tests.plans import results_of, steps_of

pytestmark = pytest.mark.native


def _graph(line: str) -> str:
    return (
        f"graph(%x: Tensor)\n%v: Tensor, %i: Tensor = {line}\n"
        "%y: Tuple[Tensor, Tensor] = tuple(%v, %i)\nreturn %y"
    )


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 40), (70, 2, 3)])
def test_any_dim_is_sorted(shape: tuple[int, ...], dim: int) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    values, indices = results_of(_graph(f"sort(%x, {dim}, False)"), x)
    np.testing.assert_array_equal(values, np.sort(x, dim))
    np.testing.assert_array_equal(indices, np.argsort(x, dim))


def test_the_first_of_long_rows_are_found() -> None:
    x = np.random.default_rng(0).standard_normal((5, 7000), np.float32)
    values, indices = results_of(_graph("topk(%x, 9, 1, True, True)"), x)
    np.testing.assert_array_equal(values, -np.sort(-x, 1)[:, :9])
    np.testing.assert_array_equal(np.take_along_axis(x, indices, 1), values)


def test_dense_rows_need_no_copies() -> None:
    x = np.zeros((4, 5, 6), np.float32)
    assert len(steps_of(_graph("sort(%x, -1, True)"), x)) == 1
    assert len(steps_of(_graph("sort(%x, 1, True)"), x)) == 4


@pytest.mark.parametrize("nan", [False, True])
def test_the_median_of_what_has_nan_is_nan(nan: bool) -> None:
    x = np.random.default_rng(0).standard_normal((3, 9))
    x[1, 4] = x[1, 6] = np.nan if nan else 0.0
    values, indices = results_of(_graph("median.dim(%x, 1, False)"), x)
    np.testing.assert_array_equal(values, np.median(x, 1))
    assert not nan or indices[1] == 4
