"""Factors that are not unique (signs, orders): what their product has to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import treadle
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


# --- beside torch's functions -------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 5), (1, 1), (2, 3, 3), (0, 0)])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_triangles_and_a_permutation_give_the_matrix_back(
    shape: tuple[int, ...], dtype: str
) -> None:
    a = np.random.default_rng(8).standard_normal(shape).astype(dtype)
    found = [part.numpy() for part in treadle.linalg.lu(treadle.tensor(a))]
    expected = [part.numpy() for part in torch.linalg.lu(torch.tensor(a))]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-4, 1e-5, strict=True)


@pytest.mark.torch
@pytest.mark.parametrize("order", [2, -2, "nuc"])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dims", [(-2, -1), (0, 2), (2, 1)])
def test_norms_by_singular_values(order: Any, keepdim: bool, dims: tuple[int, int]) -> None:
    a = np.random.default_rng(9).standard_normal((3, 2, 4))
    found = treadle.linalg.matrix_norm(treadle.tensor(a), order, dims, keepdim).numpy()
    expected = torch.linalg.matrix_norm(torch.tensor(a), order, dims, keepdim).numpy()
    np.testing.assert_allclose(found, expected, 1e-12, strict=True)


@pytest.mark.torch
@pytest.mark.parametrize("p", [None, 2, -2, 1, "fro", "nuc"])
def test_conditions_of_matrices(p: Any) -> None:
    a = np.random.default_rng(10).standard_normal((2, 3, 3))
    found = treadle.linalg.cond(treadle.tensor(a), p).numpy()
    np.testing.assert_allclose(found, torch.linalg.cond(torch.tensor(a), p).numpy(), strict=True)


@pytest.mark.torch
@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 4, 7, 12])
def test_powers_of_matrices_are_new_tensors(n: int) -> None:
    a = np.random.default_rng(11).standard_normal((2, 3, 3))
    x = treadle.tensor(a)
    found = treadle.linalg.matrix_power(x, n)
    expected = torch.linalg.matrix_power(torch.tensor(a), n).numpy()
    np.testing.assert_allclose(found.numpy(), expected, 1e-9, 1e-12, strict=True)
    assert not np.may_share_memory(found.numpy(), x.numpy())


@pytest.mark.torch
@pytest.mark.parametrize("upper", [False, True])
def test_a_matrix_that_is_not_definite_is_told_by_its_minor(upper: bool) -> None:
    good = np.array([[4.0, 1.0], [1.0, 3.0]])
    both = np.stack([good, good - 5 * np.eye(2)[[1]].T * np.eye(2)[1]])
    for a in (good, both):
        found = treadle.linalg.cholesky_ex(treadle.tensor(a), upper=upper)
        expected = torch.linalg.cholesky_ex(torch.tensor(a), upper=upper)
        np.testing.assert_array_equal(found[1].numpy(), expected[1].numpy(), strict=True)
        np.testing.assert_allclose(
            found[0].numpy().reshape(-1, 2, 2)[0], expected[0].numpy().reshape(-1, 2, 2)[0]
        )


@pytest.mark.torch
@pytest.mark.parametrize("steps", [0, 1, 2, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_logarithmic_steps_end_where_they_are_told(steps: int, dtype: str) -> None:
    arguments = (0, 3, steps, 2.0)
    found = treadle.logspace(*arguments, dtype=getattr(treadle, dtype)).numpy()
    expected = torch.logspace(*arguments, dtype=getattr(torch, dtype)).numpy()
    np.testing.assert_allclose(found, expected, 1e-6, strict=True)
