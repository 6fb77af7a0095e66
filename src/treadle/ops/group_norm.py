"""Normalisation over groups of channels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.types import TensorType
from treadle.ops.batch_norm import C4, batch_norm, batch_norm_array, check_channels
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.normalization import layer_norm, layer_norm_array
from treadle.ops.samples import f32, f64

Array = np.ndarray[Any, Any]


def _check_groups(x: Any, groups: int, weight: Any, bias: Any) -> None:
    if len(x.shape) < 2:
        raise ShapeError(f"group_norm: input must have at least 2 dims, got {list(x.shape)}")
    check_channels(x, weight=weight, bias=bias)
    if groups < 1 or x.shape[1] % groups:
        raise ShapeError(f"group_norm: {x.shape[1]} channels do not divide into {groups} groups")


def _group_norm(
    x: Array, groups: int, w: Array | None, b: Array | None, eps: float, *_: Any
) -> Array:
    _check_groups(x, groups, w, b)
    rows = x.reshape(x.shape[0], groups, math.prod(x.shape[1:]) // groups)
    y = layer_norm_array(rows, rows.shape[2:], None, None, eps).reshape(x.shape)
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
    _check_groups(emit.type(x), groups, *(None if t is None else emit.type(t) for t in (w, b)))
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
    kinds="f",
)


def _check_instance(x: Any, w: Any, b: Any, mean: Any, var: Any, use_input_stats: bool) -> None:
    check_channels(x, weight=w, bias=b, running_mean=mean, running_var=var)
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
    return batch_norm_array(x, w, b, mean, var, False, momentum, eps)


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
        (f32(2, 4, 3, 5), *C4, False, 0.1, 1e-5, True),
    ),
    kinds="f",
)
