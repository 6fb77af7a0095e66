"""Logic on truth values, and on the bits of integers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from treadle.ir.op import OpDef
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


def _bitwise(name: str, combine: Callable[[Any, Any], Any]) -> None:
    """Of tensors and of a tensor with a number, also as Python's operator is called in scripts."""

    def define(base: str, kind: str) -> OpDef:
        return pointwise(
            f"aten::{base}.{kind}(Tensor self, {kind} other) -> Tensor",
            lambda f, a, b: combine(a, b),
            result=Result.BITS,
            tolerance=EXACT,
            samples=_BITS if kind == "Tensor" else _BIT_SCALARS,
        )

    for kind in ("Tensor", "Scalar"):
        inplace(define(f"bitwise_{name}", kind))
        define(f"__{name}__", kind)


_bitwise("and", operator.and_)
_bitwise("or", operator.or_)
_bitwise("xor", operator.xor)


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
