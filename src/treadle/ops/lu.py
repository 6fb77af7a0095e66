"""Factors of Gauss' elimination with rows exchanged: ``A = P @ L @ U``."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle._native import factor_lu, permutation_of, split_lu
from treadle.errors import ScriptError, ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.lapack import GOOD, PAIR, TALL, Array, adjoint, defined, matrix
from treadle.ops.samples import f32, f64, given
from treadle.ops.shapes import broadcast, tensor

_FACTORS = given([[4.0, 1.0, 2.0], [0.25, 3.0, 1.0], [0.5, -0.5, 2.0]])
_PIVOTS = given([2, 3, 3], dtypes.i32)


def _checked_factor(a: Array, pivot: bool, check_errors: bool = True) -> tuple[Array, ...]:
    found = factor_lu(a, pivot)
    if check_errors and not pivot and np.any(found[2]):
        raise ScriptError("linalg_lu_factor: a pivot is 0", "RuntimeError")
    return found


def _infer_factor(a: TensorType, *_: Any) -> tuple[TensorType, TensorType, TensorType]:
    matrix("linalg_lu_factor", a)
    *batch, m, n = a.sizes
    return a, tensor(dtypes.i32, (*batch, min(m, n))), tensor(dtypes.i32, batch)


def _infer_parts(a: TensorType, data: bool, pivots: bool) -> tuple[TensorType, ...]:
    matrix("linalg_lu", a)
    *batch, m, n = a.sizes
    k = min(m, n)
    shapes = ((*batch, m, m), (*batch, m, k), (*batch, k, n))
    chosen = (pivots, data, data)
    return tuple(tensor(a.element, s if c else (0,)) for s, c in zip(shapes, chosen, strict=True))


def _unpack(lu: Array, pivots: Array, data: bool, permute: bool) -> tuple[Array, ...]:
    none = np.empty(0, lu.dtype)
    low, high = split_lu(lu) if data else (none, none)
    return permutation_of(lu, pivots) if permute else none, low, high


def _decomposed(a: Array, pivot: bool) -> tuple[Array, ...]:
    lu, pivots, _ = factor_lu(a, pivot)
    return _unpack(lu, pivots, True, pivot)


def _infer_solve(lu: TensorType, pivots: TensorType, b: TensorType, left: bool) -> TensorType:
    matrix("linalg_lu_solve", lu, square=True)
    matrix("linalg_lu_solve", b)
    n = b.sizes[-2] if left else b.sizes[-1]
    if pivots.element != dtypes.i32 or pivots.sizes != lu.sizes[:-1] or n != lu.sizes[-1]:
        raise ShapeError(f"linalg_lu_solve: LU {lu}, pivots {pivots} and B {b} do not fit")
    if lu.element != b.element:
        raise ShapeError(f"linalg_lu_solve: LU is {lu.element} and B is {b.element}")
    batch = broadcast("linalg_lu_solve", lu.sizes[:-2], b.sizes[:-2])
    return tensor(b.element, (*batch, *b.sizes[-2:]))


def _lu_solve(lu: Array, pivots: Array, b: Array, left: bool, adjoined: bool) -> Array:
    """The solution of ``A @ X = B``, or ``X @ A = B`` if not `left`; of A's adjoint if so asked."""
    if not left:
        return adjoint(_lu_solve(lu, pivots, adjoint(b), True, not adjoined))
    order = permutation_of(lu, pivots)
    low, high = split_lu(lu)
    if adjoined:
        y = np.linalg.solve(adjoint(low), np.linalg.solve(adjoint(high), b))
        return np.asarray(order @ y)
    return np.linalg.solve(high, np.linalg.solve(low, np.swapaxes(order, -1, -2) @ b))


_MATRICES = ((GOOD, True), (PAIR, True), (TALL, True), (f32(2, 4), True), (f32(0, 0), True))
defined(
    "aten::linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)",
    lambda a, *_: _infer_factor(a)[:2],
    lambda a, pivot: _checked_factor(a, pivot)[:2],
    _MATRICES,
)
defined(
    "aten::linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor "
    "LU, Tensor pivots, Tensor info)",
    _infer_factor,
    _checked_factor,
    tuple((*s, False) for s in _MATRICES),
)
defined(
    "aten::_lu_with_info(Tensor self, bool pivot=True, bool check_errors=True) -> (Tensor LU, "
    "Tensor pivots, Tensor info)",
    _infer_factor,
    _checked_factor,
    tuple((*s, False) for s in _MATRICES[:2]),
)
defined(
    "aten::linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)",
    lambda a, pivot: _infer_parts(a, True, pivot),
    _decomposed,
    _MATRICES[:4],
)
defined(
    "aten::lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool "
    "unpack_pivots=True) -> (Tensor P, Tensor L, Tensor U)",
    lambda lu, _, data, pivots: _infer_parts(lu, data, pivots),
    _unpack,
    ((_FACTORS, _PIVOTS, True, True), (_FACTORS, _PIVOTS, True, False)),
)
defined(
    "aten::linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool "
    "adjoint=False) -> Tensor",
    lambda lu, pivots, b, left, _: _infer_solve(lu, pivots, b, left),
    _lu_solve,
    (
        (_FACTORS, _PIVOTS, f32(3, 2), True, False),
        (_FACTORS, _PIVOTS, f32(2, 3), False, False),
        (_FACTORS, _PIVOTS, f32(2, 3, 2), True, True),
    ),
)
defined(
    "aten::lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots) -> Tensor",
    lambda b, lu, pivots: _infer_solve(lu, pivots, b, True),
    lambda b, lu, pivots: _lu_solve(lu, pivots, b, True, False),
    ((f32(3, 2), _FACTORS, _PIVOTS),),
)


# --- reflections --------------------------------------------------------------------------------


def _infer_product(a: TensorType, tau: TensorType) -> TensorType:
    matrix("linalg_householder_product", a)
    *batch, m, n = a.sizes
    if n > m or [*tau.sizes[:-1]] != batch or tau.sizes[-1] > n or tau.element != a.element:
        raise ShapeError(f"linalg_householder_product: input {a} and tau {tau} do not fit")
    return a


def _reflected(a: Array, tau: Array, target: Array) -> Array:
    """The product of the reflections in the columns of `a` with `target`."""
    for i in reversed(range(tau.shape[-1])):
        v = np.zeros_like(a[..., i])
        v[..., i] = 1
        v[..., i + 1 :] = a[..., i + 1 :, i]
        along = (np.conj(v)[..., None, :] @ target) * tau[..., i, None, None]
        target = target - v[..., None] * along
    return target


def _product(a: Array, tau: Array) -> Array:
    *batch, m, n = a.shape
    eye = np.broadcast_to(np.eye(m, n, dtype=a.dtype), (*batch, m, n))
    return _reflected(a, tau, eye)


def _infer_geqrf(a: TensorType) -> tuple[TensorType, TensorType]:
    matrix("geqrf", a)
    return a, tensor(a.element, (*a.sizes[:-2], min(a.sizes[-2:])))


def _geqrf(a: Array) -> tuple[Array, Array]:
    raw, tau = np.linalg.qr(a, "raw")
    return np.swapaxes(raw, -1, -2), tau


_TAU = given([0.5, 1.2])
for _schema in (
    "linalg_householder_product(Tensor input, Tensor tau)",
    "orgqr(Tensor self, Tensor input2)",
):
    defined(f"aten::{_schema} -> Tensor", _infer_product, _product, ((TALL, _TAU),))
defined(
    "aten::geqrf(Tensor self) -> (Tensor a, Tensor tau)",
    _infer_geqrf,
    _geqrf,
    ((TALL,), (PAIR,), (f64(2, 3),)),
)


def _multiplied(a: Array, tau: Array, c: Array, left: bool, transposed: bool) -> Array:
    m = c.shape[-2] if left else c.shape[-1]
    square = _reflected(a, tau, np.broadcast_to(np.eye(m, dtype=a.dtype), (*a.shape[:-2], m, m)))
    q = adjoint(square) if transposed else square
    return np.asarray(q @ c if left else c @ q)


def _infer_multiplied(a: TensorType, tau: TensorType, c: TensorType, left: bool, _: bool) -> Any:
    matrix("ormqr", a)
    matrix("ormqr", c)
    if (c.sizes[-2] if left else c.sizes[-1]) != a.sizes[-2] or tau.sizes[-1] > a.sizes[-1]:
        raise ShapeError(f"ormqr: self {a}, tau {tau} and other {c} do not fit")
    return c


defined(
    "aten::ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False) "
    "-> Tensor",
    _infer_multiplied,
    _multiplied,
    ((TALL, _TAU, f32(3, 4), True, False), (TALL, _TAU, f32(2, 3), False, True)),
)
