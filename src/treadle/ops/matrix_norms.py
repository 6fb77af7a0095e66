"""Norms of matrices, and of anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir.types import TensorType
from treadle.ops import routines
from treadle.ops.composite import Operand, composite, renamed
from treadle.ops.lapack import TALL, TOLERANCE, Array, defined, matrix, real
from treadle.ops.samples import f32
from treadle.ops.shapes import tensor, wrap_dim


def _infer_number(a: TensorType, *_: Any) -> TensorType:
    matrix("linalg_svdvals", a)
    return tensor(real(a), a.sizes[:-2])


def _of_singular_values(a: Array, what: str) -> Array:
    """Largest, least, sum, or quotient of those two; the values are in descending order."""
    values = routines.svdvals(a)
    if what == "nuc" or (what == "2" and not values.shape[-1]):
        return np.asarray(np.add.reduce(values, -1))
    if not values.shape[-1]:
        raise IndexOutOfRange(f"linalg_matrix_norm: no singular values in {list(a.shape)}")
    largest, least = values[..., 0], values[..., -1]
    if what in ("2", "-2"):
        return np.asarray(largest if what == "2" else least)
    return np.asarray(largest / least if what == "cond" else least / largest)


defined(
    "treadle::of_singular_values(Tensor self, str what) -> Tensor",
    _infer_number,
    _of_singular_values,
    tuple((TALL, what) for what in ("2", "-2", "nuc", "cond", "-cond")),
)


def _matrix_norm(
    x: Operand, order: float | str, dims: Sequence[int], keepdim: bool, dtype: int | None
) -> Any:
    """By sums and maxima; ``2`` and ``nuc`` by singular values."""
    x = x if dtype is None else x.op("to.dtype", dtype)
    shape = x.shape
    rank = len(shape)
    if len(dims) != 2 or rank < 2:
        raise ShapeError(f"linalg_matrix_norm: dims {list(dims)} of {list(x.shape)}")
    row, column = (wrap_dim("linalg_matrix_norm", d, rank) for d in dims)
    if order == "fro":
        return x.op("linalg_vector_norm", 2, [row, column], keepdim)
    if order in ("nuc", 2, -2):
        if (row, column) != (rank - 2, rank - 1):
            x = x.op("movedim.intlist", [row, column], [-2, -1])
        y = x.op("of_singular_values", str(order))
        kept = (1 if d in (row, column) else int(s) for d, s in enumerate(shape))
        return y.reshape(*kept) if keepdim else y
    if order not in (1, -1, math.inf, -math.inf):
        raise ShapeError(f"linalg_matrix_norm: ord {order!r}; allowed: fro, nuc, ±1, ±2, ±inf")
    summed, over = (row, column) if abs(float(order)) == 1 else (column, row)
    sums = abs(x).op("sum.dim_IntList", [summed], True)
    if float(order) > 0 and not sums.shape[over]:
        return abs(x).sum(row, column, keepdim=keepdim)
    y = sums.op("amax" if float(order) > 0 else "amin", [over], True)
    return y if keepdim else y.op("squeeze.dims", [row, column])


_TAIL = "int[] dim=[-2, -1], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
composite(
    f"aten::linalg_matrix_norm(Tensor self, Scalar ord, {_TAIL}",
    _matrix_norm,
    samples=tuple(
        (f32(2, 3, 4), p, [-2, -1], k, None) for p in (1, -1, math.inf) for k in (False, True)
    ),
    tolerance=TOLERANCE,
    kinds="fc",
)
composite(
    f'aten::linalg_matrix_norm.str_ord(Tensor self, str ord="fro", {_TAIL}',
    _matrix_norm,
    samples=((f32(2, 3, 4), "fro", [-2, -1], False, None), (f32(3, 4), "fro", [0, 1], True, None)),
    tolerance=TOLERANCE,
    kinds="fc",
)


def _any_norm(
    x: Operand, order: Any, dim: Sequence[int] | None, keepdim: bool, dtype: int | None
) -> Any:
    if order is None:
        return x.op("linalg_vector_norm", 2, None if dim is None else list(dim), keepdim, dtype)
    dims = list(range(len(x.shape)) if dim is None else dim)
    if len(dims) == 2:
        return _matrix_norm(x, order, dims, keepdim, dtype)
    if isinstance(order, str):
        raise ShapeError(f"linalg_norm: ord {order!r} needs 2 dims, got {len(dims)}")
    return x.op("linalg_vector_norm", order, dims, keepdim, dtype)


_TAIL = "int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
composite(
    f"aten::linalg_norm(Tensor self, Scalar? ord=None, {_TAIL}",
    _any_norm,
    samples=(
        (f32(3, 4), None, None, False, None),
        (f32(3, 4), 1, None, False, None),
        (f32(3, 4), 3.0, [1], True, None),
        (f32(3, 4, 2), math.inf, [0, 1], False, None),
    ),
    tolerance=TOLERANCE,
    kinds="fc",
)
composite(
    f"aten::linalg_norm.ord_str(Tensor self, str ord, {_TAIL}",
    _any_norm,
    samples=((f32(3, 4), "fro", None, False, None),),
    tolerance=TOLERANCE,
    kinds="fc",
)
composite(
    "aten::frobenius_norm.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor",
    lambda x, dim, keepdim: x.op("linalg_vector_norm", 2, list(dim), keepdim),
    samples=((f32(3, 4), [0, 1], False), (f32(3, 4), [1], True)),
    tolerance=TOLERANCE,
)
composite(
    "aten::nuclear_norm(Tensor self, bool keepdim=False) -> Tensor",
    lambda x, keepdim: _matrix_norm(x, "nuc", [-2, -1], keepdim, None),
    samples=((f32(3, 4), False), (f32(3, 2), True)),
    tolerance=TOLERANCE,
    planned=False,
)
composite(
    "aten::nuclear_norm.dim(Tensor self, int[2] dim, bool keepdim=False) -> Tensor",
    lambda x, dim, keepdim: _matrix_norm(x, "nuc", dim, keepdim, None),
    samples=((f32(3, 4, 2), [0, 2], False),),
    tolerance=TOLERANCE,
    planned=False,
)
renamed("matmul", "linalg_matmul")
