"""Determinants, powers and exponentials of matrices."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops import routines
from treadle.ops.lapack import GOOD, PAIR, Array, defined, matrix, real
from treadle.ops.promotion import accumulation, check_kind, dtype_of
from treadle.ops.samples import i32
from treadle.ops.shapes import tensor


def _infer_number(a: TensorType) -> TensorType:
    matrix("det", a, square=True)
    return tensor(a.element, a.sizes[:-2])


def _infer_slogdet(a: TensorType) -> tuple[TensorType, TensorType]:
    return _infer_number(a), tensor(real(a), a.sizes[:-2])


for _schema in ("aten::linalg_det(Tensor A) -> Tensor", "aten::det(Tensor self) -> Tensor"):
    defined(_schema, _infer_number, np.linalg.det, ((GOOD,), (PAIR,)))
for _schema in ("linalg_slogdet(Tensor A)", "slogdet(Tensor self)"):
    defined(
        f"aten::{_schema} -> (Tensor sign, Tensor logabsdet)", _infer_slogdet,
        lambda a: tuple(np.linalg.slogdet(a)), ((GOOD,), (PAIR,)),
    )  # fmt: skip


def _logdet(a: Array) -> Array:
    sign, value = np.linalg.slogdet(a)
    if a.dtype.kind == "c":
        return np.asarray(value + 1j * np.angle(sign))
    return np.where(sign < 0, np.nan, value)


defined("aten::logdet(Tensor self) -> Tensor", _infer_number, _logdet, ((GOOD,), (PAIR,)))


def _infer_power(a: TensorType, n: int) -> TensorType:
    if n < 0:
        matrix("matrix_power", a, square=True)
    return _square("matrix_power", "bifc" if n in (0, 1) else "ifc", a)


def _square(name: str, kinds: str, a: TensorType) -> TensorType:
    """Square matrices stay what they are; 16-bit floats and integers too."""
    check_kind(name, kinds, a.element)
    if len(a.sizes) < 2 or a.sizes[-1] != a.sizes[-2]:
        raise ShapeError(f"{name}: needs square matrices, got {a}")
    return a


def _matrix_power(a: Array, n: int) -> Array:
    if a.dtype.itemsize > 2:
        return _power(a, n)
    return _power(a.astype(accumulation(dtype_of(a)).numpy), n)


def _power(a: Array, n: int) -> Array:
    """By squares and products."""
    if n < 0:
        return _power(routines.inv(a), -n)
    if n == 0:
        return np.array(np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape))
    if n == 1:
        return np.array(a)
    half = a if n < 4 else _power(a, n // 2)
    square = routines.product(half, half)
    return routines.product(square, a) if n % 2 else square


for _name in ("linalg_matrix_power", "matrix_power"):
    defined(
        f"aten::{_name}(Tensor self, int n) -> Tensor", _infer_power,
        _matrix_power, ((GOOD, 3), (GOOD, 1), (GOOD, 0), (PAIR, -2), (i32(3, 3), 5)),
    )  # fmt: skip


def _exponential(a: Array) -> Array:
    """Scaling and squaring of a Taylor series in double precision."""
    wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    norm = float(np.max(np.sum(np.abs(wide), -1), initial=0.0))
    squarings = max(0, math.ceil(math.log2(norm)) + 1) if norm > 0 else 0
    small = wide / 2**squarings
    term = np.broadcast_to(np.eye(a.shape[-1]), a.shape).astype(wide.dtype)
    total = term.copy()
    for i in range(1, 19):
        term = term @ small / i
        total = total + term
    for _ in range(squarings):
        total = total @ total
    return np.asarray(total)


for _name in ("linalg_matrix_exp", "matrix_exp"):
    defined(
        f"aten::{_name}(Tensor self) -> Tensor", partial(_square, _name, "fc"), _exponential,
        ((GOOD,), (PAIR,)),
    )  # fmt: skip
