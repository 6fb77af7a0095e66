"""Special functions: gamma, error and Bessel functions, and small helpers beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT, op
from treadle.ops.inplace import inplace
from treadle.ops.pointwise import Body, Result, pointwise
from treadle.ops.promotion import dtype_of, result_dtype
from treadle.ops.samples import SPECIAL, f16, f32, f64, given, i32, i64
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]


def _of_floats(name: str, body: Body, low: float, high: float, *, half: bool = True) -> Any:
    """A function of one number into floats."""
    return pointwise(
        f"aten::{name}(Tensor self) -> Tensor",
        body,
        result=Result.FLOAT,
        samples=(
            (f32(3, 7, low=low, high=high),),
            (f64(17, low=low, high=high),),
            *(((f16(5, low=low, high=high),),) if half else ()),
            (f32(low=low, high=high),),
            (f32(0, 4),),
            (i64(5, low=1, high=4),),
        ),
    )


# --- gamma functions ----------------------------------------------------------------------------

_LANCZOS = (
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
)  # fmt: skip
"""Coefficients for g = 7, of Lanczos 1964, as tabulated by Godfrey."""


def _lgamma(f: Any, x: Any) -> Any:
    """Lanczos' series, and reflection below 1/2."""
    reflected = x < 0.5
    y = f.where(reflected, 1.0 - x, x) - 1.0
    series: Any = _LANCZOS[0]
    for i, coefficient in enumerate(_LANCZOS[1:], 1):
        series = series + coefficient / (y + float(i))
    t = y + 7.5
    above = 0.5 * math.log(2 * math.pi) + (y + 0.5) * f.log(t) - t + f.log(series)
    phase = f.abs(x - f.floor(x))  # sin(pi * x) of large x loses its digits
    sine = f.abs(f.sin(math.pi * phase))
    below = math.log(math.pi) - f.log(sine) - above
    result = f.where(reflected, below, above)
    return f.where(f.isinf(x), f.abs(x), result)


def _digamma(f: Any, x: Any) -> Any:
    """The asymptotic series from 6 on, reached by recurrence; reflection below 0."""
    reflected = x < 0.0
    y = f.where(reflected, 1.0 - x, x)
    shift: Any = 0.0
    for i in range(6):
        shift = shift + 1.0 / (y + float(i))
    z = y + 6.0
    w = 1.0 / (z * z)
    tail = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132)))))
    value = f.log(z) - 0.5 / z - tail - shift
    phase = x - f.floor(x)
    return f.where(reflected, value - math.pi / f.tan(math.pi * phase), value)


lgamma = _of_floats("lgamma", _lgamma, 0.2, 30.0)
digamma = _of_floats("digamma", _digamma, 0.3, 20.0)


# --- error functions ----------------------------------------------------------------------------

_CENTRE = (-3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
           0.246640727, 1.50140941)  # fmt: skip
_TAIL = (0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
         0.00943887047, 1.00167406, 2.83297682)  # fmt: skip


def _erfinv(f: Any, x: Any) -> Any:
    """A polynomial, refined by Newton's method.

    Source: Giles 2010, Approximating the erfinv function, single precision.
    """
    w = -f.log((1.0 - x) * (1.0 + x))
    centre, tail = w - 2.5, f.sqrt(w) - 3.0
    near: Any = 2.81022636e-08
    for coefficient in (3.43273939e-07, *_CENTRE):
        near = near * centre + coefficient
    far: Any = -0.000200214257
    for coefficient in _TAIL:
        far = far * tail + coefficient
    y = f.where(w < 5.0, near, far) * x
    for _ in range(2):
        slope = (2.0 / math.sqrt(math.pi)) * f.exp(-(y * y))
        step = (f.erf(y) - x) / slope
        y = f.where(f.isfinite(step) & (w < 5.0), y - step, y)
    return f.where(f.abs(x) == 1.0, x * math.inf, y)


def _i0(f: Any, x: Any) -> Any:
    return f.exp(f.abs(x)) * _i0e(f, x)


def _polynomial(coefficients: Sequence[float], x: Any) -> Any:
    value: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


_SMALL = (0.0045813, 0.0360768, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0)
_LARGE = (0.00392377, -0.01647633, 0.02635537, -0.02057706, 0.00916281, -0.00157565, 0.00225319,
          0.01328592, 0.39894228)  # fmt: skip


def _i0e(f: Any, x: Any) -> Any:
    """Source: Abramowitz and Stegun, 9.8.1 and 9.8.2, times ``exp(-|x|)``; 2e-7 off."""
    size = f.abs(x)
    t = size / 3.75
    small = _polynomial(_SMALL, t * t) * f.exp(-size)
    large = _polynomial(_LARGE, 3.75 / size) / f.sqrt(size)
    return f.where(size < 3.75, small, large)


def _entr(f: Any, x: Any) -> Any:
    inside = f.where(x > 0, -x * f.log(x), f.where(x == 0, 0.0, x - x - math.inf))
    return f.where(x != x, x, inside)


def _sinc(f: Any, x: Any) -> Any:
    angle = math.pi * x
    return f.where(x == 0, 1.0, f.sin(angle) / angle)


erfinv = _of_floats("erfinv", _erfinv, -0.99, 0.99)
i0 = _of_floats("i0", _i0, -9.0, 9.0)
i0e = _of_floats("special_i0e", _i0e, -9.0, 9.0, half=False)
entr = _of_floats("special_entr", _entr, -0.5, 3.0)
ndtr = _of_floats("special_ndtr", lambda f, x: 0.5 + 0.5 * f.erf(x * math.sqrt(0.5)), -4.0, 4.0)
ndtri = _of_floats(
    "special_ndtri",
    lambda f, x: math.sqrt(2.0) * _erfinv(f, 2.0 * x - 1.0),
    0.01,
    0.99,
    half=False,
)
sinc = _of_floats("sinc", _sinc, -3.0, 3.0)
inplace(lgamma, digamma, erfinv, i0, sinc)


# --- signs --------------------------------------------------------------------------------------


def _is_negative(f: Any, x: Any) -> Any:
    if f.dtype(x).kind in "bu":
        return x != x
    if not f.dtype(x).is_floating:
        return x < 0
    return (x < 0) | ((x == 0) & (1.0 / x < 0))


def _isneginf(f: Any, x: Any) -> Any:
    return (x == -math.inf) if f.dtype(x).is_floating else x != x


def _isposinf(f: Any, x: Any) -> Any:
    return (x == math.inf) if f.dtype(x).is_floating else x != x


_SIGNED = ((SPECIAL,), (f32(3, 7),), (i64(5),), (f16(4),), (f32(0, 2),))
for _name, _body in (("signbit", _is_negative), ("isneginf", _isneginf), ("isposinf", _isposinf)):
    _samples = _SIGNED
    if _name == "signbit":
        _samples = ((given([0.0, -0.0, 1.0, -1.0, float("-inf")]),), *_SIGNED[1:])
    pointwise(f"aten::{_name}(Tensor self) -> Tensor", _body, result=Result.BOOL, samples=_samples)
isreal = composite(
    "aten::isreal(Tensor self) -> Tensor",
    lambda x: x.op("ones_like", dtypes.bool_.code),
    samples=((f32(3, 2),), (i64(4),)),
    tolerance=EXACT,
)


def _copysign(f: Any, x: Any, other: Any) -> Any:
    size = f.abs(x)
    return f.where((other < 0) | ((other == 0) & (1.0 / other < 0)), -size, size)


_TWO: tuple[tuple[Any, ...], ...] = (
    (f32(3, 7), f32(7)), (f32(), f32(2)), (f64(3), f64(1)), (f32(0, 3), f32(3)), (f16(5), f16(5)),
)  # fmt: skip
copysign = pointwise(
    "aten::copysign.Tensor(Tensor self, Tensor other) -> Tensor",
    _copysign,
    result=Result.FLOAT,
    samples=(*_TWO, (i64(4), f32(4)), (f32(3), given([0.0, -0.0, -2.0]))),
)
copysign_scalar = pointwise(
    "aten::copysign.Scalar(Tensor self, Scalar other) -> Tensor",
    _copysign,
    result=Result.FLOAT,
    samples=((f32(3, 7), -2.0), (f32(3, 7), 2)),
)


# --- two numbers --------------------------------------------------------------------------------


def _less_or_number(larger: bool) -> Body:
    """The larger or smaller; a number rather than NaN."""

    def body(f: Any, a: Any, b: Any) -> Any:
        best = f.maximum(a, b) if larger else f.minimum(a, b)
        if not f.dtype(a).is_floating:
            return best
        return f.where(a != a, b, f.where(b != b, a, best))

    return body


_NANS = (
    (given([1.0, math.nan, 2.0, math.nan]), given([math.nan, 3.0, 1.0, math.nan])),
    (i64(4), i64(4)),
)
for _name, _larger in (("fmax", True), ("fmin", False)):
    pointwise(
        f"aten::{_name}(Tensor self, Tensor other) -> Tensor",
        _less_or_number(_larger),
        samples=(*_TWO, *_NANS),
    )


def _logaddexp2(f: Any, a: Any, b: Any) -> Any:
    high = f.maximum(a, b)
    sum_ = high + f.log1p(f.exp2(-f.abs(a - b))) * (1 / math.log(2))
    return f.where(a == b, a + 1.0, sum_)


pointwise(
    "aten::logaddexp2(Tensor self, Tensor other) -> Tensor",
    _logaddexp2,
    result=Result.FLOAT,
    samples=(*_TWO, (given([-math.inf, math.inf, 0.0]), given([-math.inf, 1.0, -math.inf]))),
)


def _xlog1py(f: Any, x: Any, y: Any) -> Any:
    return f.where(y != y, y, f.where(x == 0, 0.0, x * f.log1p(y)))


pointwise(
    "aten::special_xlog1py(Tensor self, Tensor other) -> Tensor",
    _xlog1py,
    result=Result.FLOAT,
    samples=tuple((a, f32(*b.shape, low=0.0)) for a, b in _TWO if a.dtype.name == "f32"),
)


def _ldexp(x: Operand, exponent: Operand) -> Any:
    power = exponent.to(dtypes.f32).op("exp2")
    return x * power


ldexp = composite(
    "aten::ldexp.Tensor(Tensor self, Tensor other) -> Tensor",
    _ldexp,
    samples=((f32(3, 4), i64(4)), (f32(3), i32(3))),
)


def _float_power(x: Operand, exponent: Any) -> Any:
    """The power, in double precision."""
    base = x.to(dtypes.f64)
    if isinstance(exponent, Operand):
        return base.op("pow.Tensor_Tensor", exponent.to(dtypes.f64))
    return base.op("pow.Tensor_Scalar", float(exponent))


float_power = composite(
    "aten::float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor",
    _float_power,
    samples=((f32(3, 4, low=0.0), f32(4)), (i64(3, low=1, high=4), i64(3))),
)
float_power_scalar = composite(
    "aten::float_power.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor",
    _float_power,
    samples=((f32(3, 4, low=0.0), 2.5), (i64(5), 2)),
)


def _whole(schema: str, function: Any) -> Any:
    """A function of two integers, run by the interpreter."""

    def infer(a: TensorType, b: TensorType) -> TensorType:
        dtype = result_dtype(a, b)
        if not dtype.is_integral:
            raise ShapeError(f"gcd and lcm need integers, got {dtype}")
        return tensor(dtype, broadcast("gcd", a.sizes, b.sizes))

    def reference(a: Array, b: Array) -> Array:
        dtype = infer(tensor(dtype_of(a), a.shape), tensor(dtype_of(b), b.shape)).element
        return np.asarray(function(a, b).astype(dtype.numpy))

    return op(
        schema,
        reference=reference,
        infer=infer,
        tolerance=EXACT,
        samples=((i64(3, 4, low=0, high=30), i64(4, low=-9, high=30)), (i32(3), i64(3))),
    )


gcd = _whole("aten::gcd(Tensor self, Tensor other) -> Tensor", np.gcd)
lcm = _whole("aten::lcm(Tensor self, Tensor other) -> Tensor", np.lcm)
inplace(copysign, copysign_scalar, gcd, lcm)
