"""What floating numbers are made of: mantissas and exponents, neighbours, what is no number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import cast
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter, Pointwise
from treadle.ops.pointwise import pointwise
from treadle.ops.promotion import dtype_of, result_dtype
from treadle.ops.samples import SPECIAL, f16, f32, f64, given, i64
from treadle.ops.scalar_math import LOOPS, Element
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]
_CORNERS = np.array([0.0, -0.0, 1e-45, -1e-45, 1.17549435e-38, 1.0, -2.0, np.inf, -np.inf, np.nan])


def _infer_frexp(x: TensorType) -> tuple[TensorType, TensorType]:
    if not x.element.is_floating:
        raise ShapeError(f"frexp: needs floating numbers, got {x.element}")
    return x, tensor(dtypes.i32, x.sizes)


def _frexp(x: Array) -> tuple[Array, Array]:
    types = _infer_frexp(tensor(dtype_of(x), x.shape))
    wide = x.astype(np.float32) if x.dtype == ml_dtypes.bfloat16 else x
    mantissa, exponent = np.frexp(wide)
    return np.asarray(mantissa).astype(x.dtype), np.asarray(exponent).astype(types[1].element.numpy)


def _infer_next(x: TensorType, other: TensorType) -> TensorType:
    dtype = result_dtype(x, other)
    if not dtype.is_floating:
        raise ShapeError(f"nextafter: needs floating numbers, got {dtype}")
    return tensor(dtype, broadcast("nextafter", x.sizes, other.sizes))


def _next(x: Array, other: Array) -> Array:
    types = (tensor(dtype_of(a), a.shape) for a in (x, other))
    dtype = _infer_next(*types).element.numpy
    return np.asarray(np.nextafter(x.astype(dtype), other.astype(dtype)))


def _next_element(result: TensorType, first: Expr, second: Expr) -> Expr:
    """By a step that rounds to one unit in the last place, in double precision.

    Source: Rump, Zimmermann, Boldo, Melquiond 2009, Computing predecessor and successor in rounding
    to nearest. Small f64 are scaled, so that the step itself is not rounded to denormals.
    """
    finfo: Any = ml_dtypes.finfo(result.element.numpy)  # type: ignore[no-untyped-call]
    unit = float(finfo.epsneg)
    least, largest = (
        LOOPS.cast(float(v), dtypes.f64) for v in (finfo.smallest_subnormal, finfo.max)
    )
    x, other = (Element(cast(cast(v, result.element), dtypes.f64)) for v in (first, second))
    scale = LOOPS.cast(1.0, dtypes.f64)
    if result.element == dtypes.f64:
        scale = LOOPS.where(LOOPS.abs(x) < 2.0**-900, 2.0**100, scale)
    scaled = x * scale
    step = LOOPS.maximum(LOOPS.abs(scaled) * (unit * (1 + 2 * unit)), least * scale)
    moved = LOOPS.where(x < other, scaled + step, scaled - step) / scale
    moved = LOOPS.where(moved == 0.0, x * 0.0, moved)
    moved = LOOPS.where(LOOPS.isinf(x), LOOPS.where(x > 0.0, largest, -largest), moved)
    found = LOOPS.where((x != x) | (other != other), x + other, moved)
    found = LOOPS.where(x == other, other, found)
    return cast(found.expr, result.element)


op(
    "aten::frexp.Tensor(Tensor self) -> (Tensor mantissa, Tensor exponent)",
    reference=_frexp,
    infer=_infer_frexp,
    tolerance=EXACT,
    samples=((f32(3, 4, high=100.0),), (f64(0),), (f16(5),), (given([0.0, -8.0, 0.3]),)),
)
nextafter = op(
    "aten::nextafter(Tensor self, Tensor other) -> Tensor",
    reference=_next,
    infer=_infer_next,
    lower=Pointwise(_next_element),
    tolerance=EXACT,
    samples=(
        (f32(3, 4), f32(4)),
        (f64(3), f64(1)),
        (SPECIAL, f32(9)),
        (f16(5), f16(5)),
        (given(_CORNERS), given(_CORNERS[:, None])),
        (given(_CORNERS, dtypes.f64), given(_CORNERS[:, None], dtypes.f64)),
    ),
)
inplace(nextafter)


def _replaced(f: Any, x: Any, nan: float, high: float, low: float) -> Any:
    if not f.dtype(x).is_floating:
        return x
    x = f.where(x != x, nan, x)
    return f.where(x == np.inf, high, f.where(x == -np.inf, low, x))


_replace_special = pointwise(
    "treadle::replace_special(Tensor self, float nan, float posinf, float neginf) -> Tensor",
    _replaced,
    samples=((SPECIAL, 1.0, 2.0, -3.0), (i64(3), 0.5, 1.0, 0.0)),
)


def _numbers(dtype: dtypes.DType, given: Sequence[float | None]) -> list[float]:
    """What stands for NaN and both infinities, of which the defaults depend on the dtype."""
    largest = 0.0
    if dtype.is_floating:
        finfo: Any = ml_dtypes.finfo(dtype.numpy)  # type: ignore[no-untyped-call]
        largest = float(finfo.max)
    defaults = (0.0, largest, -largest)
    return [d if v is None else v for v, d in zip(given, defaults, strict=True)]


def _nan_to_num(x: Array, *given: float | None) -> Any:
    if x.dtype.kind == "c":
        parts = np.empty_like(x)
        parts.real, parts.imag = _nan_to_num(x.real, *given), _nan_to_num(x.imag, *given)
        return parts
    assert _replace_special.reference is not None
    return _replace_special.reference(x, *_numbers(dtype_of(x), given))


def _lower_nan_to_num(emit: Emitter, x: Any, *given: float | None) -> Any:
    return emit(_replace_special, x, *_numbers(emit.type(x).element, given))


nan_to_num = op(
    "aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) "
    "-> Tensor",
    reference=_nan_to_num,
    infer=lambda x, *_: x,
    lower=Decompose(_lower_nan_to_num),
    tolerance=EXACT,
    samples=(
        (SPECIAL, None, None, None),
        (SPECIAL, 1.0, 2.0, -3.0),
        (given([1.0, np.inf, -np.inf, np.nan], dtypes.f16), None, None, None),
        (given([1.0, np.inf, -np.inf, np.nan], dtypes.bf16), None, None, None),
        (i64(3), 0.5, None, None),
    ),
)
