"""Activation functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import InputError, ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.samples import SPECIAL, bf16, f16, f32, f64, i64
from treadle.ops.shapes import tensor, wrap_dim

_X = (
    (f32(2, 3),), (f32(),), (f32(0, 4),), (f32(1, 17, high=4.0),), (f64(7, high=3.0),),
    (f32(5, 3, high=5.0, layout="transposed"),), (SPECIAL,), (f16(9),), (bf16(3, 3),),
)  # fmt: skip


def _gelu(f: Any, x: Any, approximate: str) -> Any:
    """Source: torch.nn.functional.gelu."""
    if approximate == "none":
        return x * f.normal_cdf(x)
    if approximate != "tanh":
        raise InputError(f"gelu: approximate {approximate!r}; allowed: 'none', 'tanh'")
    return 0.5 * x * (1.0 + f.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def _clip(f: Any, x: Any, low: float, high: float) -> Any:
    return f.minimum(f.maximum(x, low), high)


def _zero_to_six(f: Any, x: Any) -> Any:
    return _clip(f, x + 3.0, 0.0, 6.0)


relu = pointwise(
    "aten::relu(Tensor self) -> Tensor",
    lambda f, x: f.maximum(x, 0),
    samples=(*_X, (i64(4),)),
    kinds="if",
)
gelu = pointwise(
    'aten::gelu(Tensor self, *, str approximate="none") -> Tensor',
    _gelu,
    samples=tuple((*x, a) for x in _X if x[0] is not SPECIAL for a in ("none", "tanh")),
    kinds="f",
)
hardsigmoid = pointwise(
    "aten::hardsigmoid(Tensor self) -> Tensor",
    lambda f, x: _zero_to_six(f, x) / 6.0,
    samples=_X,
    kinds="f",
)
hardswish = pointwise(
    "aten::hardswish(Tensor self) -> Tensor",
    lambda f, x: x * _zero_to_six(f, x) / 6.0,
    samples=_X,
    kinds="f",
)

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _elu(f: Any, x: Any, alpha: float, scale: float, input_scale: float) -> Any:
    negative = f.expm1(x * input_scale) * (alpha * scale)
    return f.where(x > 0, x * scale, negative)


def _celu(f: Any, x: Any, alpha: float) -> Any:
    return f.where(x > 0, x, f.expm1(x / alpha) * alpha)


def _softplus(f: Any, x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    return f.where(x * beta > threshold, x, f.log1p(f.exp(x * beta)) / beta)


def _log_sigmoid(f: Any, x: Any) -> Any:
    return f.minimum(x, 0.0) - f.log1p(f.exp(-f.abs(x)))


def _logit(f: Any, x: Any, eps: float | None) -> Any:
    if eps is not None:
        x = _clip(f, x, eps, 1.0 - eps)
    return f.log(x / (1.0 - x))


def _check_softshrink(x: Any, lambd: float) -> None:
    if not lambd >= 0:
        raise ShapeError(f"softshrink: argument lambd must not be negative, got {lambd}")


def _hardtanh(f: Any, x: Any, low: float, high: float) -> Any:
    """Of integers by integers, as torch casts the bounds."""
    if not f.dtype(x).is_floating:
        low, high = int(low), int(high)
    return _clip(f, x, low, high)


def _plain(*rest: Any) -> tuple[tuple[Any, ...], ...]:
    """The samples with other arguments behind."""
    return tuple((*x, *rest) for x in _X)


def _tame(*rest: Any) -> tuple[tuple[Any, ...], ...]:
    """The same without infinities, which make NaN in torch's own formulas."""
    return tuple((*x, *rest) for x in _X if x[0] is not SPECIAL)


relu6 = pointwise(
    "aten::relu6(Tensor self) -> Tensor",
    lambda f, x: _clip(f, x, 0, 6),
    samples=(*_X, (i64(4),)),
    kinds="if",
)
silu = pointwise(
    "aten::silu(Tensor self) -> Tensor", lambda f, x: x * f.sigmoid(x), samples=_tame(), kinds="fc"
)
mish = pointwise(
    "aten::mish(Tensor self) -> Tensor",
    lambda f, x: x * f.tanh(_softplus(f, x)),
    samples=_tame(),
    kinds="f",
)
leaky_relu = pointwise(
    "aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor",
    lambda f, x, slope: f.where(x > 0, x, x * slope),
    samples=_plain(0.01),
    kinds="f",
)
prelu_kernel = pointwise(
    "aten::_prelu_kernel(Tensor self, Tensor weight) -> Tensor",
    lambda f, x, weight: f.where(x > 0, x, x * weight),
    samples=((f32(2, 3), f32(1, 3)),),
    kinds="f",
)
hardtanh = pointwise(
    "aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor",
    _hardtanh,
    samples=(*_plain(-1, 1), (f32(3), -0.5, 0.2), (i64(5), -1.5, 2.5)),
    kinds="if",
)
elu = pointwise(
    "aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor",
    _elu,
    samples=(*_plain(1, 1, 1), (f32(5), 0.7, 1.2, 0.9)),
    kinds="f",
)
selu = pointwise(
    "aten::selu(Tensor self) -> Tensor",
    lambda f, x: _elu(f, x, _SELU_ALPHA, _SELU_SCALE, 1.0),
    samples=_X,
    kinds="f",
)
celu = pointwise(
    "aten::celu(Tensor self, Scalar alpha=1.) -> Tensor", _celu, samples=_plain(1.3), kinds="f"
)
softplus = pointwise(
    "aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor",
    _softplus,
    samples=(*_plain(1, 20), (f32(5, high=9.0), 2, 5)),
    kinds="f",
)
log_sigmoid = pointwise(
    "aten::log_sigmoid(Tensor self) -> Tensor", _log_sigmoid, samples=_X, kinds="f"
)
threshold = pointwise(
    "aten::threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor",
    lambda f, x, limit, value: f.where(x <= limit, value, x),
    samples=(*_plain(0.1, 20), (i64(5), 1, 7)),
    kinds="if",
)
hardshrink = pointwise(
    "aten::hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor",
    lambda f, x, lambd: f.where((x >= -lambd) & (x <= lambd), 0.0, x),
    samples=_plain(0.5),
    kinds="f",
)
softshrink = pointwise(
    "aten::softshrink(Tensor self, Scalar lambd=0.5) -> Tensor",
    lambda f, x, lambd: f.where(x > lambd, x - lambd, f.where(x < -lambd, x + lambd, x * 0.0)),
    check=_check_softshrink,
    samples=_tame(0.5),
    kinds="f",
)
logit = pointwise(
    "aten::logit(Tensor self, float? eps=None) -> Tensor",
    _logit,
    result=Result.FLOAT,
    samples=((f32(5, low=0.0, high=1.0), None), (f32(5), 0.1)),
    kinds="bif",
)

inplace(
    relu,
    hardsigmoid,
    hardswish,
    relu6,
    silu,
    mish,
    leaky_relu,
    hardtanh,
    elu,
    selu,
    celu,
    threshold,
    logit,
)
inplace(gelu)


# --- with rules of their own --------------------------------------------------------------------


def _gates(x: Any, dim: int) -> tuple[int, int]:
    axis = wrap_dim("glu", dim, len(x.shape))
    if not x.shape or x.shape[axis] % 2:
        raise ShapeError(f"glu: dim {dim} of {list(x.shape)} must have an even size")
    return axis, x.shape[axis] // 2


def _glu(x: np.ndarray[Any, Any], dim: int) -> np.ndarray[Any, Any]:
    axis, _ = _gates(x, dim)
    a, b = np.split(x.astype(np.float64), 2, axis)
    return np.asarray(a / (1 + np.exp(-b))).astype(x.dtype)


def _infer_glu(x: TensorType, dim: int) -> TensorType:
    axis, half = _gates(x, dim)
    return tensor(x.element, (*x.sizes[:axis], half, *x.sizes[axis + 1 :]))


def _decompose_glu(emit: Emitter, x: Any, dim: int) -> Any:
    _, half = _gates(emit.type(x), dim)
    gate = emit("sigmoid", emit("narrow", x, dim, half, half))
    return emit("mul.Tensor", emit("narrow", x, dim, 0, half), gate)


glu = op(
    "aten::glu(Tensor self, int dim=-1) -> Tensor",
    reference=_glu,
    infer=_infer_glu,
    lower=Decompose(_decompose_glu),
    samples=((f32(2, 6), -1), (f32(4, 3, 2), 0), (f64(3, 2), 1)),
    kinds="f",
)


def _channel_shape(x: Any, weight: Any) -> list[int]:
    count, channels = int(np.prod(weight.shape)), x.shape[1] if len(x.shape) > 1 else 1
    if len(weight.shape) > 1:
        raise ShapeError(f"prelu: weight must have at most 1 dim, got {list(weight.shape)}")
    if count not in (1, channels):
        raise ShapeError(f"prelu: {count} weights for {channels} channels; allowed: 1 or as many")
    return [1, count, *[1] * (len(x.shape) - 2)] if len(x.shape) > 1 else [1] * len(x.shape)


def _prelu(x: Any, weight: Any) -> Any:
    assert prelu_kernel.reference is not None
    return prelu_kernel.reference(x, weight.reshape(_channel_shape(x, weight)))


def _infer_prelu(x: TensorType, weight: TensorType) -> TensorType:
    _channel_shape(x, weight)
    return x


def _decompose_prelu(emit: Emitter, x: Any, weight: Any) -> Any:
    shape = _channel_shape(emit.type(x), emit.type(weight))
    return emit(prelu_kernel, x, emit("view", weight, shape))


prelu = op(
    "aten::prelu(Tensor self, Tensor weight) -> Tensor",
    reference=_prelu,
    infer=_infer_prelu,
    lower=Decompose(_decompose_prelu),
    samples=((f32(2, 3, 4), f32(3)), (f32(5), f32(1)), (f32(2, 3), f32(1))),
    kinds="f",
)
