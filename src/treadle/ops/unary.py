"""Functions of one number: exponentials, logarithms, roots, angles, rounding, signs."""

from __future__ import annotations

import math
from typing import Any

from treadle.ir import dtypes
from treadle.ir.op import OpDef
from treadle.ops.inplace import inplace
from treadle.ops.pointwise import Body, Result, pointwise
from treadle.ops.promotion import KINDS
from treadle.ops.samples import SPECIAL, bf16, boolean, f16, f32, f64, i64

_ANY = (
    (f32(2, 3),), (f32(),), (f32(0, 4),), (f32(1, 17, high=4.0),), (f64(7, high=3.0),),
    (f32(5, 3, high=5.0, layout="transposed"),), (SPECIAL,), (f16(9),), (bf16(3, 3),),
)  # fmt: skip


_LARGE = 1e9
"""Beyond it 1 is nothing to a square."""


def _floating(schema: str, body: Body, kinds: str = KINDS) -> OpDef:
    """A function into floats; integers become f32."""
    return pointwise(
        schema,
        body,
        kinds=kinds,
        result=Result.FLOAT,
        samples=(*_ANY, (i64(5),), (boolean(4),), (f32(9, low=0.01, high=1.0),)),
    )


def _keeping(schema: str, body: Body, *, result: Result = Result.KEEP, kinds: str = KINDS) -> OpDef:
    """A function that keeps the dtype."""
    samples = (*_ANY, (i64(5),)) if "i" in kinds else _ANY
    return pointwise(schema, body, result=result, samples=samples, kinds=kinds)


def _whole(name: str) -> Body:
    """Rounding, which leaves integers as they are."""
    return lambda f, x: getattr(f, name)(x) if x.dtype.kind == "f" else x


def _asinh(f: Any, x: Any) -> Any:
    """``sign(x) * log1p(|x| + x² / (1 + sqrt(x² + 1)))``, which keeps small x exact."""
    if f.dtype(x).is_complex:
        return f.asinh(x)
    size = f.abs(x)
    grown = f.log1p(size + size / (1.0 / size + f.sqrt(1.0 + 1.0 / (size * size))))
    grown = f.where(size > _LARGE, f.log(size) + math.log(2), grown)
    return f.where(size > 0, f.sign(x) * grown, x)


def _acosh(f: Any, x: Any) -> Any:
    """``log1p(t + sqrt(t) * sqrt(x + 1))`` of ``t = x - 1``, which is exact near 1; in doubles."""
    if f.dtype(x).is_complex:
        return f.acosh(x)
    x = f.cast(x, dtypes.f64)
    above = x - 1.0
    near = f.log1p(above + f.sqrt(above) * f.sqrt(x + 1.0))
    return f.where(x > _LARGE, f.log(x) + math.log(2), near)


def _atanh(f: Any, x: Any) -> Any:
    if f.dtype(x).is_complex:
        return f.atanh(x)
    return 0.5 * (f.log1p(x) - f.log1p(-x))


exp = _floating("aten::exp(Tensor self) -> Tensor", lambda f, x: f.exp(x))
exp2 = _floating("aten::exp2(Tensor self) -> Tensor", lambda f, x: f.exp2(x))
expm1 = _floating("aten::expm1(Tensor self) -> Tensor", lambda f, x: f.expm1(x))
log = _floating("aten::log(Tensor self) -> Tensor", lambda f, x: f.log(x))
log1p = _floating("aten::log1p(Tensor self) -> Tensor", lambda f, x: f.log1p(x))
log2 = _floating("aten::log2(Tensor self) -> Tensor", lambda f, x: f.log2(x))
log10 = _floating("aten::log10(Tensor self) -> Tensor", lambda f, x: f.log10(x))
sqrt = _floating("aten::sqrt(Tensor self) -> Tensor", lambda f, x: f.sqrt(x))
rsqrt = _floating("aten::rsqrt(Tensor self) -> Tensor", lambda f, x: f.rsqrt(x))
reciprocal = _floating("aten::reciprocal(Tensor self) -> Tensor", lambda f, x: 1.0 / x)
sin = _floating("aten::sin(Tensor self) -> Tensor", lambda f, x: f.sin(x))
cos = _floating("aten::cos(Tensor self) -> Tensor", lambda f, x: f.cos(x))
tan = _floating("aten::tan(Tensor self) -> Tensor", lambda f, x: f.tan(x))
asin = _floating("aten::asin(Tensor self) -> Tensor", lambda f, x: f.asin(x))
acos = _floating("aten::acos(Tensor self) -> Tensor", lambda f, x: f.acos(x))
atan = _floating("aten::atan(Tensor self) -> Tensor", lambda f, x: f.atan(x))
sinh = _floating("aten::sinh(Tensor self) -> Tensor", lambda f, x: f.sinh(x))
cosh = _floating("aten::cosh(Tensor self) -> Tensor", lambda f, x: f.cosh(x))
tanh = _floating("aten::tanh(Tensor self) -> Tensor", lambda f, x: f.tanh(x))
sigmoid = _floating("aten::sigmoid(Tensor self) -> Tensor", lambda f, x: f.sigmoid(x))
erf = _floating("aten::erf(Tensor self) -> Tensor", lambda f, x: f.erf(x), "bif")
neg = _keeping("aten::neg(Tensor self) -> Tensor", lambda f, x: -x, kinds="ifc")
negative = _keeping("aten::negative(Tensor self) -> Tensor", lambda f, x: -x, kinds="ifc")
abs_ = _keeping(
    "aten::abs(Tensor self) -> Tensor", lambda f, x: f.abs(x), result=Result.MAGNITUDE, kinds="ifc"
)
absolute = _keeping(
    "aten::absolute(Tensor self) -> Tensor",
    lambda f, x: f.abs(x),
    result=Result.MAGNITUDE,
    kinds="ifc",
)
sign = _keeping("aten::sign(Tensor self) -> Tensor", lambda f, x: f.sign(x), kinds="bif")
square = _keeping("aten::square(Tensor self) -> Tensor", lambda f, x: x * x, result=Result.NUMBER)
floor = _keeping("aten::floor(Tensor self) -> Tensor", _whole("floor"), kinds="if")
ceil = _keeping("aten::ceil(Tensor self) -> Tensor", _whole("ceil"), kinds="if")
trunc = _keeping("aten::trunc(Tensor self) -> Tensor", _whole("trunc"), kinds="if")
fix = _keeping("aten::fix(Tensor self) -> Tensor", _whole("trunc"), kinds="if")
round_ = _keeping("aten::round(Tensor self) -> Tensor", _whole("round"), kinds="if")
frac = _keeping("aten::frac(Tensor self) -> Tensor", lambda f, x: x - f.trunc(x), kinds="f")
asinh = _floating(
    "aten::asinh(Tensor self) -> Tensor",
    _asinh,
)
atanh = _floating("aten::atanh(Tensor self) -> Tensor", _atanh)
acosh = _floating("aten::acosh(Tensor self) -> Tensor", _acosh)
deg2rad = _floating(
    "aten::deg2rad(Tensor self) -> Tensor", lambda f, x: x * (3.141592653589793 / 180), "bif"
)
rad2deg = _floating(
    "aten::rad2deg(Tensor self) -> Tensor", lambda f, x: x * (180 / 3.141592653589793), "bif"
)

inplace(exp, exp2, expm1, log, log1p, log2, log10, sqrt, rsqrt, reciprocal, sin, cos, tan, asin,
        acos, atan, sinh, cosh, tanh, sigmoid, erf, neg, negative, abs_, absolute, sign,
        square, floor, ceil, trunc, fix, round_, frac, deg2rad, rad2deg)  # fmt: skip
