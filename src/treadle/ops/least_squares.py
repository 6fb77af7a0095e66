"""Pseudo-inverses, ranks and least squares, by singular values."""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops import routines
from treadle.ops.composite import Operand, composite
from treadle.ops.lapack import GOOD, PAIR, TALL, TOLERANCE, Array, adjoint, defined, matrix, real
from treadle.ops.samples import f32, f64
from treadle.ops.shapes import broadcast, tensor

Limit: TypeAlias = "float | Array | None"


def _batch(name: str, a: TensorType, options: tuple[Any, ...]) -> tuple[int, ...]:
    """The dims before the matrices of `a`, which limits given as tensors must broadcast to.

    Raises:
        ShapeError: if these do not, or `a` holds no matrices, square ones for Hermitian.
    """
    matrix(name, a, square=bool(options) and options[-1] is True)
    batch = a.sizes[:-2]
    for limit in options:
        if not isinstance(limit, TensorType):
            continue
        if limit.element.is_complex or broadcast(name, limit.sizes, batch) != batch:
            raise ShapeError(f"{name}: limits {limit} for matrices of batch {list(batch)}")
    return batch


def _infer_pinv(a: TensorType, *options: Any) -> TensorType:
    _batch("linalg_pinv", a, options)
    return tensor(a.element, (*a.sizes[:-2], a.sizes[-1], a.sizes[-2]))


def _from_triangle(a: Array, hermitian: bool) -> Array:
    """`a`, or the Hermitian matrix that its lower triangle tells of."""
    if not hermitian:
        return a
    low = np.tril(a, -1)
    main = np.diagonal(a, axis1=-2, axis2=-1).real
    return np.asarray(low + adjoint(low) + main[..., None] * np.eye(a.shape[-1], dtype=a.dtype))


def _pinv(a: Array, atol: Limit, rtol: Limit, hermitian: bool = False) -> Array:
    """The inverse on the singular values above both limits."""
    u, s, vh = routines.svd(_from_triangle(a, hermitian), False)
    inverted = adjoint(vh) * _inverted(s, _kept(a, s, atol, rtol))
    return routines.product(inverted, adjoint(u))


def _inverted(s: Array, is_kept: Array) -> Array:
    """The inverse singular values, as rows; zeros for the others."""
    inverse = np.zeros(s.shape, s.dtype)
    return np.divide(is_kept, s, where=is_kept, out=inverse)[..., None, :]


def _kept(a: Array, s: Array, atol: Limit, rtol: Limit) -> Array:
    """Which singular values are above both limits; each limit one number, or one a matrix."""
    largest = s[..., :1]
    if atol is None and rtol is None:
        return np.asarray(s > largest * _relative(a))
    least = np.asarray(0.0 if atol is None else atol)[..., None]
    rtol = np.where(least > 0, 0.0, _relative(a)) if rtol is None else np.asarray(rtol)[..., None]
    return np.asarray(s > np.maximum(least, rtol * largest))


def _count(is_kept: Array) -> Array:
    return np.asarray(np.add.reduce(is_kept, -1, np.int64))


def _relative(a: Array) -> float:
    """Below which share of the largest a singular value may come from rounding."""
    return float(max(a.shape[-2:]) * _epsilon(a.dtype))


@functools.cache
def _epsilon(dtype: Any) -> float:
    return float(np.finfo(dtype).eps)


def _rank(a: Array, atol: Limit, rtol: Limit, hermitian: bool) -> Array:
    s = routines.svdvals(_from_triangle(a, hermitian))
    return _count(_kept(a, s, atol, rtol))


def _infer_rank(a: TensorType, *options: Any) -> TensorType:
    return tensor(dtypes.i64, _batch("linalg_matrix_rank", a, options))


defined(
    "aten::linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor", _infer_pinv,
    lambda a, rcond, same: _pinv(a, None, rcond, same), ((TALL, 1e-6, False), (GOOD, 1e-6, False)),
)  # fmt: skip
defined(
    "aten::linalg_pinv.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool "
    "hermitian=False) -> Tensor",
    _infer_pinv, _pinv, ((TALL, None, None, False),),
)  # fmt: skip
defined(
    "aten::pinverse(Tensor self, float rcond=1.0000000000000001e-15) -> Tensor", _infer_pinv,
    lambda a, rcond: _pinv(a, None, rcond), ((TALL, 1e-15),),
)  # fmt: skip
defined(
    "aten::linalg_matrix_rank(Tensor self, float tol, bool hermitian=False) -> Tensor",
    _infer_rank, lambda a, tol, hermitian: _rank(a, tol, 0.0, hermitian), ((GOOD, 0.1, False),),
)  # fmt: skip
defined(
    "aten::linalg_matrix_rank.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, "
    "bool hermitian=False) -> Tensor",
    _infer_rank, _rank, ((GOOD, None, None, False), (TALL, None, 0.9, False)),
)  # fmt: skip
defined(
    "aten::linalg_matrix_rank.atol_rtol_tensor(Tensor input, *, Tensor? atol=None, Tensor? "
    "rtol=None, bool hermitian=False) -> Tensor",
    _infer_rank, _rank, ((PAIR, None, f64(2, low=0.0, high=2.0), False),),
)  # fmt: skip
defined(
    "aten::linalg_matrix_rank.tol_tensor(Tensor input, Tensor tol, bool hermitian=False) -> Tensor",
    _infer_rank, lambda a, tol, hermitian: _rank(a, tol, 0.0, hermitian),
    ((PAIR, f64(2, low=0.0, high=2.0), False),),
)  # fmt: skip
defined(
    "aten::linalg_pinv.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? rtol=None, bool "
    "hermitian=False) -> Tensor",
    _infer_pinv, _pinv, ((PAIR, f64(2, low=0.0, high=0.1), None, False),),
)  # fmt: skip
defined(
    "aten::linalg_pinv.rcond_tensor(Tensor self, Tensor rcond, bool hermitian=False) -> Tensor",
    _infer_pinv, lambda a, rcond, same: _pinv(a, None, rcond, same),
    ((PAIR, f64(2, low=0.0, high=0.1), False),),
)  # fmt: skip


def _infer_lstsq(a: TensorType, b: TensorType, rcond: Any, driver: str | None) -> Any:
    matrix("linalg_lstsq", a)
    if driver not in _DRIVERS:
        raise ShapeError(f"linalg_lstsq: driver {driver!r}; allowed: gels, gelsy, gelsd, gelss")
    vector = len(b.sizes) == len(a.sizes) - 1
    rows = b.sizes if vector else b.sizes[:-1]
    if a.element != b.element or a.sizes[:-1] != rows:
        raise ShapeError(f"linalg_lstsq: A {a} does not fit B {b}")
    *batch, m, n = a.sizes
    columns = () if vector else b.sizes[-1:]
    small = tensor(real(a), (*batch, min(m, n)) if driver in ("gelsd", "gelss") else (0,))
    rank = tensor(dtypes.i64, batch if driver != "gels" else (0,))
    left = tensor(real(a), (*batch, *columns) if _has_residuals(a, driver) else (0,))
    return tensor(a.element, (*batch, n, *columns)), left, rank, small


_DRIVERS = (None, "gels", "gelsy", "gelsd", "gelss")


def _has_residuals(a: Any, driver: str | None) -> bool:
    return driver not in (None, "gelsy") and bool(a.shape[-2] > a.shape[-1])


def _lstsq(
    a: Array, b: Array, rcond: float | None, driver: str | None
) -> tuple[Array, Array, Array, Array]:
    """Solution, squared residuals (of more rows than columns), rank, and singular values."""
    dtype = a.real.dtype
    columns = b[..., None] if b.ndim == a.ndim - 1 else b
    u, values, vh = routines.reduced_svd(a)
    is_kept = _kept(a, values, None, rcond)
    inverted = adjoint(vh) * _inverted(values, is_kept)
    solution = routines.product(inverted, routines.product(adjoint(u), columns))
    left = np.empty(0, dtype)
    if _has_residuals(a, driver):
        left = np.square(np.abs(a @ solution - columns)).sum(-2)
    rank = np.empty(0, np.int64) if driver == "gels" else _count(is_kept)
    values = values if driver in ("gelsd", "gelss") else np.empty(0, dtype)
    squeezed = solution[..., 0] if columns is not b else solution
    return squeezed, left[..., 0] if columns is not b and left.size else left, rank, values


defined(
    "aten::linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) -> (Tensor "
    "solution, Tensor residuals, Tensor rank, Tensor singular_values)",
    _infer_lstsq,
    _lstsq,
    ((f32(5, 3), f32(5, 2), None, "gelsd"), (f32(3, 3), f32(3, 2), None, None)),
)


# --- conditions ---------------------------------------------------------------------------------


def _condition(x: Operand, p: Any) -> Any:
    """The norm of a matrix times that of its inverse."""
    if p in (None, 2, -2):
        return x.op("of_singular_values", "-cond" if p == -2 else "cond")
    name = "linalg_matrix_norm.str_ord" if isinstance(p, str) else "linalg_matrix_norm"
    return x.op(name, p) * x.op("linalg_inv").op(name, p)


composite(
    "aten::linalg_cond(Tensor self, Scalar? p=None) -> Tensor",
    _condition,
    samples=((GOOD, None), (PAIR, 1), (GOOD, -2)),
    tolerance=TOLERANCE,
    planned=False,
)
composite(
    "aten::linalg_cond.p_str(Tensor self, str p) -> Tensor",
    _condition,
    samples=((GOOD, "fro"), (PAIR, "nuc")),
    tolerance=TOLERANCE,
    planned=False,
)
