"""Powers, larger and smaller of two, clamping."""

from __future__ import annotations

import math
from typing import Any

from treadle.errors import InputError, ShapeError
from treadle.ir import dtypes
from treadle.ir.loops import Const
from treadle.ops.arithmetic import PAIRS
from treadle.ops.inplace import inplace, into
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.samples import SPECIAL, f16, f32, f64, given, i64
from treadle.ops.scalar_math import Element

_POWERS = (
    (f32(2, 3, low=0.1, high=3.0), f32(3)),
    (f32(5), i64(5, low=-3, high=4)),
    (i64(4), i64(4, low=0, high=4)),
    (i64(6, low=-2, high=3), i64(6, low=-3, high=4)),
    (f64(3, low=0.0, high=2.0), f64(3)),
    (f32(0), f32(1)),
    (SPECIAL, f32()),
    (f16(3), f16(3)),
)
pow_ = pointwise(
    "aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor",
    lambda f, a, b: f.pow(a, b),
    samples=_POWERS,
    kinds="ifc",
)


def _power(f: Any, a: Any, b: Any) -> Any:
    exponent: Any = b.expr if isinstance(b, Element) else b
    number = exponent.value if isinstance(exponent, Const) else exponent
    if not (f.dtype(a).is_floating or f.dtype(a).is_complex) and number < 0:
        raise ShapeError(f"pow: integers to the negative power {number} are no integers")
    return f.pow(a, b)


pow_scalar = pointwise(
    "aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor",
    _power,
    samples=(
        (f32(2, 3), 2),
        (f32(3), -1),
        (f32(4, low=0.0, high=5.0), 0.5),
        (f32(4, low=0.0, high=5.0), 2.5),
        (i64(5), 3),
        (i64(3), 0.5),
        (f32(), 0),
        (SPECIAL, 3),
    ),
)
pow_of = pointwise(
    "aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor",
    lambda f, a, b: f.pow(a, b),
    operands=(0, 1),
    samples=((2, f32(3)), (1.5, i64(4)), (2, i64(4, low=0, high=9))),
)
maximum = pointwise(
    "aten::maximum(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: f.maximum(a, b),
    samples=(*PAIRS, (SPECIAL, f32(9)), (f32(9), SPECIAL)),
    kinds="bif",
)
minimum = pointwise(
    "aten::minimum(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: f.minimum(a, b),
    samples=(*PAIRS, (SPECIAL, f32(9)), (f32(9), SPECIAL)),
    kinds="bif",
)
max_other = pointwise(
    "aten::max.other(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: f.maximum(a, b),
    samples=PAIRS[:4],
    kinds="bif",
)
min_other = pointwise(
    "aten::min.other(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: f.minimum(a, b),
    samples=PAIRS[:4],
    kinds="bif",
)
atan2 = pointwise(
    "aten::atan2(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: f.atan2(a, b),
    result=Result.FLOAT,
    samples=PAIRS[:6],
    kinds="bif",
)


def _hypot(f: Any, a: Any, b: Any) -> Any:
    """``sqrt(a * a + b * b)``; by the ratio of both where squares of that dtype may overflow."""
    if f.dtype(a) == dtypes.f32:
        a, b = f.cast(a, dtypes.f64), f.cast(b, dtypes.f64)
        found = f.sqrt(a * a + b * b)
        return f.where((f.abs(a) == math.inf) | (f.abs(b) == math.inf), math.inf, found)
    a, b = f.abs(a), f.abs(b)
    large, small = f.maximum(a, b), f.minimum(a, b)
    ratio = f.where(large == 0, large, small / large)
    found = large * f.sqrt(1.0 + ratio * ratio)
    return f.where((a == math.inf) | (b == math.inf), math.inf, found)


hypot = pointwise(
    "aten::hypot(Tensor self, Tensor other) -> Tensor",
    _hypot,
    samples=(
        *PAIRS[:6],
        (given([3e30, 0.0, math.inf, math.nan]), given([4e30, 0.0, math.nan, 1.0])),
    ),
    kinds="f",
)
inplace(atan2, hypot)
into(atan2)
inplace(pow_, overload="Tensor")
inplace(pow_scalar, overload="Scalar")


def _clamp(f: Any, x: Any, low: Any = None, high: Any = None) -> Any:
    if low is None and high is None:
        raise InputError("clamp: at least one of min and max must not be None")
    x = x if low is None else f.maximum(x, low)
    return x if high is None else f.minimum(x, high)


_BOUNDS = (
    (f32(2, 3), -0.5, 0.5),
    (f32(7), None, 0.2),
    (f32(7), 0.1, None),
    (i64(5), 0, 3),
    (i64(5), 0.5, None),
    (SPECIAL, -1, 1),
    (f16(3), 0, 1),
    (f32(0), 0, 1),
)
_TENSOR_BOUNDS = ((f32(2, 3), f32(3), None), (f32(2, 3), f32(3), f32()), (i64(4), None, i64(4)))
_THREE = (0, 1, 2)
clamp = pointwise(
    "aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor",
    _clamp,
    operands=_THREE,
    samples=_BOUNDS,
    kinds="bif",
)
clamp_tensor = pointwise(
    "aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor",
    _clamp,
    operands=_THREE,
    samples=_TENSOR_BOUNDS,
    kinds="bif",
)
clip = pointwise(
    "aten::clip(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor",
    _clamp,
    operands=_THREE,
    samples=_BOUNDS[:3],
    kinds="bif",
)
clip_tensor = pointwise(
    "aten::clip.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor",
    _clamp,
    operands=_THREE,
    samples=_TENSOR_BOUNDS[:1],
    kinds="bif",
)
clamp_min = pointwise(
    "aten::clamp_min(Tensor self, Scalar min) -> Tensor",
    lambda f, x, low: f.maximum(x, low),
    operands=(0, 1),
    samples=((f32(5), 0.1), (i64(4), 1)),
    kinds="bif",
)
clamp_min_tensor = pointwise(
    "aten::clamp_min.Tensor(Tensor self, Tensor min) -> Tensor",
    lambda f, x, low: f.maximum(x, low),
    samples=((f32(5), f32()),),
    kinds="bif",
)
clamp_max = pointwise(
    "aten::clamp_max(Tensor self, Scalar max) -> Tensor",
    lambda f, x, high: f.minimum(x, high),
    operands=(0, 1),
    samples=((f32(5), 0.1), (i64(4), 1)),
    kinds="bif",
)
clamp_max_tensor = pointwise(
    "aten::clamp_max.Tensor(Tensor self, Tensor max) -> Tensor",
    lambda f, x, high: f.minimum(x, high),
    samples=((f32(5), f32()),),
    kinds="bif",
)
inplace(
    clamp, clamp_tensor, clip, clip_tensor, clamp_min, clamp_min_tensor, clamp_max, clamp_max_tensor
)
