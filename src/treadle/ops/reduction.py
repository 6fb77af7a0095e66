"""Reductions over dims: sums, means, extrema, variance, norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import cast, div
from treadle.ops.lowering import RowBuilder, Rows
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f16, f32, f64
from treadle.ops.shapes import dtype_from_code, reduced_shape, tensor, wrap_dims

Array = np.ndarray[Any, Any]


def mean_dtype(x: Any, code: int | None) -> DType:
    """The dtype of a mean: `code` or that of `x`, which must be floating.

    Raises:
        ShapeError: for integers.
    """
    dtype = dtype_from_code("mean", code, dtype_of(x))
    if not (dtype.is_floating or dtype.is_complex):
        raise ShapeError(f"mean: the result must be floating, got {dtype}; give dtype")
    return dtype


def _mean_rows(rows: RowBuilder, result: TensorType, x: Any, *_: Any) -> Any:
    compute = accumulation(result.element)
    total = rows.reduce("sum", cast(x, compute))
    return cast(div(total, cast(rows.count(), compute)), result.element)


def _dims_given(result: TensorType, x: TensorType, dim: Any, *_: Any) -> tuple[int, ...]:
    return wrap_dims("reduction", dim, len(x.sizes))


def _mean(x: Array, dim: Any, keepdim: bool, dtype: int | None) -> Array:
    final = mean_dtype(x, dtype)
    dims = wrap_dims("mean", dim, x.ndim)
    with np.errstate(all="ignore"):
        wide = x.astype(accumulation(final).numpy)
        count = np.prod([x.shape[d] for d in dims], dtype=np.float64)
        total = np.asarray(np.sum(wide, axis=dims, keepdims=keepdim, dtype=wide.dtype))
        return np.asarray(total / count.astype(wide.dtype)).astype(final.numpy)


def _infer_mean(x: TensorType, dim: Any, keepdim: bool, dtype: int | None) -> TensorType:
    dims = wrap_dims("mean", dim, len(x.sizes))
    return tensor(mean_dtype(x, dtype), reduced_shape(x.sizes, dims, keepdim))


mean_dim = op(
    "aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? "
    "dtype=None) -> Tensor",
    reference=_mean,
    infer=_infer_mean,
    lower=Rows(_dims_given, _mean_rows, reduces=True),
    samples=(
        (f32(2, 3, 4, 5), [2, 3], False, None),
        (f32(2, 3), [0], True, None),
        (f32(7, 33), [-1], False, None),
        (f32(), [0], False, None),
        (f32(4, 0, 3), [0], False, None),
        (f32(3, 5, layout="transposed"), None, False, None),
        (f64(3, 1, 5), [0, 2], True, 6),
        (f16(3, 5), [1], False, None),
    ),
)
