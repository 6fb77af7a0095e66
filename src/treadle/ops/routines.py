"""LAPACK by NumPy's routines themselves.

The public functions of ``numpy.linalg`` check and convert for 3 to 8 microseconds a call, which is
more than the decomposition of a small matrix takes. They have the last word: on failures, and where
NumPy has no routine of that name.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle._native import (
    Routine,
    factor_cholesky,
    factor_qr,
    find_singular_values,
    find_singular_vectors,
    solve_triangle,
)  # fmt: skip

Array = np.ndarray[Any, Any]
_FEW_ROWS = 24
"""Of matrices for which LAPACK takes longer to begin than to compute."""
_FEW_COLUMNS = 6
"""The same of singular values, which rotations find in time that grows faster."""
_ROUTINES = getattr(np.linalg, "_umath_linalg", None)


@functools.cache
def _routine(name: str, types: str, is_complex: bool) -> Routine | None:
    """The routine for `types`, ``"ww->w"``, where ``w`` is complex if the matrices are."""
    found = getattr(_ROUTINES, name, None)
    return found and Routine(found, types.replace("w", "D" if is_complex else "d"))


def _run(
    name: str, types: str, arrays: Sequence[Array], shapes: list[Sequence[int]]
) -> tuple[Array, ...] | None:
    """The results of a routine, computed in double precision; None if it fails or is not there."""
    routine = _routine(name, types, arrays[0].dtype.kind == "c")
    try:
        return None if routine is None else routine(*arrays, shapes=shapes)
    except FloatingPointError:
        return None


def product(a: Array, b: Array) -> Array:
    """The product of matrices; of two by the function that takes a third of the time to begin."""
    found: Array = a.dot(b) if a.ndim == b.ndim == 2 else np.matmul(a, b)
    return found


def cholesky(a: Array) -> Array:
    """The lower triangle whose product with its adjoint is `a`."""
    low, info = cholesky_ex(a)
    return np.linalg.cholesky(a) if info.any() else low


def cholesky_ex(a: Array) -> tuple[Array, Array]:
    """`cholesky`, and the order of the first minor that is not positive definite; 0 if all are."""
    found = _run("cholesky_lo", "w->w", [a], [a.shape]) if a.shape[-1] > _FEW_ROWS else None
    if found is None:
        return factor_cholesky(a)
    return found[0].astype(a.dtype), np.zeros(a.shape[:-2], np.int32)


def inv(a: Array) -> Array:
    """The inverses of matrices."""
    found = _run("inv", "w->w", [a], [a.shape])
    return np.linalg.inv(a) if found is None else found[0]


def solve(a: Array, b: Array) -> Array:
    """The matrices that `a` makes `b` of."""
    is_plain = a.ndim == b.ndim and a.shape[:-2] == b.shape[:-2]
    found = _run("solve", "ww->w", [a, b], [b.shape]) if is_plain else None
    return np.linalg.solve(a, b) if found is None else found[0]


def substituted(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """The matrices that the triangles in `a` make `b` of; with ones on their diagonals if `unit`.

    Where there is a zero on the diagonal, they are infinite.
    """
    if a.shape[:-2] != b.shape[:-2]:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
    return solve_triangle(a, b, upper, unit)


def eigh(a: Array, part: str) -> tuple[Array, ...]:
    """Eigenvalues and eigenvectors of the symmetric matrices whose lower or upper part is given."""
    name = "eigh_up" if part.upper() == "U" else "eigh_lo"
    found = _run(name, "w->dw", [a], [a.shape[:-1], a.shape])
    return tuple(np.linalg.eigh(a, "U" if name == "eigh_up" else "L")) if found is None else found


def svd(a: Array, full: bool) -> tuple[Array, ...]:
    """Singular values between the vectors on both sides, all of them if `full`."""
    *batch, m, n = a.shape
    k = min(m, n)
    shapes: list[Sequence[int]] = [(*batch, m, m), (*batch, k), (*batch, n, n)]
    if not full:
        shapes[::2] = (*batch, m, k), (*batch, k, n)
    found = _run("svd_f" if full else "svd_s", "w->wdw", [a], shapes)
    return tuple(np.linalg.svd(a, full)) if found is None else found


def reduced_svd(a: Array) -> tuple[Array, ...]:
    """`svd`, but for the vectors that belong to values of 0."""
    found = find_singular_vectors(a) if max(a.shape[-2:]) <= _FEW_COLUMNS else None
    return svd(a, False) if found is None else found


def svdvals(a: Array) -> Array:
    """Singular values."""
    values = find_singular_values(a) if max(a.shape[-2:]) <= _FEW_COLUMNS else None
    if values is not None:
        return values
    found = _run("svd", "w->d", [a], [(*a.shape[:-2], min(a.shape[-2:]))])
    return np.linalg.svd(a, compute_uv=False) if found is None else found[0]


def qr(a: Array, complete: bool) -> tuple[Array, Array]:
    """An orthogonal matrix, with all its columns if `complete`, and an upper triangle."""
    *batch, m, n = a.shape
    if m <= _FEW_ROWS:
        return factor_qr(a, complete)
    columns = m if complete else min(m, n)
    factors = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64, "C")  # written to
    tau = _run("qr_r_raw", "w->w", [factors], [(*batch, min(m, n))])
    name = "qr_complete" if complete and m > n else "qr_reduced"
    found = tau and _run(name, "ww->w", [factors, *tau], [(*batch, m, columns)])
    if not found:
        return np.linalg.qr(a, "complete" if complete else "reduced")
    upper = factors[..., :columns, :]
    np.copyto(upper, 0.0, where=below_diagonal(columns, n))
    return found[0], upper


@functools.lru_cache(maxsize=64)
def below_diagonal(rows: int, columns: int) -> Array:
    """Where a matrix is below its diagonal."""
    return np.tri(rows, columns, -1, np.bool_)
