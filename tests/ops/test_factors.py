"""Factors that are not unique (signs, orders): what their product has to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from treadle.errors import InputError
from treadle.ops import OPS
from treadle.ops.random import manual_seed

Array = np.ndarray[Any, Any]


def _matrix(m: int, n: int) -> Array:
    return np.random.default_rng(2).standard_normal((m, n), np.float32)


def _run(name: str, *args: Any) -> Any:
    reference = OPS[name].reference
    assert reference is not None
    return reference(*args)


@pytest.mark.parametrize("full", [True, False])
def test_singular_vectors_give_the_matrix_back(full: bool) -> None:
    a = _matrix(5, 3)
    u, s, vh = _run("linalg_svd", a, full, None)
    assert (u.dtype, s.dtype, vh.dtype) == (np.float32,) * 3
    np.testing.assert_allclose(u[:, :3] * s @ vh, a, atol=1e-5)


def test_eigenvectors_of_a_symmetric_matrix_give_it_back() -> None:
    a = _matrix(4, 4)
    a = a + a.T
    values, vectors = _run("linalg_eigh", a, "L")
    np.testing.assert_allclose(vectors * values @ vectors.T, a, atol=1e-5)


def test_eigenvectors_of_a_real_matrix_are_complex() -> None:
    a = _matrix(4, 4)
    values, vectors = _run("linalg_eig", a)
    assert values.dtype == vectors.dtype == np.complex64
    np.testing.assert_allclose(a @ vectors, vectors * values, atol=1e-5)


def test_least_squares_solve_the_normal_equations() -> None:
    a, b = _matrix(6, 3), _matrix(6, 2)
    solution = _run("linalg_lstsq", a, b, None, None)[0]
    np.testing.assert_allclose(a.T @ a @ solution, a.T @ b, atol=1e-4)


# --- sampling -----------------------------------------------------------------------------------


def test_samples_come_as_often_as_their_weights_say() -> None:
    manual_seed(3)
    drawn = _run("multinomial", np.array([1.0, 0.0, 3.0]), 4000, True, None)
    shares = np.bincount(drawn, minlength=3) / drawn.size
    np.testing.assert_allclose(shares, [0.25, 0, 0.75], atol=0.03)


def test_samples_without_replacement_are_different() -> None:
    manual_seed(4)
    drawn = _run("multinomial", np.ones((50, 6), np.float32), 6, False, None)
    np.testing.assert_array_equal(np.sort(drawn, -1), np.broadcast_to(np.arange(6), (50, 6)))


@pytest.mark.parametrize("weights", [[-1.0, 2.0], [0.0, 0.0], [np.nan, 1.0]])
def test_weights_that_are_no_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(InputError, match="weights must be"):
        _run("multinomial", np.array(weights), 1, True, None)
