"""Arithmetic on tensors: sums, products, quotients."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from treadle.errors import ShapeError
from treadle.ir.dtypes import bool_
from treadle.ops.inplace import inplace
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import SPECIAL, bf16, boolean, f16, f32, f64, given, i32, i64, u8

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
SCALARS = ((f32(2, 3), 2.5), (f32(), 2), (i64(5), 3), (i64(3), 1.5), (f16(4), 0.5), (f32(0), 1))


def _with(pairs: tuple[tuple[Any, ...], ...], *rest: Any) -> tuple[tuple[Any, ...], ...]:
    return tuple((*pair, *rest) for pair in pairs)


def _scaled(f: Any, x: Any, alpha: Any) -> Any:
    return x if alpha == 1 else x * f.cast(alpha, f.dtype(x))


def _check_no_bools(name: str, a: Any, b: Any, *_: Any) -> None:
    """Check that a difference is not one of truth values.

    Raises:
        ShapeError: if it is.
    """
    if bool_ in (dtype_of(a), dtype_of(b)):
        raise ShapeError(
            f"{name}: needs integers, floating numbers or complex numbers, got bool, which has"
            " logical_xor (^) and logical_not (~)"
        )


def _divide(f: Any, a: Any, b: Any) -> Any:
    return a / b


add = pointwise(
    "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a + _scaled(f, b, alpha),
    samples=(*_with(PAIRS, 1), (f32(3), f32(3), 2), (boolean(4), boolean(4), 1)),
)
add_scalar = pointwise(
    "aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a + _scaled(f, b, alpha),
    samples=_with(SCALARS, 1),
)
sub = pointwise(
    "aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a - _scaled(f, b, alpha),
    samples=(*_with(PAIRS, 1), (f32(3), f32(3), 2)),
    check=partial(_check_no_bools, "sub"),
)
sub_scalar = pointwise(
    "aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: a - _scaled(f, b, alpha),
    samples=_with(SCALARS, 1),
    check=partial(_check_no_bools, "sub"),
)
rsub = pointwise(
    "aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: b - _scaled(f, a, alpha),
    samples=_with(PAIRS, 1),
    check=partial(_check_no_bools, "rsub"),
)
rsub_scalar = pointwise(
    "aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor",
    lambda f, a, b, alpha: b - _scaled(f, a, alpha),
    samples=_with(SCALARS, 1),
    check=partial(_check_no_bools, "rsub"),
)
mul = pointwise(
    "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor",
    lambda f, a, b: a * b,
    samples=(*PAIRS, (boolean(4), boolean(4))),
)
mul_scalar = pointwise(
    "aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", lambda f, a, b: a * b, samples=SCALARS
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
    samples=SCALARS,
)
true_divide = pointwise(
    "aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor",
    _divide,
    result=Result.FLOAT,
    samples=PAIRS,
)
inplace(add, add_scalar, sub, sub_scalar, mul, mul_scalar, div, div_scalar, true_divide)


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
