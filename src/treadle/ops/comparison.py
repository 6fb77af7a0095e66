"""Comparisons, and questions about single numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from treadle.ops.declare import EXACT
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.promotion import KINDS, result_dtype
from treadle.ops.samples import SPECIAL, boolean, f16, f32, f64, i32, i64

PAIRS = (
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
    kinds: str = "bif",
) -> None:
    """A comparison of tensors, of a tensor with a number, and by its other name."""

    def body(f: Any, a: Any, b: Any) -> Any:
        return compare(a, b)

    pointwise(
        f"treadle::{name}_same(Tensor self, Tensor other) -> Tensor",
        body,
        result=Result.BOOL,
        samples=PAIRS[:4],
        tolerance=EXACT,
        doc="Of operands of one dtype.",
        kinds=kinds,
    )
    for schema in schemas:
        inplace(
            pointwise(
                schema,
                body,
                result=Result.BOOL,
                samples=PAIRS,
                lower=_same(name),
                tolerance=EXACT,
                kinds=kinds,
            )
        )
    for schema in scalars:
        inplace(
            pointwise(
                schema, body, result=Result.BOOL, samples=_SCALARS, tolerance=EXACT, kinds=kinds
            )
        )


_comparison(
    "eq",
    operator.eq,
    ("aten::eq.Tensor(Tensor self, Tensor other) -> Tensor",),
    ("aten::eq.Scalar(Tensor self, Scalar other) -> Tensor",),
    KINDS,
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
    KINDS,
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
