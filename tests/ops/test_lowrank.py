"""Factors of low rank and outermost eigenvalues: what they multiply to, whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest

import treadle
from treadle.errors import InputError, ShapeError


@pytest.mark.parametrize("dtype", [treadle.float64, treadle.complex128])
@pytest.mark.parametrize("shape", [(9, 7), (7, 9), (2, 5, 4)])
def test_a_matrix_of_low_rank_is_the_product_of_its_factors(
    shape: tuple[int, ...], dtype: treadle.dtype
) -> None:
    *batch, m, n = shape
    matrix = treadle.randn(*batch, m, 3, dtype=dtype) @ treadle.randn(*batch, 3, n, dtype=dtype)
    u, s, v = treadle.svd_lowrank(matrix, 3)
    assert (u.shape[-1], s.shape[-1], v.shape[-1]) == (3, 3, 3)
    np.testing.assert_allclose((u * s.unsqueeze(-2)) @ v.mH, matrix, atol=1e-12)


def test_principal_components_are_those_of_centred_columns() -> None:
    rows = treadle.randn(20, 4, dtype=treadle.float64) + 100
    _, s, _ = treadle.pca_lowrank(rows)
    centred = np.asarray(rows - rows.mean(0, True))
    np.testing.assert_allclose(s, np.linalg.svd(centred, compute_uv=False))


@pytest.mark.parametrize("largest", [True, False])
def test_outermost_eigenvalues_solve_the_generalised_problem(largest: bool) -> None:
    a, b = (treadle.randn(12, 12, dtype=treadle.float64) for _ in range(2))
    a, b = a @ a.mT, b @ b.mT + 5 * treadle.eye(12, dtype=treadle.float64)
    e, x = treadle.lobpcg(a, 3, b, largest=largest)
    np.testing.assert_allclose(a @ x, (b @ x) * e, atol=1e-10)
    every = np.sort(np.linalg.eigvals(np.linalg.solve(np.asarray(b), np.asarray(a))).real)
    np.testing.assert_allclose(e, every[::-1][:3] if largest else every[:3])


def test_more_factors_than_rows_are_refused() -> None:
    with pytest.raises(InputError, match="svd_lowrank: argument q must be from 0 to 3, got 4"):
        treadle.svd_lowrank(treadle.ones(3, 5), 4)
    with pytest.raises(ShapeError, match=r"lobpcg: .* at least 3 \* k rows, got \[5, 5\], k 2"):
        treadle.lobpcg(treadle.eye(5), 2)
