"""Batch normalisation, by running statistics or by those of the batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import DType, u8
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.inplace import written_into
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import bf16, f32
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def check_channels(x: Any, **vectors: Any) -> None:
    """Check that the operand has channels, and every given vector one element for each."""
    if len(x.shape) < 2:
        raise ShapeError(f"batch_norm: input must have at least 2 dims, got {list(x.shape)}")
    for name, value in vectors.items():
        if value is not None and tuple(value.shape) != (x.shape[1],):
            raise ShapeError(
                f"batch_norm: {name} of shape {list(value.shape)} for {x.shape[1]} channels"
            )


def _check_batch_norm(x: Any, w: Any, b: Any, mean: Any, var: Any, training: bool) -> None:
    check_channels(x, weight=w, bias=b, running_mean=mean, running_var=var)
    if training and (mean is not None or var is not None):
        raise UnsupportedError("batch_norm in training mode; call eval() on the model first")
    if not training and (mean is None or var is None):
        raise ShapeError("batch_norm: running_mean and running_var are needed in eval mode")


def _batch_statistics(x: Array) -> tuple[Array, Array]:
    """Mean and variance of each channel."""
    wide = x.astype(accumulation(dtype_of(x)).numpy)
    axes = (0, *range(2, x.ndim))
    count = math.prod(x.shape[axis] for axis in axes)  # means of nothing are NaN
    mean = np.add.reduce(wide, axes, keepdims=True) / count
    centred = wide - mean
    return mean.reshape(-1), np.add.reduce(centred * centred, axes) / count


def batch_norm_array(
    x: Array,
    w: Array | None,
    b: Array | None,
    mean: Any,
    var: Any,
    training: bool,
    momentum: float,
    eps: float,
    *_: Any,
) -> Array:
    """Normalisation by given statistics, one per channel; in training by those of `x`."""
    _check_batch_norm(x, w, b, mean, var, training)
    if training:
        mean, var = _batch_statistics(x)
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
    """``x * scale + shift``, both one number per channel.

    ``scale = w / sqrt(var + eps)``, ``shift = b - mean * scale``.
    """
    if training:
        return _decompose_training(emit, x, w, b, eps)
    scale = emit("rsqrt", emit("add.Scalar", var, eps, 1))
    if w is not None:
        scale = emit("mul.Tensor", scale, w)
    shift = emit("neg", emit("mul.Tensor", mean, scale))
    if b is not None:
        shift = emit("add.Tensor", shift, b, 1)
    return _scale_channels(emit, x, scale, shift)


def _decompose_training(emit: Emitter, x: Any, w: Any, b: Any, eps: float) -> Any:
    """``(x - mean) / sqrt(var + eps) * w + b`` with the statistics of `x`."""
    sizes, dtype = emit.type(x).sizes, emit.type(x).element
    dims = [0, *range(2, len(sizes))]
    shape = [1, sizes[1]] + [1] * (len(sizes) - 2)
    var, mean = emit("var_mean.correction", x, dims, 0, True)
    scale = emit("rsqrt", emit("add.Scalar", var, eps, 1))
    y = emit("mul.Tensor", emit("sub.Tensor", x, mean, 1), scale)
    if w is not None:
        y = emit("mul.Tensor", y, emit("view", w, shape))
    if b is not None:
        y = emit("add.Tensor", y, emit("view", b, shape), 1)
    return _as(emit, y, dtype)


def _as(emit: Emitter, y: Any, dtype: DType) -> Any:
    if emit.type(y).element == dtype:
        return y
    return emit("to.dtype", y, dtype.code, False, False, None)


def _scale_channels(emit: Emitter, x: Any, scale: Any, shift: Any) -> Any:
    sizes, dtype = emit.type(x).sizes, emit.type(x).element
    shape = [1, sizes[1]] + [1] * (len(sizes) - 2)
    y = emit("mul.Tensor", x, emit("view", scale, shape))
    y = emit("add.Tensor", y, emit("view", shift, shape), 1)
    return _as(emit, y, dtype)


C4 = (f32(4), f32(4), f32(4), f32(4, low=0.5, high=2.0))

batch_norm = op(
    "aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) "
    "-> Tensor",
    reference=batch_norm_array,
    infer=_infer_batch_norm,
    lower=Decompose(_decompose_batch_norm),
    samples=(
        (f32(2, 4, 3, 5), *C4, False, 0.1, 1e-5, True),
        (f32(2, 4), *C4, False, 0.1, 1e-3, True),
        (f32(1, 4, 1), None, None, *C4[2:], False, 0.1, 1e-5, True),
        (f32(0, 4, 2, 2), *C4, False, 0.1, 1e-5, False),
        (f32(3, 4, 5), *C4[:2], None, None, True, 0.1, 1e-5, True),
        (f32(3, 4), None, None, None, None, True, 0.1, 1e-5, False),
    ),
    kinds="f",
)


# --- forms that also give the statistics --------------------------------------------------------


def _native(
    x: Array, w: Any, b: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float
) -> tuple[Array, Array, Array]:
    """The norm; in training also mean and inverse deviation, and running statistics move on."""
    check_channels(x, weight=w, bias=b, running_mean=mean, running_var=var)
    dtype = dtype_of(x if w is None else w).numpy
    if not training:
        empty = np.empty(0, dtype)
        y = batch_norm_array(x, w, b, mean, var, False, momentum, eps)
        return y, empty, empty.copy()
    y = batch_norm_array(x, w, b, None, None, True, momentum, eps)
    found, spread = _batch_statistics(x)
    count = x.size // max(x.shape[1], 1)
    unbiased = spread * (np.float64(count) / (count - 1))
    for running, value in ((mean, found), (var, unbiased)):
        if running is not None:
            moved = (1 - momentum) * running.astype(found.dtype) + momentum * value
            written_into("native_batch_norm", running, moved)
    return y, found.astype(dtype), (1 / np.sqrt(spread + eps)).astype(dtype)


def _infer_native(
    x: TensorType, w: Any, b: Any, mean: Any, var: Any, training: bool, *_: Any
) -> tuple[TensorType, TensorType, TensorType]:
    check_channels(x, weight=w, bias=b, running_mean=mean, running_var=var)
    dtype = x.element if w is None else w.element
    statistic = tensor(dtype, (x.sizes[1],) if training else (0,))
    return x, statistic, statistic


def _without_statistics(
    x: Array, w: Any, b: Any, training: bool, momentum: float, eps: float
) -> tuple[Array, Array, Array]:
    return _native(x, w, b, None, None, True, momentum, eps)


def _infer_without_statistics(x: TensorType, w: Any, b: Any, *_: Any) -> tuple[TensorType, ...]:
    return _infer_native(x, w, b, None, None, True)


_EVALUATED = (f32(2, 4, 3, 5), *C4, False, 0.1, 1e-5)
_TRAINED = ((f32(2, 4, 3, 5), *C4, True, 0.1, 1e-5), (f32(5, 4), *C4, True, 0.5, 1e-3))
op(
    "aten::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)",
    reference=_native,
    infer=_infer_native,
    pure=False,
    samples=(_EVALUATED, *_TRAINED),
    kinds="f",
)
op(
    "aten::_native_batch_norm_legit(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) "
    "running_mean, Tensor(b!) running_var, bool training, float momentum, float eps) -> (Tensor, "
    "Tensor, Tensor)",
    reference=_native,
    infer=_infer_native,
    samples=(_EVALUATED, *_TRAINED),
    kinds="f",
)
op(
    "aten::_native_batch_norm_legit.no_stats(Tensor input, Tensor? weight, Tensor? bias, bool "
    "training, float momentum, float eps) -> (Tensor, Tensor, Tensor)",
    reference=_without_statistics,
    infer=_infer_without_statistics,
    samples=(
        (f32(2, 4, 3), f32(4), f32(4), True, 0.1, 1e-5),
        (bf16(3, 2, 5), None, None, True, 0.1, 1e-5),
    ),
    kinds="f",
)
op(
    "aten::_batch_norm_with_update(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) "
    "running_mean, Tensor(b!) running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor, "
    "Tensor)",
    reference=lambda x, w, b, mean, var, momentum, eps: (
        *_native(x, w, b, mean, var, True, momentum, eps),
        np.empty(0, np.uint8),
    ),
    infer=lambda *args: (*_infer_native(*args[:5], True), tensor(u8, (0,))),
    samples=tuple((*s[:5], *s[6:]) for s in _TRAINED),
    kinds="f",
)
