"""Factors of low rank, and the outermost eigenvalues.

Source: Halko, Martinsson and Tropp 2011, Finding structure with randomness, algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from typing import Any

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.tensor import Tensor


def svd_lowrank(
    A: Any,  # noqa: N803  torch's name
    q: int | None = 6,
    niter: int | None = 2,
    M: Any = None,  # noqa: N803
) -> tuple[Tensor, Tensor, Tensor]:
    """The `q` largest singular values of ``A - M`` with their vectors: ``U diag(S) V^H``."""
    matrix = A if M is None else A - M
    if matrix.ndim < 2:
        raise ShapeError(f"svd_lowrank: argument A must have at least 2 dims, got {A.ndim}")
    is_wide = matrix.shape[-2] < matrix.shape[-1]
    tall = matrix.mH if is_wide else matrix
    basis = _basis(tall, 6 if q is None else q, 2 if niter is None else niter)
    u, s, vh = FUNCTIONS["linalg_svd"](basis.mH @ tall, False)
    left, right = basis @ u, vh.mH
    return (right, s, left) if is_wide else (left, s, right)


def _basis(tall: Any, count: int, rounds: int) -> Any:
    """Orthonormal columns that span most of what those of `tall` span."""
    least = min(tall.shape[-2:])
    if not 0 <= count <= least:
        raise InputError(f"svd_lowrank: argument q must be from 0 to {least}, got {count}")
    columns = tall @ FUNCTIONS["randn"]([tall.shape[-1], count], dtype=tall.dtype)
    basis = FUNCTIONS["linalg_qr"](columns)[0]
    for _ in range(rounds):
        rows = FUNCTIONS["linalg_qr"](tall.mH @ basis)[0]
        basis = FUNCTIONS["linalg_qr"](tall @ rows)[0]
    return basis


def pca_lowrank(
    A: Any,  # noqa: N803  torch's name
    q: int | None = None,
    center: bool = True,
    niter: int = 2,
) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components of the rows of `A`: `svd_lowrank`, of centred columns if `center`."""
    least = min(A.shape[-2:])
    count = min(6, least) if q is None else q
    if not 0 <= count <= least:
        raise InputError(f"pca_lowrank: argument q must be from 0 to {least}, got {q}")
    if niter < 0:
        raise InputError(f"pca_lowrank: argument niter must not be negative, got {niter}")
    return svd_lowrank(A, count, niter, A.mean(-2, True) if center else None)


def lobpcg(
    A: Any,  # noqa: N803  torch's name
    k: int | None = None,
    B: Any = None,  # noqa: N803
    X: Any = None,  # noqa: N803
    n: int | None = None,
    iK: Any = None,  # noqa: N803
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: Any = None,
    ortho_fparams: Any = None,
    ortho_bparams: Any = None,
) -> tuple[Tensor, Tensor]:
    """The `k` largest eigenvalues (smallest, if not `largest`) of ``A x = B x e``, and vectors.

    All eigenvalues are computed, since matrices are dense; what guides torch's search is unused.
    """
    least = A.shape[-1]
    wanted = (1 if X is None else X.shape[-1]) if k is None else k
    if A.ndim < 2 or A.shape[-2] != least or 3 * wanted > least:
        raise ShapeError(
            f"lobpcg: needs square matrices of at least 3 * k rows, got {list(A.shape)}, k {wanted}"
        )
    if tracker is not None:
        raise UnsupportedError("lobpcg: there are no steps that a tracker could see")
    if B is None:
        values, vectors = FUNCTIONS["linalg_eigh"](A)
    else:  # of A' = L^-1 A L^-H, where B = L L^H
        factor = FUNCTIONS["linalg_cholesky"](B)
        solve = FUNCTIONS["linalg_solve_triangular"]
        inner = solve(factor, solve(factor, A, upper=False).mH, upper=False)
        values, vectors = FUNCTIONS["linalg_eigh"](inner)
        vectors = solve(factor.mH, vectors, upper=True)
    if largest is None or largest:
        values, vectors = values.flip([-1]), vectors.flip([-1])
    return values[..., :wanted], vectors[..., :wanted]
