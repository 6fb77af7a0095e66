"""Factors of symmetric matrices that need not be definite, ``P L D L^T P^T``, and their systems."""

from __future__ import annotations

import math

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.lapack import GOOD, Array, defined, magnitude, matrix
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, given
from treadle.ops.shapes import broadcast, tensor
from treadle.ops.solves import solved

_ALPHA = (1 + math.sqrt(17)) / 8
"""Of Bunch and Kaufman 1977: smaller pivots are taken two rows at a time."""


def _pivot(a: Array, k: int) -> tuple[int, int]:
    """The row to exchange, and whether the block at `k` has one row or two.

    Source: LAPACK's ``sytf2``, lower triangle.
    """
    here = magnitude(a[k, k])
    below = magnitude(a[k + 1 :, k])
    if not below.size or here >= _ALPHA * below.max():
        return k, 1
    row = k + 1 + int(below.argmax())
    largest = float(below.max())
    others = max(
        float(magnitude(a[row, k:row]).max()),
        float(magnitude(a[row + 1 :, row]).max(initial=0)),
    )
    if here >= _ALPHA * largest * (largest / others):
        return k, 1
    return row, 1 if magnitude(a[row, row]) >= _ALPHA * others else 2


def _exchange(a: Array, first: int, second: int, k: int, size: int) -> None:
    """Rows and columns `first` and `second` of the lower triangle from `k` on."""
    for one, two in (
        (a[second + 1 :, first], a[second + 1 :, second]),
        (a[first + 1 : second, first], a[second, first + 1 : second]),
    ):
        kept = one.copy()
        one[...] = two
        two[...] = kept
    a[first, first], a[second, second] = a[second, second], a[first, first]
    if size == 2:
        a[k + 1, k], a[second, k] = a[second, k], a[k + 1, k]


def _eliminate(a: Array, k: int, size: int) -> None:
    """Take the block at `k` out of the rest; leave its columns of ``L``."""
    rest = a[k + size :, k + size :]
    columns = a[k + size :, k : k + size].copy()
    block = np.tril(a[k : k + size, k : k + size])
    block = block + np.tril(block, -1).T
    low = columns @ np.linalg.inv(block) if columns.size else columns
    rest -= np.tril(low @ columns.T)
    a[k + size :, k : k + size] = low


def _ldl(a: Array) -> tuple[Array, Array, int]:
    """``D`` and ``L`` in one triangle, pivots as LAPACK's, and the first zero of ``D``."""
    n, k, info = len(a), 0, 0
    packed, pivots = np.tril(a), np.zeros(n, np.int32)
    while k < n:
        if not magnitude(packed[k:, k]).max() > 0:
            info, pivots[k], k = info or k + 1, k + 1, k + 1
            continue
        row, size = _pivot(packed, k)
        if row != k + size - 1:
            _exchange(packed, k + size - 1, row, k, size)
        _eliminate(packed, k, size)
        pivots[k : k + size] = row + 1 if size == 1 else -(row + 1)
        k += size
    return packed, pivots, info


def _factors(name: str, a: Array, check: bool) -> tuple[Array, Array, Array]:
    batch = a.shape[:-2]
    packed, pivots = np.empty_like(a), np.empty(a.shape[:-1], np.int32)
    info = np.zeros(batch, np.int32)
    for at in np.ndindex(*batch):
        packed[at], pivots[at], info[at] = _ldl(a[at])
    if check and info.any():
        raise np.linalg.LinAlgError(f"{name}: the {info.max()}th pivot is zero")
    return packed, pivots, info


def _blocks(pivots: Array) -> list[tuple[int, int, int]]:
    """Start and size of each block of ``D``, and the row that was exchanged with its last one."""
    found, k = [], 0
    while k < len(pivots):
        size = 1 if pivots[k] > 0 else 2
        row = abs(int(pivots[k])) - 1
        if not k + size - 1 <= row < len(pivots):
            raise ShapeError(f"linalg_ldl_solve: {pivots.tolist()} are no pivots")
        found.append((k, size, row))
        k += size
    return found


def _solved(packed: Array, pivots: Array, b: Array) -> Array:
    """The solution for one matrix.

    Source: LAPACK's ``sytrs``, lower triangle.
    """
    x: Array = b.copy()
    blocks = _blocks(pivots)
    for k, size, row in blocks:
        x[[k + size - 1, row]] = x[[row, k + size - 1]]
        x[k + size :] -= packed[k + size :, k : k + size] @ x[k : k + size]
        block = np.tril(packed[k : k + size, k : k + size])
        x[k : k + size] = np.linalg.solve(block + np.tril(block, -1).T, x[k : k + size])
    for k, size, row in reversed(blocks):
        x[k : k + size] -= packed[k + size :, k : k + size].T @ x[k + size :]
        x[[k + size - 1, row]] = x[[row, k + size - 1]]
    return x


def _solve(packed: Array, pivots: Array, b: Array) -> Array:
    batch = np.broadcast_shapes(packed.shape[:-2], b.shape[:-2])
    packed = np.broadcast_to(packed, (*batch, *packed.shape[-2:]))
    pivots = np.broadcast_to(pivots, (*batch, pivots.shape[-1]))
    result = np.array(np.broadcast_to(b, (*batch, *b.shape[-2:])))
    for at in np.ndindex(*batch):
        result[at] = _solved(packed[at], pivots[at], result[at])
    return result


def _infer_factors(name: str, a: TensorType, hermitian: bool) -> tuple[TensorType, ...]:
    matrix(name, a, square=True)
    if hermitian and dtype_of(a).is_complex:
        raise UnsupportedError(f"{name}: hermitian matrices of complex numbers")
    return a, tensor(dtypes.i32, a.sizes[:-1]), tensor(dtypes.i32, a.sizes[:-2])


def _infer_solve(a: TensorType, pivots: TensorType, b: TensorType, hermitian: bool) -> TensorType:
    _infer_factors("linalg_ldl_solve", a, hermitian)
    if pivots.element != dtypes.i32 or pivots.sizes != a.sizes[:-1] or len(b.sizes) < 2:
        raise ShapeError(
            f"linalg_ldl_solve: LD {a} needs pivots i32{list(a.sizes[:-1])} and B of at least 2"
            f" dims, got {pivots} and {b}"
        )
    batch = broadcast("linalg_ldl_solve", a.sizes[:-2], b.sizes[:-2])
    return tensor(
        solved(tensor(a.element, a.sizes[-2:]), tensor(b.element, b.sizes[-2:])).element,
        (*batch, *b.sizes[-2:]),
    )


_SYMMETRIC = given([[1.0, 4.0, 0.5], [4.0, 0.1, -1.0], [0.5, -1.0, 5.0]])
defined(
    "aten::linalg_ldl_factor(Tensor self, *, bool hermitian=False) -> (Tensor LD, Tensor pivots)",
    lambda a, hermitian: _infer_factors("linalg_ldl_factor", a, hermitian)[:2],
    lambda a, _: _factors("linalg_ldl_factor", a, True)[:2],
    ((GOOD, False), (_SYMMETRIC, False)),
)
defined(
    "aten::linalg_ldl_factor_ex(Tensor self, *, bool hermitian=False, bool check_errors=False) -> "
    "(Tensor LD, Tensor pivots, Tensor info)",
    lambda a, hermitian, _: _infer_factors("linalg_ldl_factor_ex", a, hermitian),
    lambda a, _, check: _factors("linalg_ldl_factor_ex", a, check),
    ((_SYMMETRIC, False, False),),
)
defined(
    "aten::linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor",
    _infer_solve,
    lambda a, pivots, b, _: _solve(a, pivots, b),
    ((GOOD, given([1, 2, 3], dtypes.i32), f32(3, 2), False),
     (GOOD, given([-3, -3, 3], dtypes.i32), f32(3, 2), False)),
)  # fmt: skip
