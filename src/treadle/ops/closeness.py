"""Whether tensors are equal, element by element within tolerances, or altogether."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle._native import are_equal
from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import bool_
from treadle.ir.dtypes import f64 as f64_dtype
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import EXACT, op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import SPECIAL, boolean, f32, f64, i64
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]


def _isclose(a: Array, b: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    if rtol < 0 or atol < 0 or a.dtype != b.dtype:
        _infer_isclose(tensor(dtype_of(a), a.shape), tensor(dtype_of(b), b.shape), rtol, atol)
    if a.dtype.char not in "fd":
        return np.asarray(np.isclose(a, b, rtol, atol, equal_nan))
    is_close = (abs(a - b) <= atol + rtol * abs(b)) & np.isfinite(b)
    is_close |= (a == b) | ((a != a) & (b != b)) if equal_nan else a == b
    return np.asarray(is_close)


def _infer_isclose(a: TensorType, b: TensorType, rtol: float, atol: float, *_: Any) -> TensorType:
    if rtol < 0 or atol < 0:
        raise ShapeError(f"isclose: rtol and atol must not be negative, got {rtol} and {atol}")
    if a.element != b.element:
        raise ShapeError(f"isclose: dtypes {a.element} and {b.element} differ")
    return tensor(bool_, broadcast("isclose", a.sizes, b.sizes))


def _planned(a: Operand, b: Operand, rtol: float, atol: float, equal_nan: bool) -> Any:
    if a.dtype.is_complex or (a.dtype.is_floating and a.dtype.itemsize < 4):
        raise UnsupportedError(f"isclose of {a.dtype}, as a plan")
    same = a.op("eq.Tensor", b)
    if not a.dtype.is_floating:
        a, b = a.to(f64_dtype), b.to(f64_dtype)
    near = (abs(a - b) <= abs(b) * rtol + atol).op("logical_and", b.op("isfinite"))
    if equal_nan:
        same = same.op("logical_or", a.op("isnan").op("logical_and", b.op("isnan")))
    return near.op("logical_or", same)


_CLOSE = (1e-5, 1e-8, False)
_TOLERANCES = "float rtol=1.0000000000000001e-05, float atol=1e-08, bool equal_nan=False"
op(
    f"aten::isclose(Tensor self, Tensor other, {_TOLERANCES}) -> Tensor",
    reference=_isclose,
    infer=_infer_isclose,
    lower=made_of(_planned),
    tolerance=EXACT,
    samples=(
        (f32(3), f32(3), *_CLOSE),
        (f32(2, 3), f32(3), 0.5, 0.25, False),
        (f64(4, 1), f64(3), 0.0, 0.5, False),
        (f32(0, 3), f32(3), *_CLOSE),
        (SPECIAL, SPECIAL, 1e-5, 1e-8, True),
        (SPECIAL, SPECIAL, *_CLOSE),
        (i64(4), i64(4), *_CLOSE),
        (boolean(3), boolean(3), *_CLOSE),
    ),
)
op(
    f"aten::allclose(Tensor self, Tensor other, {_TOLERANCES}) -> bool",
    reference=lambda *args: bool(_isclose(*args).all()),
    samples=((f32(3), f32(3), *_CLOSE), (SPECIAL, SPECIAL, 1e-5, 1e-8, True)),
)
op(
    "aten::equal(Tensor self, Tensor other) -> bool",
    reference=are_equal,
    samples=((f32(3), f32(3)), (i64(2), i64(3)), (f32(0), f32(0)), (SPECIAL, SPECIAL)),
)
