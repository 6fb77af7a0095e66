"""Small matrices are decomposed natively, in double precision, and as LAPACK would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treadle
from treadle._native import (
    factor_cholesky,
    factor_lu,
    factor_qr,
    find_singular_values,
    find_singular_vectors,
    permutation_of,
    solve_triangle,
    split_lu,
)  # fmt: skip
from treadle.errors import Error

Array = np.ndarray[Any, Any]
DTYPES = ["float32", "float64", "complex64", "complex128"]
shapes = st.tuples(*[st.integers(0, 6)] * 2, st.sampled_from([(), (0,), (3,), (2, 1)]))


def make(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Array:
    source = np.random.default_rng(seed)
    parts = source.standard_normal((2, *shape))
    made: Array = parts[0] + 1j * parts[1] if dtype.startswith("c") else parts[0]
    return made.astype(dtype)


@settings(max_examples=60, deadline=None)
@given(shapes, st.sampled_from(DTYPES), st.integers(0, 99))
def test_factors_give_the_matrices_back(
    sizes: tuple[int, int, tuple[int, ...]], dtype: str, seed: int
) -> None:
    m, n, batch = sizes
    a = make((*batch, m, n), dtype, seed)
    lu, pivots, info = factor_lu(a, True)
    low, high = split_lu(lu)
    assert {x.dtype for x in (lu, low, high)} == {a.dtype}
    assert info.shape == batch
    np.testing.assert_allclose(permutation_of(lu, pivots) @ low @ high, a, atol=1e-5)
    q, r = factor_qr(a, True)
    np.testing.assert_allclose(q @ r, a, atol=1e-5)
    found = find_singular_vectors(a)
    assert found is not None
    u, s, vh = found
    np.testing.assert_allclose((u * s[..., None, :]) @ vh, a, atol=1e-5)
    np.testing.assert_array_equal(find_singular_values(a), s)
    np.testing.assert_allclose(s, np.linalg.svd(a.astype(vh.dtype), compute_uv=False), atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 5, 30])
def test_cholesky_ends_before_the_minor_that_is_not_definite(n: int, dtype: str) -> None:
    a = make((n, n), dtype)
    good = a @ np.conj(a.T) + 2 * n * np.eye(n, dtype=dtype)
    low, info = factor_cholesky(good)
    assert (low.dtype, info.item()) == (good.dtype, 0)
    np.testing.assert_allclose(low @ np.conj(low.T), good, rtol=1e-5, atol=1e-4)
    if n > 1:
        good[n - 2, n - 2] = -1
        part, order = treadle.linalg.cholesky_ex(treadle.tensor(good))
        assert order.item() == n - 1
        assert not part.numpy()[n - 2 :].any()
        with pytest.raises(Error, match="positive definite"):
            treadle.linalg.cholesky_ex(treadle.tensor(good), check_errors=True)


def test_vectors_beside_values_of_zero_are_zeros() -> None:
    found = find_singular_vectors(np.outer([3.0, 4.0], [0.6, 0.8]))
    assert found is not None
    u, s, vh = found
    np.testing.assert_allclose(s, [5.0, 0.0], atol=1e-15)
    np.testing.assert_allclose((u * s) @ vh, [[1.8, 2.4], [2.4, 3.2]])
    none = find_singular_values(np.zeros((2, 3)))
    assert none is not None
    assert none.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_sizes_whose_squares_are_no_numbers_do_not_matter(scale: float) -> None:
    a = make((4, 3), "float64")
    values, scaled = find_singular_values(a), find_singular_values(a * scale)
    assert values is not None
    assert scaled is not None
    np.testing.assert_allclose(scaled / scale, values, 1e-13)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, complex(0, np.inf)])
def test_what_is_not_finite_has_no_singular_values(value: complex) -> None:
    a = np.full((2, 2), value)
    assert find_singular_values(a) is None
    assert find_singular_vectors(a) is None


def test_operands_may_lie_anywhere() -> None:
    a = make((5, 5), "float32")
    for view in (a.T, a[::-1], a[:, ::2], np.broadcast_to(a[:1], (4, 5))):
        q, r = factor_qr(view, False)
        np.testing.assert_allclose(q @ r, view, atol=1e-5)
    assert (a == make((5, 5), "float32")).all()


def test_what_does_not_fit_is_refused() -> None:
    lu, pivots, _ = factor_lu(np.eye(2), True)
    calls: dict[str, Any] = {
        "expected matrices": lambda: factor_lu(np.eye(2, dtype=np.int64), True),
        "expected matrices of": lambda: find_singular_values(np.ones(3)),
        "expected square matrices": lambda: factor_cholesky(np.ones((2, 3))),
        "do not fit": lambda: solve_triangle(np.eye(2), np.ones((3, 1)), True, False),
        "expected int32 pivots": lambda: permutation_of(lu, pivots.astype(np.int64)),
        "one for each column": lambda: permutation_of(lu, pivots[:1]),
        "no number of a row": lambda: permutation_of(lu, pivots + 7),
    }
    for match, call in calls.items():
        with pytest.raises((TypeError, ValueError), match=match):
            call()
    with pytest.raises(Error, match="lu_unpack: a pivot is no number of a row"):
        treadle.lu_unpack(treadle.tensor(lu), treadle.tensor(pivots + 7))
