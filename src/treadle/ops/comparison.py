"""Comparisons, logic and bits."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from treadle.ops.declare import EXACT
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.promotion import result_dtype
from treadle.ops.samples import SPECIAL, boolean, f16, f32, f64, i32, i64, u8

_PAIRS = (
    (f32(2, 3), f32(2, 3)), (f32(0, 3), f32(3)), (f32(), f32(7, 1)), (SPECIAL, SPECIAL),
    (f32(4), f64()), (i64(4, 3), f32(3)), (i32(6), i64(6)), (boolean(4), boolean(4)),
    (f16(5), f16(5)), (f32(3, 5, layout="transposed"), f32(5)), (i64(17), i64(17)),
)  # fmt: skip
_SCALARS = ((f32(2, 3), 0.5), (i64(5), 1), (i64(5), 0.5), (SPECIAL, 1.0), (boolean(3), True),
            (f32(0), 0), (f16(3), 0.1))  # fmt: skip


def _same(name: str) -> Decompose:
    """Both operands cast to the promoted dtype, then compared."""

    def build(emit: Emitter, a: Any, b: Any) -> Any:
        dtype = result_dtype(emit.type(a), emit.type(b))
        a, b = (
            x
            if emit.type(x).element == dtype
            else emit("to.dtype", x, dtype.code, False, False, None)
            for x in (a, b)
        )
        return emit(f"{name}_same", a, b)

    return Decompose(build)


def _comparison(
    name: str,
    compare: Callable[[Any, Any], Any],
    schemas: tuple[str, ...],
    scalars: tuple[str, ...],
) -> None:
    """A comparison of tensors, of a tensor with a number, and by its other name."""

    def body(f: Any, a: Any, b: Any) -> Any:
        return compare(a, b)

    pointwise(
        f"treadle::{name}_same(Tensor self, Tensor other) -> Tensor",
        body,
        result=Result.BOOL,
        samples=_PAIRS[:4],
        tolerance=EXACT,
        doc="Of operands of one dtype.",
    )
    for schema in schemas:
        inplace(
            pointwise(
                schema, body, result=Result.BOOL, samples=_PAIRS, lower=_same(name), tolerance=EXACT
            )
        )
    for schema in scalars:
        inplace(pointwise(schema, body, result=Result.BOOL, samples=_SCALARS, tolerance=EXACT))


_comparison(
    "eq",
    operator.eq,
    ("aten::eq.Tensor(Tensor self, Tensor other) -> Tensor",),
    ("aten::eq.Scalar(Tensor self, Scalar other) -> Tensor",),
)
_comparison(
    "ne",
    operator.ne,
    (
        "aten::ne.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::not_equal.Tensor(Tensor self, Tensor other) -> Tensor",
    ),
    (
        "aten::ne.Scalar(Tensor self, Scalar other) -> Tensor",
        "aten::not_equal.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
)
_comparison(
    "lt",
    operator.lt,
    (
        "aten::lt.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::less.Tensor(Tensor self, Tensor other) -> Tensor",
    ),
    (
        "aten::lt.Scalar(Tensor self, Scalar other) -> Tensor",
        "aten::less.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
)
_comparison(
    "le",
    operator.le,
    (
        "aten::le.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::less_equal.Tensor(Tensor self, Tensor other) -> Tensor",
    ),
    (
        "aten::le.Scalar(Tensor self, Scalar other) -> Tensor",
        "aten::less_equal.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
)
_comparison(
    "gt",
    operator.gt,
    (
        "aten::gt.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::greater.Tensor(Tensor self, Tensor other) -> Tensor",
    ),
    (
        "aten::gt.Scalar(Tensor self, Scalar other) -> Tensor",
        "aten::greater.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
)
_comparison(
    "ge",
    operator.ge,
    (
        "aten::ge.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::greater_equal.Tensor(Tensor self, Tensor other) -> Tensor",
    ),
    (
        "aten::ge.Scalar(Tensor self, Scalar other) -> Tensor",
        "aten::greater_equal.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
)


# --- logic --------------------------------------------------------------------------------------


def _logical(schema: str, combine: Callable[[Any, Any], Any]) -> None:
    inplace(
        pointwise(
            schema,
            lambda f, a, b: combine(a != 0, b != 0),
            result=Result.BOOL,
            samples=_PAIRS,
            tolerance=EXACT,
        )
    )


_logical("aten::logical_and(Tensor self, Tensor other) -> Tensor", operator.and_)
_logical("aten::logical_or(Tensor self, Tensor other) -> Tensor", operator.or_)
_logical("aten::logical_xor(Tensor self, Tensor other) -> Tensor", operator.xor)
logical_not = pointwise(
    "aten::logical_not(Tensor self) -> Tensor",
    lambda f, x: x == 0,
    result=Result.BOOL,
    tolerance=EXACT,
    samples=((f32(3),), (boolean(2, 2),), (i64(0),), (SPECIAL,)),
)
inplace(logical_not)


# --- bits ---------------------------------------------------------------------------------------

_BITS = ((i64(4, 3), i64(3)), (boolean(4), boolean(4)), (i32(5), i64(5)), (u8(3), u8(3)))
_BIT_SCALARS = ((i64(4), 3), (boolean(4), True), (u8(5), 6))


def _bitwise(schemas: tuple[str, ...], combine: Callable[[Any, Any], Any]) -> None:
    def body(f: Any, a: Any, b: Any) -> Any:
        return combine(a, b)

    for schema in schemas:
        inplace(
            pointwise(
                schema,
                body,
                result=Result.BITS,
                tolerance=EXACT,
                samples=_BITS if "Tensor other" in schema else _BIT_SCALARS,
            )
        )


_bitwise(
    (
        "aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::bitwise_and.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
    operator.and_,
)
_bitwise(
    (
        "aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::bitwise_or.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
    operator.or_,
)
_bitwise(
    (
        "aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::bitwise_xor.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
    operator.xor,
)


def _operator(schemas: tuple[str, ...], combine: Callable[[Any, Any], Any]) -> None:
    """Python's operator in its TorchScript spelling."""
    for schema in schemas:
        pointwise(
            schema,
            lambda f, a, b: combine(a, b),
            result=Result.BITS,
            tolerance=EXACT,
            samples=_BITS if "Tensor other" in schema else _BIT_SCALARS,
        )


_operator(
    (
        "aten::__and__.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::__and__.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
    operator.and_,
)
_operator(
    (
        "aten::__or__.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::__or__.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
    operator.or_,
)
_operator(
    (
        "aten::__xor__.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::__xor__.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
    operator.xor,
)


def _shift(schemas: tuple[str, ...], direction: str) -> None:
    def body(f: Any, a: Any, b: Any) -> Any:
        return getattr(f, f"shift_{direction}")(a, b)

    for schema in schemas:
        pointwise(
            schema,
            body,
            result=Result.BITS,
            tolerance=EXACT,
            samples=((i64(4), i64(4, low=0, high=5)),)
            if "Tensor other" in schema
            else ((i64(4), 3),),
        )


_shift(
    (
        "aten::bitwise_left_shift.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::bitwise_left_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor",
        "aten::__lshift__.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::__lshift__.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
    "left",
)
_shift(
    (
        "aten::bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::bitwise_right_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor",
        "aten::__rshift__.Tensor(Tensor self, Tensor other) -> Tensor",
        "aten::__rshift__.Scalar(Tensor self, Scalar other) -> Tensor",
    ),
    "right",
)


def _bitwise_not(f: Any, x: Any) -> Any:
    return f.invert(x)


bitwise_not = pointwise(
    "aten::bitwise_not(Tensor self) -> Tensor",
    _bitwise_not,
    result=Result.BITS,
    tolerance=EXACT,
    samples=((i64(4),), (boolean(3),), (u8(2, 2),)),
)
inplace(bitwise_not)


# --- kinds of numbers ---------------------------------------------------------------------------


def _kind(schema: str, test: Callable[[Any, Any], Any], of_integers: bool) -> None:
    def body(f: Any, x: Any) -> Any:
        return test(f, x) if f.dtype(x).is_floating else (x == x if of_integers else x != x)

    pointwise(
        schema,
        body,
        result=Result.BOOL,
        tolerance=EXACT,
        samples=((SPECIAL,), (f64(3),), (i64(3),), (f16(0),)),
    )


_kind("aten::isnan(Tensor self) -> Tensor", lambda f, x: f.isnan(x), False)
_kind("aten::isinf(Tensor self) -> Tensor", lambda f, x: f.isinf(x), False)
_kind("aten::isfinite(Tensor self) -> Tensor", lambda f, x: f.isfinite(x), True)
