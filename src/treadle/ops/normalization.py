"""Softmax and the normalisations over rows, channels and groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import DType
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import add, call, cast, compare, const, div, mul, select, sub
from treadle.ops.lowering import Decompose, Emitter, RowBuilder, Rows
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
    """``x * scale + shift``, both one number per channel.

    ``scale = w / sqrt(var + eps)``, ``shift = b - mean * scale``.
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


# --- other softmaxes ----------------------------------------------------------------------------


def _log_softmax(x: Array, dim: int, dtype: int | None) -> Array:
    final = _softmax_dtype(x, dtype)
    if x.ndim == 0:
        return np.asarray(_log_softmax(x.reshape(1), 0, dtype).reshape(()))
    axis = wrap_dim("log_softmax", dim, x.ndim)
    wide = x.astype(accumulation(final).numpy)
    with np.errstate(all="ignore"):
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


# --- norms over groups of channels --------------------------------------------------------------


def _check_groups(x: Any, groups: int, weight: Any, bias: Any) -> None:
    _check_channels(x, weight=weight, bias=bias)
    if groups < 1 or x.shape[1] % groups:
        raise ShapeError(f"group_norm: {x.shape[1]} channels do not divide into {groups} groups")


def _group_norm(
    x: Array, groups: int, w: Array | None, b: Array | None, eps: float, *_: Any
) -> Array:
    _check_groups(x, groups, w, b)
    rows = x.reshape(x.shape[0], groups, -1)
    y = _layer_norm(rows, rows.shape[2:], None, None, eps).reshape(x.shape)
    return _affine(y, w, b)


def _affine(y: Array, w: Array | None, b: Array | None) -> Array:
    shape = (1, -1) + (1,) * (y.ndim - 2)
    scaled = y if w is None else y * w.reshape(shape)
    return np.asarray(scaled if b is None else scaled + b.reshape(shape)).astype(y.dtype)


def _infer_group_norm(x: TensorType, groups: int, w: Any, b: Any, *_: Any) -> TensorType:
    _check_groups(x, groups, w, b)
    return x


def _decompose_group_norm(
    emit: Emitter, x: Any, groups: int, w: Any, b: Any, eps: float, *_: Any
) -> Any:
    """A layer norm over each group, then one scale and shift per channel."""
    sizes = emit.type(x).sizes
    each = math.prod(sizes[1:]) // groups
    rows = emit("reshape", x, [sizes[0], groups, each])
    y = emit("view", emit(layer_norm, rows, [each], None, None, eps, True), list(sizes))
    shape = [1, sizes[1], *[1] * (len(sizes) - 2)]
    if w is not None:
        y = emit("mul.Tensor", y, emit("view", w, shape))
    return y if b is None else emit("add.Tensor", y, emit("view", b, shape), 1)


group_norm = op(
    "aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? "
    "bias=None, float eps=1.0000000000000001e-05, bool cudnn_enabled=True) -> Tensor",
    reference=_group_norm,
    infer=_infer_group_norm,
    lower=Decompose(_decompose_group_norm),
    samples=(
        (f32(2, 6, 3, 5), 3, f32(6), f32(6), 1e-5, True),
        (f32(2, 4), 2, None, None, 1e-5, True),
        (f64(1, 4, 7), 1, f64(4), None, 1e-3, True),
    ),
)


def _check_instance(x: Any, w: Any, b: Any, mean: Any, var: Any, use_input_stats: bool) -> None:
    _check_channels(x, weight=w, bias=b, running_mean=mean, running_var=var)
    if use_input_stats and mean is not None:
        raise UnsupportedError("instance_norm that updates its statistics; call eval() first")


def _instance_norm(
    x: Array,
    w: Any,
    b: Any,
    mean: Any,
    var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    *_: Any,
) -> Array:
    _check_instance(x, w, b, mean, var, use_input_stats)
    if use_input_stats:
        return _group_norm(x, x.shape[1], w, b, eps)
    return _batch_norm(x, w, b, mean, var, False, momentum, eps)


def _infer_instance_norm(
    x: TensorType, w: Any, b: Any, mean: Any, var: Any, stats: bool, *_: Any
) -> TensorType:
    _check_instance(x, w, b, mean, var, stats)
    return x


def _decompose_instance_norm(
    emit: Emitter,
    x: Any,
    w: Any,
    b: Any,
    mean: Any,
    var: Any,
    stats: bool,
    momentum: float,
    eps: float,
    *_: Any,
) -> Any:
    if stats:
        return emit(group_norm, x, emit.type(x).sizes[1], w, b, eps, True)
    return emit(batch_norm, x, w, b, mean, var, False, momentum, eps, True)


instance_norm = op(
    "aten::instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? "
    "running_mean, Tensor? running_var, bool use_input_stats, float momentum, float eps, "
    "bool cudnn_enabled) -> Tensor",
    reference=_instance_norm,
    infer=_infer_instance_norm,
    lower=Decompose(_decompose_instance_norm),
    samples=(
        (f32(2, 4, 3, 5), f32(4), f32(4), None, None, True, 0.1, 1e-5, True),
        (f32(2, 4, 6), None, None, None, None, True, 0.1, 1e-5, True),
        (f32(2, 4, 3, 5), *_C4, False, 0.1, 1e-5, True),
    ),
)


# --- forms that also give the statistics --------------------------------------------------------


def _native_layer_norm(
    x: Array, normalized: Sequence[int], w: Any, b: Any, eps: float
) -> tuple[Array, ...]:
    y = _layer_norm(x, normalized, w, b, eps)
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


native_layer_norm = op(
    "aten::native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, "
    "Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)",
    reference=_native_layer_norm,
    infer=_infer_native_layer_norm,
    samples=((f32(2, 3, 16), [16], f32(16), f32(16), 1e-5), (f64(3, 4), [3, 4], None, None, 1e-5)),
)


def _native_batch_norm(x: Array, *args: Any) -> tuple[Array, Array, Array]:
    empty = np.empty(0, x.dtype)
    return _batch_norm(x, *args), empty, empty.copy()


def _infer_native_batch_norm(
    x: TensorType, *args: Any
) -> tuple[TensorType, TensorType, TensorType]:
    empty = tensor(x.element, (0,))
    return _infer_batch_norm(x, *args), empty, empty


native_batch_norm = op(
    "aten::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? "
    "running_mean, Tensor? running_var, bool training, float momentum, float eps) -> "
    "(Tensor, Tensor, Tensor)",
    reference=_native_batch_norm,
    infer=_infer_native_batch_norm,
    samples=((f32(2, 4, 3, 5), *_C4, False, 0.1, 1e-5),),
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
)
