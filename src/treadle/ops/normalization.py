"""Normalisation over rows, channels and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import add, call, cast, const, div, mul, sub
from treadle.ops.lowering import Decompose, Emitter, RowBuilder, Rows
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f16, f32, f64
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


# --- layer norm ---------------------------------------------------------------------------------


def _check_normalized(x: Any, normalized: Sequence[int], *affine: Any) -> None:
    n = len(normalized)
    if n == 0 or tuple(x.shape[-n:]) != tuple(normalized) or len(x.shape) < n:
        raise ShapeError(
            f"layer_norm: input of shape {list(x.shape)} does not end in {list(normalized)}"
        )
    for name, value in zip(("weight", "bias"), affine, strict=True):
        if value is not None and tuple(value.shape) != tuple(normalized):
            raise ShapeError(
                f"layer_norm: {name} of shape {list(value.shape)}; allowed: {list(normalized)}"
            )


def layer_norm_array(
    x: Array,
    normalized: Sequence[int],
    weight: Array | None,
    bias: Array | None,
    eps: float,
    *_: Any,
) -> Array:
    """The normalisation of the trailing dims `normalized`."""
    _check_normalized(x, normalized, weight, bias)
    wide = x.astype(accumulation(dtype_of(x)).numpy)
    axes = tuple(range(x.ndim - len(normalized), x.ndim))
    centred = wide - wide.mean(axis=axes, keepdims=True)
    y = centred / np.sqrt((centred * centred).mean(axis=axes, keepdims=True) + eps)
    if weight is not None:
        y = y * weight.astype(wide.dtype)
    if bias is not None:
        y = y + bias.astype(wide.dtype)
    return np.asarray(y.astype(x.dtype))


def _infer_layer_norm(
    x: TensorType, normalized: Sequence[int], weight: Any, bias: Any, *_: Any
) -> TensorType:
    _check_normalized(x, normalized, weight, bias)
    return x


def _layer_dims(
    result: TensorType, x: TensorType, normalized: Sequence[int], *_: Any
) -> tuple[int, ...]:
    return tuple(range(len(x.sizes) - len(normalized), len(x.sizes)))


def _layer_norm_rows(
    rows: RowBuilder,
    result: TensorType,
    x: Any,
    normalized: Any,
    weight: Any,
    bias: Any,
    eps: float,
    *_: Any,
) -> Any:
    compute = accumulation(result.element)
    x, count = cast(x, compute), cast(rows.count(), compute)
    centred = sub(x, div(rows.reduce("sum", x), count))
    variance = div(rows.reduce("sum", mul(centred, centred)), count)
    scale = div(const(1, compute), call("sqrt", add(variance, const(eps, compute))))
    y = mul(centred, scale)
    if weight is not None:
        y = mul(y, cast(weight, compute))
    if bias is not None:
        y = add(y, cast(bias, compute))
    return cast(y, result.element)


layer_norm = op(
    "aten::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? "
    "bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor",
    reference=layer_norm_array,
    infer=_infer_layer_norm,
    lower=Rows(_layer_dims, _layer_norm_rows, reduces=False),
    samples=(
        (f32(2, 3, 16), [16], f32(16), f32(16), 1e-5, True),
        (f32(3, 4, 5), [4, 5], f32(4, 5), None, 1e-5, True),
        (f32(7), [7], None, None, 1e-3, True),
        (f32(0, 3), [3], f32(3), f32(3), 1e-5, True),
        (f64(2, 9), [9], f64(9), f64(9), 1e-12, True),
        (f32(5, 7, layout="transposed"), [7], None, f32(7), 1e-5, True),
        (f16(2, 8), [8], f16(8), f16(8), 1e-5, True),
    ),
    kinds="f",
)


# --- forms that also give the statistics --------------------------------------------------------


def _native_layer_norm(
    x: Array, normalized: Sequence[int], w: Any, b: Any, eps: float
) -> tuple[Array, ...]:
    y = layer_norm_array(x, normalized, w, b, eps)
    axes = tuple(range(x.ndim - len(normalized), x.ndim))
    wide = x.astype(accumulation(dtype_of(x)).numpy)
    mean = wide.mean(axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(np.square(wide - mean).mean(axis=axes, keepdims=True) + eps)
    return y, mean.astype(x.dtype), rstd.astype(x.dtype)


def _infer_native_layer_norm(
    x: TensorType, normalized: Sequence[int], w: Any, b: Any, eps: float
) -> tuple[TensorType, ...]:
    _check_normalized(x, normalized, w, b)
    lead = len(x.sizes) - len(normalized)
    row = tensor(x.element, (*x.sizes[:lead], *[1] * len(normalized)))
    return x, row, row


def _decompose_native_layer_norm(
    emit: Emitter, x: Any, normalized: Sequence[int], w: Any, b: Any, eps: float
) -> tuple[Any, Any, Any]:
    rank = len(emit.type(x).sizes)
    dims = list(range(rank - len(normalized), rank))
    variance, mean = emit("var_mean.correction", x, dims, 0, True)
    rstd = emit("rsqrt", emit("add.Scalar", variance, eps, 1))
    return emit(layer_norm, x, list(normalized), w, b, eps, True), mean, rstd


native_layer_norm = op(
    "aten::native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, "
    "Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)",
    reference=_native_layer_norm,
    infer=_infer_native_layer_norm,
    lower=Decompose(_decompose_native_layer_norm),
    samples=((f32(2, 3, 16), [16], f32(16), f32(16), 1e-5), (f64(3, 4), [3, 4], None, None, 1e-5)),
    kinds="f",
)


# --- root mean square ---------------------------------------------------------------------------


def _rms_norm(x: Array, normalized: Sequence[int], w: Array | None, eps: float | None) -> Array:
    _check_normalized(x, normalized, w, None)
    wide = x.astype(accumulation(dtype_of(x)).numpy)
    axes = tuple(range(x.ndim - len(normalized), x.ndim))
    small = float(np.finfo(wide.dtype).eps) if eps is None else eps
    y = wide / np.sqrt((wide * wide).mean(axis=axes, keepdims=True) + small)
    return np.asarray(y if w is None else y * w).astype(x.dtype)


def _infer_rms_norm(
    x: TensorType, normalized: Sequence[int], w: Any, eps: float | None
) -> TensorType:
    _check_normalized(x, normalized, w, None)
    return x


def _rms_norm_rows(
    rows: RowBuilder, result: TensorType, x: Any, normalized: Any, w: Any, eps: float | None
) -> Any:
    compute = accumulation(result.element)
    x = cast(x, compute)
    small = float(np.finfo(compute.numpy).eps) if eps is None else eps
    mean = div(rows.reduce("sum", mul(x, x)), cast(rows.count(), compute))
    y = mul(x, div(const(1, compute), call("sqrt", add(mean, const(small, compute)))))
    return cast(y if w is None else mul(y, cast(w, compute)), result.element)


rms_norm = op(
    "aten::rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? "
    "eps=None) -> Tensor",
    reference=_rms_norm,
    infer=_infer_rms_norm,
    lower=Rows(_layer_dims, _rms_norm_rows, reduces=False),
    samples=(
        (f32(2, 3, 16), [16], f32(16), 1e-5),
        (f32(3, 4), [3, 4], None, None),
        (f64(5, 7), [7], f64(7), 1e-6),
    ),
    kinds="fc",
)
