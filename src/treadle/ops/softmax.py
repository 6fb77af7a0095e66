"""Softmax and its variants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import call, cast, compare, const, div, mul, select, sub
from treadle.ops.lowering import RowBuilder, Rows
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import bf16, f16, f32, f64, given, i64
from treadle.ops.shapes import dtype_from_code, tensor, wrap_dim

Array = np.ndarray[Any, Any]


# --- softmax ------------------------------------------------------------------------------------


def _softmax_dtype(x: Any, code: int | None) -> DType:
    dtype = dtype_from_code("softmax", code, dtype_of(x))
    if not dtype.is_floating:
        raise ShapeError(f"softmax: input must be floating, got {dtype}; give dtype")
    return dtype


def _softmax(x: Array, dim: int, dtype: int | None) -> Array:
    final = _softmax_dtype(x, dtype)
    axis = wrap_dim("softmax", dim, x.ndim)
    if x.ndim == 0:
        return np.asarray(_softmax(x.reshape(1), 0, dtype).reshape(()))
    wide = x.astype(accumulation(final).numpy)
    e = np.exp(wide - np.max(wide, axis=axis, keepdims=True, initial=-np.inf))
    return np.asarray((e / np.sum(e, axis=axis, keepdims=True)).astype(final.numpy))


def _infer_softmax(x: TensorType, dim: int, dtype: int | None) -> TensorType:
    wrap_dim("softmax", dim, len(x.sizes))
    return tensor(_softmax_dtype(x, dtype), x.sizes)


def _one_dim(result: TensorType, x: TensorType, dim: int, *_: Any) -> tuple[int, ...]:
    return (wrap_dim("softmax", dim, len(x.sizes)),) if x.sizes else ()


def _softmax_rows(rows: RowBuilder, result: TensorType, x: Any, *_: Any) -> Any:
    compute = accumulation(result.element)
    x = cast(x, compute)
    e = call("exp", sub(x, rows.reduce("max", x)))
    return cast(mul(e, call("reciprocal", rows.reduce("sum", e))), result.element)


_ROWS = (
    (f32(3, 7), -1, None), (f32(2, 3, 5), 1, None), (f32(4, 33, high=5.0), 0, None),
    (f32(), 0, None), (f32(0, 3), 1, None), (f32(3, 0), 1, None), (f64(2, 9), -1, None),
    (f32(3, 5, layout="transposed"), 1, None), (f16(2, 5), 1, None), (bf16(2, 5), 1, 6),
    (i64(2, 3), 1, 6),
)  # fmt: skip

softmax = op(
    "aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
    reference=_softmax,
    infer=_infer_softmax,
    lower=Rows(_one_dim, _softmax_rows, reduces=False),
    samples=_ROWS,
)


# --- other softmaxes ----------------------------------------------------------------------------


def _log_softmax(x: Array, dim: int, dtype: int | None) -> Array:
    final = _softmax_dtype(x, dtype)
    axis = wrap_dim("log_softmax", dim, x.ndim)
    if x.ndim == 0:
        return np.asarray(_log_softmax(x.reshape(1), 0, dtype).reshape(()))
    wide = x.astype(accumulation(final).numpy)
    low = wide - np.max(wide, axis=axis, keepdims=True, initial=-np.inf)
    return np.asarray(low - np.log(np.sum(np.exp(low), axis=axis, keepdims=True))).astype(
        final.numpy
    )


def _log_softmax_rows(rows: RowBuilder, result: TensorType, x: Any, *_: Any) -> Any:
    compute = accumulation(result.element)
    x = cast(x, compute)
    low = sub(x, rows.reduce("max", x))
    return cast(sub(low, call("log", rows.reduce("sum", call("exp", low)))), result.element)


def _safe_softmax(x: Array, dim: int, dtype: int | None) -> Array:
    axis = wrap_dim("_safe_softmax", dim, x.ndim)
    hidden = np.all(np.isneginf(x.astype(np.float64)), axis=axis, keepdims=True)
    plain = _softmax(x, dim, dtype)
    return np.where(hidden, plain.dtype.type(0), plain)


def _safe_softmax_rows(rows: RowBuilder, result: TensorType, x: Any, *_: Any) -> Any:
    """Zeros where the whole row is -inf."""
    compute = accumulation(result.element)
    x, low = cast(x, compute), const(-math.inf, compute)
    top = rows.reduce("max", x)
    hidden = compare("eq", top, low)
    zero, one = const(0, compute), const(1, compute)
    e = call("exp", sub(x, select(hidden, zero, top)))
    return cast(div(e, select(hidden, one, rows.reduce("sum", e))), result.element)


def _without_dtype(function: Any) -> Any:
    """`function` with half_to_float in place of dtype."""
    return lambda x, dim, half_to_float: function(x, dim, 6 if half_to_float else None)


_PLAIN_ROWS = ((f32(3, 7), -1, False), (f32(2, 3, 5), 1, False), (f64(), 0, False))
log_softmax = op(
    "aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
    reference=_log_softmax,
    infer=_infer_softmax,
    lower=Rows(_one_dim, _log_softmax_rows, reduces=False),
    samples=_ROWS,
)
inner_softmax = op(
    "aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor",
    reference=_without_dtype(_softmax),
    infer=_without_dtype(_infer_softmax),
    lower=Rows(_one_dim, _softmax_rows, reduces=False),
    samples=_PLAIN_ROWS,
)
inner_log_softmax = op(
    "aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor",
    reference=_without_dtype(_log_softmax),
    infer=_without_dtype(_infer_softmax),
    lower=Rows(_one_dim, _log_softmax_rows, reduces=False),
    samples=_PLAIN_ROWS,
)
safe_softmax = op(
    "aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
    reference=_safe_softmax,
    infer=_infer_softmax,
    lower=Rows(_one_dim, _safe_softmax_rows, reduces=False),
    samples=(
        (f32(3, 7), -1, None),
        (given([[1.0, -math.inf], [-math.inf, -math.inf]]), 1, None),
        (f64(2, 3), 0, None),
    ),
)
