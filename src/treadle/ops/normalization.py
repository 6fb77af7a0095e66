"""Softmax and the normalisations over rows, channels and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import DType
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import add, call, cast, const, div, mul, sub
from treadle.ops.lowering import Decompose, Emitter, RowBuilder, Rows
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import bf16, f16, f32, f64, i64
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
    with np.errstate(all="ignore"):
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
    return cast(div(e, rows.reduce("sum", e)), result.element)


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


def _layer_norm(
    x: Array,
    normalized: Sequence[int],
    weight: Array | None,
    bias: Array | None,
    eps: float,
    *_: Any,
) -> Array:
    _check_normalized(x, normalized, weight, bias)
    wide = x.astype(accumulation(dtype_of(x)).numpy)
    axes = tuple(range(x.ndim - len(normalized), x.ndim))
    with np.errstate(all="ignore"):
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
    reference=_layer_norm,
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
)


# --- batch norm ---------------------------------------------------------------------------------


def _check_channels(x: Any, **vectors: Any) -> None:
    if len(x.shape) < 2:
        raise ShapeError(f"batch_norm: input must have at least 2 dims, got {list(x.shape)}")
    for name, value in vectors.items():
        if value is not None and tuple(value.shape) != (x.shape[1],):
            raise ShapeError(
                f"batch_norm: {name} of shape {list(value.shape)} for {x.shape[1]} channels"
            )


def _check_batch_norm(x: Any, w: Any, b: Any, mean: Any, var: Any, training: bool) -> None:
    _check_channels(x, weight=w, bias=b, running_mean=mean, running_var=var)
    if training:
        raise UnsupportedError("batch_norm in training mode; call eval() on the model first")
    if mean is None or var is None:
        raise ShapeError("batch_norm: running_mean and running_var are needed in eval mode")


def _batch_norm(
    x: Array,
    w: Array | None,
    b: Array | None,
    mean: Array,
    var: Array,
    training: bool,
    momentum: float,
    eps: float,
    *_: Any,
) -> Array:
    _check_batch_norm(x, w, b, mean, var, training)
    compute = accumulation(dtype_of(x)).numpy
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scale = 1 / np.sqrt(var.astype(compute) + eps)
    if w is not None:
        scale = scale * w
    y = (x.astype(compute) - mean.reshape(shape)) * scale.reshape(shape)
    if b is not None:
        y = y + b.reshape(shape)
    return np.asarray(y.astype(x.dtype))


def _infer_batch_norm(
    x: TensorType, w: Any, b: Any, mean: Any, var: Any, training: bool, *_: Any
) -> TensorType:
    _check_batch_norm(x, w, b, mean, var, training)
    return x


def _decompose_batch_norm(
    emit: Emitter,
    x: Any,
    w: Any,
    b: Any,
    mean: Any,
    var: Any,
    training: bool,
    momentum: float,
    eps: float,
    *_: Any,
) -> Any:
    """``x * scale + shift`` with ``scale = w / sqrt(var + eps)`` and ``shift = b - mean * scale``,
    both one number per channel.
    """
    scale = emit("rsqrt", emit("add.Scalar", var, eps, 1))
    if w is not None:
        scale = emit("mul.Tensor", scale, w)
    shift = emit("neg", emit("mul.Tensor", mean, scale))
    if b is not None:
        shift = emit("add.Tensor", shift, b, 1)
    return _scale_channels(emit, x, scale, shift)


def _scale_channels(emit: Emitter, x: Any, scale: Any, shift: Any) -> Any:
    sizes, dtype = emit.type(x).sizes, emit.type(x).element
    shape = [1, sizes[1]] + [1] * (len(sizes) - 2)
    y = emit("mul.Tensor", x, emit("view", scale, shape))
    y = emit("add.Tensor", y, emit("view", shift, shape), 1)
    return (
        y if emit.type(y).element == dtype else emit("to.dtype", y, dtype.code, False, False, None)
    )


_C4 = (f32(4), f32(4), f32(4), f32(4, low=0.5, high=2.0))

batch_norm = op(
    "aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) "
    "-> Tensor",
    reference=_batch_norm,
    infer=_infer_batch_norm,
    lower=Decompose(_decompose_batch_norm),
    samples=(
        (f32(2, 4, 3, 5), *_C4, False, 0.1, 1e-5, True),
        (f32(2, 4), *_C4, False, 0.1, 1e-3, True),
        (f32(1, 4, 1), None, None, *_C4[2:], False, 0.1, 1e-5, True),
        (f32(0, 4, 2, 2), *_C4, False, 0.1, 1e-5, False),
    ),
)
