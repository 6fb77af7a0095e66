"""What floating numbers are made of: mantissas and exponents, neighbours."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.inplace import inplace
from treadle.ops.promotion import dtype_of, result_dtype
from treadle.ops.samples import SPECIAL, f16, f32, f64, given
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]


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
    tolerance=EXACT,
    samples=((f32(3, 4), f32(4)), (f64(3), f64(1)), (SPECIAL, f32(9))),
)
inplace(nextafter)
