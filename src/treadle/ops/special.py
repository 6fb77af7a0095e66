"""Functions of one or two numbers beside those of `unary` and `arithmetic`: signs, logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT, op
from treadle.ops.doubles import of_one
from treadle.ops.inplace import inplace, written_into
from treadle.ops.pointwise import Body, Result, pointwise
from treadle.ops.promotion import dtype_of, result_dtype
from treadle.ops.samples import SPECIAL, f16, f32, f64, given, i32, i64
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]


def _entr(f: Any, x: Any) -> Any:
    inside = f.where(x > 0, -x * f.log(x), f.where(x == 0, f.abs(x), -math.inf))
    return f.where(x != x, x, inside)


def _sinc(f: Any, x: Any) -> Any:
    angle = math.pi * x
    return f.where(x == 0, 1.0, f.sin(angle) / angle)


entr = of_one("special_entr", _entr, -0.5, 3.0)
sinc = of_one("sinc", _sinc, -3.0, 3.0, whole=True)
inplace(sinc)


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
    pointwise(
        f"aten::{_name}(Tensor self) -> Tensor",
        _body,
        result=Result.BOOL,
        samples=_samples,
        kinds="bif",
    )


def _isreal(x: Operand) -> Any:
    if x.dtype.is_complex:
        return x.op("view_as_real").op("select.int", -1, 1).op("eq.Scalar", 0)
    return x.op("ones_like", dtypes.bool_.code)


isreal = composite(
    "aten::isreal(Tensor self) -> Tensor",
    _isreal,
    samples=((f32(3, 2),), (i64(4),), (given([1 + 2j, 3, -1j], dtypes.c64),)),
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
    kinds="bif",
)
copysign_scalar = pointwise(
    "aten::copysign.Scalar(Tensor self, Scalar other) -> Tensor",
    _copysign,
    result=Result.FLOAT,
    samples=((f32(3, 7), -2.0), (f32(3, 7), 2)),
    kinds="bif",
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
        kinds="bif",
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
    kinds="f",
)


def _xlog1py(f: Any, x: Any, y: Any) -> Any:
    return f.where(y != y, y, f.where(x == 0, 0.0, x * f.log1p(y)))


pointwise(
    "aten::special_xlog1py(Tensor self, Tensor other) -> Tensor",
    _xlog1py,
    result=Result.FLOAT,
    samples=tuple((a, f32(*b.shape, low=0.0)) for a, b in _TWO if a.dtype.name == "f32"),
    kinds="bif",
)


def _ldexp(x: Operand, exponent: Operand) -> Any:
    """Times a power of 2 of the dtype of the exponent, as torch has it."""
    return x * exponent.apply("pow.Scalar", 2.0, exponent)


ldexp = composite(
    "aten::ldexp.Tensor(Tensor self, Tensor other) -> Tensor",
    _ldexp,
    samples=((f32(3, 4), i64(4)), (f32(3), i32(3))),
)


def _float_power(x: Operand, exponent: Any) -> Any:
    """The power, in double precision."""
    number = isinstance(exponent, int | float | complex)
    both = (
        x.dtype.is_complex,
        isinstance(exponent, complex) if number else exponent.dtype.is_complex,
    )
    wide = dtypes.c128 if any(both) else dtypes.f64
    base = x.to(wide)
    if isinstance(exponent, Operand):
        return base.op("pow.Tensor_Tensor", exponent.to(wide))
    return base.op("pow.Tensor_Scalar", exponent if wide.is_complex else float(exponent))


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


def _raised(functional: OpDef) -> Any:
    """The reference in place: of double precision only, since nothing else holds the result."""

    def reference(x: Array, exponent: Any) -> Array:
        assert functional.reference is not None
        result = functional.reference(x, exponent)
        if result.dtype != x.dtype:
            raise ShapeError(f"float_power_: a result of {result.dtype} for self of {x.dtype}")
        return written_into("float_power_", x, result)

    return reference


for _kind, _functional in (("Tensor", float_power), ("Scalar", float_power_scalar)):
    op(
        f"aten::float_power_.{_kind}(Tensor(a!) self, {_kind} exponent) -> Tensor(a!)",
        reference=_raised(_functional),
        samples=((f64(3, low=0.1, high=3.0), f64(3) if _kind == "Tensor" else 2.5),),
    )


def _whole(schema: str, function: Any) -> Any:
    """A function of two integers, run by the interpreter."""

    def infer(a: TensorType, b: TensorType) -> TensorType:
        dtype = result_dtype(a, b)
        if not dtype.is_integral:
            raise ShapeError(f"gcd and lcm need integers, got {dtype}")
        return tensor(dtype, broadcast("gcd", a.sizes, b.sizes))

    def reference(a: Array, b: Array) -> Array:
        if a.dtype is b.dtype and a.dtype.kind in "iu":
            return np.asarray(function(a, b))
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
