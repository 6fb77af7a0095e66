"""Comparisons, and questions about single numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from treadle.ir.op import OpDef
from treadle.ops.declare import EXACT
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.promotion import KINDS, result_dtype
from treadle.ops.samples import SPECIAL, boolean, f16, f32, f64, i32, i64

Samples = tuple[tuple[Any, ...], ...]

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
    names: tuple[str, ...], compare: Callable[[Any, Any], Any], kinds: str = "bif"
) -> None:
    """A comparison of tensors and of a tensor with a number, by all its names."""
    name = names[0]

    def body(f: Any, a: Any, b: Any) -> Any:
        return compare(a, b)

    def define(schema: str, samples: Samples, **options: Any) -> OpDef:
        return pointwise(
            schema,
            body,
            result=Result.BOOL,
            samples=samples,
            tolerance=EXACT,
            kinds=kinds,
            **options,
        )

    define(
        f"treadle::{name}_same(Tensor self, Tensor other) -> Tensor",
        PAIRS[:4],
        doc="Of operands of one dtype.",
    )
    for base in names:
        schema = f"aten::{base}.Tensor(Tensor self, Tensor other) -> Tensor"
        inplace(define(schema, PAIRS, lower=_same(name)))
    for base in names:
        inplace(define(f"aten::{base}.Scalar(Tensor self, Scalar other) -> Tensor", _SCALARS))


_comparison(("eq",), operator.eq, KINDS)
_comparison(("ne", "not_equal"), operator.ne, KINDS)
_comparison(("lt", "less"), operator.lt)
_comparison(("le", "less_equal"), operator.le)
_comparison(("gt", "greater"), operator.gt)
_comparison(("ge", "greater_equal"), operator.ge)


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
