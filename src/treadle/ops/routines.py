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

from treadle._native import Routine, factor_qr, solve_triangle

Array = np.ndarray[Any, Any]
_FEW_ROWS = 24
"""Of matrices for which LAPACK takes longer to begin than to compute."""
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


def cholesky(a: Array) -> Array:
    """The lower triangle whose product with its adjoint is `a`."""
    found = _run("cholesky_lo", "w->w", [a], [a.shape])
    return np.linalg.cholesky(a) if found is None else found[0]


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
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    target: Array = b.astype(wide, "C")
    solve_triangle(a.astype(wide, "C", copy=False), target, upper, unit)
    return target


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


def svdvals(a: Array) -> Array:
    """Singular values."""
    found = _run("svd", "w->d", [a], [(*a.shape[:-2], min(a.shape[-2:]))])
    return np.linalg.svd(a, compute_uv=False) if found is None else found[0]


def qr(a: Array, complete: bool) -> tuple[Array, Array]:
    """An orthogonal matrix, with all its columns if `complete`, and an upper triangle."""
    *batch, m, n = a.shape
    columns = m if complete else min(m, n)
    factors = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64, "C")  # written to
    if m <= _FEW_ROWS:
        orthogonal = np.empty((*batch, m, columns), factors.dtype)
        factor_qr(factors, orthogonal)
        return orthogonal, factors[..., :columns, :]
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
