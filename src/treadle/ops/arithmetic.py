"""Arithmetic on tensors: sums, products, quotients, remainders."""

from __future__ import annotations

import math
from typing import Any

from treadle.errors import InputError
from treadle.ir.op import OpDef
from treadle.ops.declare import op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.samples import SPECIAL, bf16, boolean, f16, f32, f64, given, i32, i64, u8

Samples = tuple[tuple[Any, ...], ...]

PAIRS = (
    (f32(2, 3), f32(2, 3)),
    (f32(5), f32(1)),
    (f32(0, 3), f32(3)),
    (f32(), f32(7, 1)),
    (f32(4, 1, 17), f32(3, 1)),
    (f32(3, 5, layout="transposed"), f32(3, 5, layout="strided")),
    (f64(9), f32(9)),
    (f32(4), f64()),
    (i64(4, 3, low=1, high=9), f32(3)),
    (i32(6, low=1, high=9), i64(6, low=1, high=9)),
    (u8(3, low=1, high=9), u8(3, low=1, high=9)),
    (f16(2, 5), f16(2, 5)),
    (bf16(7), f32(7)),
)
_SCALARS = ((f32(2, 3), 2.5), (f32(), 2), (i64(5), 3), (i64(3), 1.5), (f16(4), 0.5), (f32(0), 1))


def _with(pairs: tuple[tuple[Any, ...], ...], *rest: Any) -> tuple[tuple[Any, ...], ...]:
    return tuple((*pair, *rest) for pair in pairs)


def _scaled(f: Any, x: Any, alpha: Any) -> Any:
    return x if alpha == 1 else x * f.cast(alpha, f.dtype(x))


def _divide(f: Any, a: Any, b: Any) -> Any:
    return a / b


def _rounded(f: Any, a: Any, b: Any, rounding: str) -> Any:
    """Source: torch.div with `rounding_mode`."""
    return f.truncdiv(a, b) if rounding == "trunc" else f.floordiv(a, b)


add = pointwise(
    "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a + _scaled(f, b, alpha),
    samples=(*_with(PAIRS, 1), (f32(3), f32(3), 2), (boolean(4), boolean(4), 1)),
)
add_scalar = pointwise(
    "aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a + _scaled(f, b, alpha),
    samples=_with(_SCALARS, 1),
)
sub = pointwise(
    "aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a - _scaled(f, b, alpha),
    samples=(*_with(PAIRS, 1), (f32(3), f32(3), 2)),
    kinds="ifc",
)
sub_scalar = pointwise(
    "aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a - _scaled(f, b, alpha),
    samples=_with(_SCALARS, 1),
    kinds="ifc",
)
rsub = pointwise(
    "aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: b - _scaled(f, a, alpha),
    samples=_with(PAIRS, 1),
    kinds="ifc",
)
rsub_scalar = pointwise(
    "aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: b - _scaled(f, a, alpha),
    samples=_with(_SCALARS, 1),
    kinds="ifc",
)
mul = pointwise(
    "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: a * b,
    samples=(*PAIRS, (boolean(4), boolean(4))),
)
mul_scalar = pointwise(
    "aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", lambda f, a, b: a * b, samples=_SCALARS
)
multiply = pointwise(
    "aten::multiply.Tensor(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: a * b,
    samples=PAIRS[:2],
)
div = pointwise(
    "aten::div.Tensor(Tensor self, Tensor other) -> Tensor",
    _divide,
    result=Result.FLOAT,
    samples=(*PAIRS, (SPECIAL, f32(1)), (i64(3), i64(3))),
)
div_scalar = pointwise(
    "aten::div.Scalar(Tensor self, Scalar other) -> Tensor",
    _divide,
    result=Result.FLOAT,
    samples=_SCALARS,
)
true_divide = pointwise(
    "aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor",
    _divide,
    result=Result.FLOAT,
    samples=PAIRS,
)
inplace(add, add_scalar, sub, sub_scalar, mul, mul_scalar, div, div_scalar, true_divide)


# --- quotients with rounding, remainders --------------------------------------------------------


def _check_mode(rounding: str | None) -> None:
    if rounding not in (None, "trunc", "floor"):
        raise InputError(f"div: rounding_mode {rounding!r}; allowed: None, 'trunc', 'floor'")


def _with_mode(schema: str, plain: OpDef, samples: Samples) -> OpDef:
    """A quotient whose last argument is the rounding, without which it is `plain`."""
    whole = {
        mode: pointwise(
            f"treadle::div_{mode}_{name}(Tensor self, {kind} other) -> Tensor",
            lambda f, a, b, mode=mode: _rounded(f, a, b, mode),
            samples=PAIRS[:6] if kind == "Tensor" else _SCALARS,
            divides=True,
        )
        for mode in ("trunc", "floor")
        for name, kind in [("scalar", "Scalar") if ".Scalar" in schema else ("tensor", "Tensor")]
    }

    def choose(rounding: str | None) -> OpDef:
        _check_mode(rounding)
        return plain if rounding is None else whole[rounding]

    def reference(a: Any, b: Any, rounding: str | None) -> Any:
        function = choose(rounding).reference
        assert function is not None
        return function(a, b)

    def infer(a: Any, b: Any, rounding: str | None) -> Any:
        function = choose(rounding).infer
        assert function is not None
        return function(a, b)

    def build(emit: Emitter, a: Any, b: Any, rounding: str | None) -> Any:
        return emit(choose(rounding), a, b)

    return op(schema, reference=reference, infer=infer, lower=Decompose(build), samples=samples)


_MODES = tuple((a, b, mode) for a, b in PAIRS[:9] for mode in ("trunc", "floor", None))
div_mode = _with_mode(
    "aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor",
    div,
    (
        *_MODES,
        (i64(5, low=-9, high=9), i64(5, low=-3, high=0), "floor"),
        (i64(5, low=-9, high=9), i64(5, low=-3, high=0), "trunc"),
    ),
)
div_scalar_mode = _with_mode(
    "aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor",
    div_scalar,
    tuple((*s, m) for s in _SCALARS for m in ("floor", "trunc")),
)
floor_divide = pointwise(
    "aten::floor_divide(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: f.floordiv(a, b),
    samples=PAIRS[:9],
    divides=True,
    kinds="ifc",
)
floor_divide_scalar = pointwise(
    "aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor",
    lambda f, a, b: f.floordiv(a, b),
    samples=_SCALARS,
    divides=True,
)
remainder = pointwise(
    "aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: f.remainder(a, b),
    samples=(*PAIRS[:9], (i64(5, low=-9, high=9), i64(5, low=-3, high=0))),
    divides=True,
    kinds="ifc",
)
remainder_scalar = pointwise(
    "aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor",
    lambda f, a, b: f.remainder(a, b),
    samples=_SCALARS,
    divides=True,
)
remainder_of = pointwise(
    "aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor",
    lambda f, a, b: f.remainder(a, b),
    operands=(0, 1),
    samples=((7, f32(3, low=1.0)), (7.5, i64(4, low=1, high=9)), (-7, i64(4, low=1, high=9))),
    divides=True,
)
fmod = pointwise(
    "aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: f.fmod(a, b),
    samples=(*PAIRS[:9], (i64(5, low=-9, high=9), i64(5, low=-3, high=0))),
    divides=True,
    kinds="ifc",
)
fmod_scalar = pointwise(
    "aten::fmod.Scalar(Tensor self, Scalar other) -> Tensor",
    lambda f, a, b: f.fmod(a, b),
    samples=_SCALARS,
    divides=True,
)
inplace(
    div_mode,
    div_scalar_mode,
    floor_divide_scalar,
    remainder,
    remainder_scalar,
    fmod,
    fmod_scalar,
)


# --- three operands -----------------------------------------------------------------------------


def _lerp(f: Any, start: Any, end: Any, weight: Any) -> Any:
    return start + (end - start) * weight


_TRIPLES = (
    (f32(2, 3), f32(2, 3), f32(2, 3)),
    (f32(2, 3), f32(3), f32(1)),
    (f64(4), f64(4), f64(4)),
)
lerp_scalar = pointwise(
    "aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor",
    _lerp,
    samples=((f32(3), f32(3), 0.3), (f64(2, 1), f64(3), 0.9)),
    kinds="fc",
)
lerp_tensor = pointwise(
    "aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor",
    _lerp,
    samples=_TRIPLES,
    kinds="fc",
)
addcmul = pointwise(
    "aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
    lambda f, x, a, b, value: x + _scaled(f, a * b, value),
    samples=((*_TRIPLES[0], 1), (*_TRIPLES[1], 0.5)),
    kinds="ifc",
)
addcdiv = pointwise(
    "aten::addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
    lambda f, x, a, b, value: x + _scaled(f, a / b, value),
    samples=((*_TRIPLES[0], 1), (*_TRIPLES[2], 0.5)),
    kinds="fc",
)
inplace(lerp_scalar, lerp_tensor, addcmul, addcdiv)


# --- logarithms of sums and products ------------------------------------------------------------


def _logaddexp(f: Any, a: Any, b: Any) -> Any:
    if f.dtype(a).is_complex:
        high, low = f.where(a.real < b.real, b, a), f.where(a.real < b.real, a, b)
        return high + f.log1p(f.exp(low - high))
    top = f.maximum(a, b)
    return f.where(f.abs(top) == math.inf, top, top + f.log1p(f.exp(-f.abs(a - b))))


def _xlogy(f: Any, x: Any, y: Any) -> Any:
    return f.where(y != y, y, f.where(x == 0, 0.0, x * f.log(y)))


logaddexp = pointwise(
    "aten::logaddexp(Tensor self, Tensor other) -> Tensor",
    _logaddexp,
    result=Result.FLOAT,
    samples=PAIRS[:6],
    kinds="fc",
)
xlogy = pointwise(
    "aten::xlogy.Tensor(Tensor self, Tensor other) -> Tensor",
    _xlogy,
    result=Result.FLOAT,
    samples=((f32(3), f32(3, low=0.1, high=2.0)), (SPECIAL, f32(9, low=0.1, high=2.0))),
    kinds="bif",
)
xlogy_scalar = pointwise(
    "aten::xlogy.Scalar_Other(Tensor self, Scalar other) -> Tensor",
    _xlogy,
    result=Result.FLOAT,
    samples=((f32(3), 2.0),),
    kinds="bif",
)
heaviside = pointwise(
    "aten::heaviside(Tensor self, Tensor values) -> Tensor",
    lambda f, x, at_zero: f.where(x == 0, at_zero, f.cast(x > 0, f.dtype(x))),
    samples=((given([0.0, 1.0, -2.0]), f32(3)), (SPECIAL, f32(9))),
    kinds="bif",
)
