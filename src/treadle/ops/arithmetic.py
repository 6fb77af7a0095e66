"""Arithmetic on tensors: sums, products, quotients, powers, extrema."""

from __future__ import annotations

from typing import Any

from treadle.errors import InputError
from treadle.ops.inplace import inplace
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.samples import SPECIAL, bf16, boolean, f16, f32, f64, i32, i64, u8

_PAIRS = (
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


def _scaled(x: Any, alpha: Any) -> Any:
    return x if alpha == 1 else x * alpha


def _divide(f: Any, a: Any, b: Any, rounding: str | None = None) -> Any:
    """Source: torch.div; `rounding` None, ``trunc`` or ``floor``."""
    if rounding is None:
        return a / b
    if rounding not in ("trunc", "floor"):
        raise InputError(f"div: rounding_mode {rounding!r}; allowed: None, 'trunc', 'floor'")
    return f.truncdiv(a, b) if rounding == "trunc" else f.floordiv(a, b)


def _floor_divide(f: Any, a: Any, b: Any) -> Any:
    return _divide(f, a, b, "floor")


def _power(f: Any, a: Any, b: Any) -> Any:
    return f.pow(a, b)


def _power_scalar(f: Any, a: Any, exponent: Any) -> Any:
    return f.pow(a, exponent)


add = pointwise(
    "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a + _scaled(b, alpha),
    samples=(*_with(_PAIRS, 1), (f32(3), f32(3), 2), (boolean(4), boolean(4), 1)),
)
add_scalar = pointwise(
    "aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a + _scaled(b, alpha),
    samples=_with(_SCALARS, 1),
)
sub = pointwise(
    "aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a - _scaled(b, alpha),
    samples=(*_with(_PAIRS, 1), (f32(3), f32(3), 2)),
)
sub_scalar = pointwise(
    "aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a - _scaled(b, alpha),
    samples=_with(_SCALARS, 1),
)
rsub = pointwise(
    "aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: b - _scaled(a, alpha),
    samples=_with(_PAIRS, 1),
)
rsub_scalar = pointwise(
    "aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: b - _scaled(a, alpha),
    samples=_with(_SCALARS, 1),
)
mul = pointwise(
    "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: a * b,
    samples=(*_PAIRS, (boolean(4), boolean(4))),
)
mul_scalar = pointwise(
    "aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", lambda f, a, b: a * b, samples=_SCALARS
)
multiply = pointwise(
    "aten::multiply.Tensor(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: a * b,
    samples=_PAIRS[:2],
)
div = pointwise(
    "aten::div.Tensor(Tensor self, Tensor other) -> Tensor",
    _divide,
    result=Result.FLOAT,
    samples=(*_PAIRS, (SPECIAL, f32(1)), (i64(3), i64(3))),
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
    samples=_PAIRS,
)
inplace(add, add_scalar, sub, sub_scalar, mul, mul_scalar, div, div_scalar, true_divide)
