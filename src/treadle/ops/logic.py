"""Logic on truth values, and on the bits of integers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from treadle.ops.comparison import PAIRS
from treadle.ops.declare import EXACT
from treadle.ops.inplace import inplace
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.samples import SPECIAL, boolean, f32, i32, i64, u8


def _logical(schema: str, combine: Callable[[Any, Any], Any]) -> None:
    inplace(
        pointwise(
            schema,
            lambda f, a, b: combine(a != 0, b != 0),
            result=Result.BOOL,
            samples=PAIRS,
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
