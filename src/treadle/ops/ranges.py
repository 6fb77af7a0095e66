"""Numbers at equal distances: ranges, and what lies evenly between two ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError
from treadle.ir.dtypes import DType
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.ranges import range_of
from treadle.ir.symbols import as_int
from treadle.ir.types import TensorType
from treadle.ops.creation import REST, Samples, default
from treadle.ops.declare import op
from treadle.ops.expr import add, call, cast, compare, const, mul, select
from treadle.ops.lowering import Elements
from treadle.ops.samples import f64
from treadle.ops.shapes import dtype_from_code, tensor

Array = np.ndarray[Any, Any]


# --- ranges -------------------------------------------------------------------------------------


def _range(start: Any, end: Any, step: Any, code: int | None) -> tuple[int, DType, Any, Any]:
    """Length, dtype, start and step of a range."""
    asked = None if code is None else dtype_from_code("arange", code, i64_dtype)
    count, *rest = range_of(start, end, step, asked)
    return as_int(count), *rest


def _arange(
    schema: str, bounds: Callable[..., tuple[Any, Any, Any, int | None]], samples: Samples
) -> OpDef:
    def reference(*args: Any) -> Array:
        count, dtype, start, step = _range(*bounds(*args))
        wide = np.int64 if isinstance(start, int) and isinstance(step, int) else np.float64
        return np.asarray(start + np.arange(count, dtype=wide) * step).astype(dtype.numpy)

    def infer(*args: Any) -> TensorType:
        count, dtype, _, _ = _range(*bounds(*args))
        return tensor(dtype, (count,))

    def build(load: Any, positions: Sequence[Expr], result: TensorType, *args: Any) -> Expr:
        _, dtype, start, step = _range(*bounds(*args))
        wide = i64_dtype if isinstance(start, int) and isinstance(step, int) else f64(0).dtype
        scaled = mul(cast(positions[0], wide), const(step, wide))
        return cast(add(scaled, const(start, wide)), dtype)

    return op(schema, reference=reference, infer=infer, lower=Elements(build), samples=samples)


arange = _arange(
    "aten::arange(Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    lambda end, dtype, *_: (0, end, 1, dtype),
    ((5, None, *REST), (0, None, *REST), (3.5, None, *REST), (4, 6, *REST)),
)
arange_start = _arange(
    "aten::arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    lambda start, end, dtype, *_: (start, end, 1, dtype),
    ((2, 7, None, *REST), (-1.5, 3, None, *REST)),
)
arange_step = _arange(
    "aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? "
    "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> "
    "Tensor",
    lambda start, end, step, dtype, *_: (start, end, step, dtype),
    (
        (2, 11, 3, None, *REST),
        (5, 0, -2, None, *REST),
        (0.0, 1.0, 0.1, None, *REST),
        (0, 2.5, 0.5, 2, *REST),
        (-0.5, 3.7, 1.5, 4, *REST),
        (0, 9, 2, 7, *REST),
        (0.0, -8.5, -4.0, 4, *REST),
    ),
)


def _linspace(start: Any, end: Any, steps: int, dtype: int | None, *_: Any) -> Array:
    result = _infer_linspace(start, end, steps, dtype)
    start, end = _ends(start, end, dtype)
    return np.linspace(float(start), float(end), steps).astype(result.element.numpy)


def _ends(start: Any, end: Any, dtype: int | None) -> tuple[Any, Any]:
    """Both ends; whole numbers in an integer dtype."""
    return (int(start), int(end)) if default(dtype).is_integral else (start, end)


def _infer_linspace(start: Any, end: Any, steps: int, dtype: int | None, *_: Any) -> TensorType:
    if steps < 0:
        raise InputError(f"linspace: steps must not be negative, got {steps}")
    return tensor(default(dtype), (steps,))


def _linspace_element(
    load: Any,
    positions: Sequence[Expr],
    result: TensorType,
    start: Any,
    end: Any,
    steps: int,
    *_: Any,
) -> Expr:
    wide = f64(0).dtype
    start, end = _ends(start, end, result.element.code)
    step = (float(end) - float(start)) / max(steps - 1, 1)
    scaled = mul(cast(positions[0], wide), const(step, wide))
    return cast(add(scaled, const(float(start), wide)), result.element)


linspace = op(
    "aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, "
    "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    reference=_linspace,
    infer=_infer_linspace,
    lower=Elements(_linspace_element),
    samples=(
        (0, 1, 5, None, *REST),
        (-2.0, 3.0, 7, 7, *REST),
        (1, 2, 1, None, *REST),
        (0, 1, 0, None, *REST),
        (4.3, -3, 9, 4, *REST),
    ),
)


_OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"


def _logspace(start: Any, end: Any, steps: int, base: float, code: int | None, *_: Any) -> Array:
    result = _infer_linspace(start, end, steps, code)
    start, end = _ends(start, end, code)
    return np.power(base, np.linspace(start, end, steps)).astype(result.element.numpy)


def _logspace_element(load: Any, positions: Sequence[Expr], result: TensorType, *args: Any) -> Expr:
    start, end, steps, base, code, *_ = args
    wide = f64(0).dtype
    start, end = map(float, _ends(start, end, code))
    step = const((end - start) / max(steps - 1, 1), wide)
    exponent = add(mul(cast(positions[0], wide), step), const(start, wide))
    last = compare("eq", positions[0], const(steps - 1, i64_dtype))
    if steps > 1:
        exponent = select(last, const(end, wide), exponent)
    return cast(call("pow", const(base, wide), exponent), result.element)


logspace = op(
    f"aten::logspace(Scalar start, Scalar end, int steps, float base=10., *, {_OPTIONS}) -> Tensor",
    reference=_logspace,
    infer=lambda start, end, steps, base, *rest: _infer_linspace(start, end, steps, *rest),
    lower=Elements(_logspace_element),
    samples=(
        (-1, 2, 7, 10.0, None, *REST),
        (0.0, 4.0, 5, 2.0, 7, *REST),
        (1, 2, 1, 2.0, None, *REST),
    ),
)


def _of_tensors(plain: OpDef) -> None:
    """The forms of `linspace` and `logspace` whose start, end or both are tensors without dims."""
    assert plain.schema is not None
    assert plain.reference is not None
    made = plain.reference
    base = plain.schema.base

    def number(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        if value.ndim:
            raise InputError(f"{base}: start and end must have no dims, got {list(value.shape)}")
        return value.item()

    for kinds in (("Tensor", "Tensor"), ("Tensor", "Scalar"), ("Scalar", "Tensor")):
        head = f"aten::{base}.{'_'.join(kinds)}({kinds[0]} start, {kinds[1]} end, "
        op(
            head + plain.schema.text.partition("Scalar end, ")[2],
            reference=lambda start, end, *rest: made(number(start), number(end), *rest),
        )


_of_tensors(linspace)
_of_tensors(logspace)


def _closed(start: Any, end: Any, step: Any, code: int | None, *_: Any) -> Array:
    """`arange` with the end in it, in f32 by default."""
    count = _infer_closed(start, end, step, code).sizes[0]
    return np.asarray(start + np.arange(count) * step).astype(default(code).numpy)


def _infer_closed(start: Any, end: Any, step: Any, code: int | None, *_: Any) -> TensorType:
    if step == 0 or (end - start) * step < 0:
        raise InputError(f"range: {start} to {end} by {step}; the step must lead to the end")
    return tensor(default(code), (math.floor((end - start) / step) + 1,))


op(
    f"aten::range.step(Scalar start, Scalar end, Scalar step=1, *, {_OPTIONS}) -> Tensor",
    reference=_closed,
    infer=_infer_closed,
    samples=((1, 4, 1, None, *REST), (0.0, 1.0, 0.25, 7, *REST), (5, 1, -2, 4, *REST)),
)
op(
    f"aten::range(Scalar start, Scalar end, *, {_OPTIONS}) -> Tensor",
    reference=lambda start, end, *rest: _closed(start, end, 1, *rest),
    infer=lambda start, end, *rest: _infer_closed(start, end, 1, *rest),
    samples=((1, 4, None, *REST),),
)
