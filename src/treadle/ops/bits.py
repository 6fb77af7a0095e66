"""Tensors as bits: the same memory under another dtype, and hashes of elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType, f64, i64, u64
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Strides, View
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, c64
from treadle.ops.samples import f32 as float32
from treadle.ops.samples import i64 as int64
from treadle.ops.shapes import dtype_from_code, reduced_shape, tensor, wrap_dims
from treadle.ops.view import view as view  # whose overload is tried first: a number is a size

Array = np.ndarray[Any, Any]


def _infer_view(x: TensorType, code: int) -> TensorType:
    """The last dim grows or shrinks with the size of an element."""
    dtype = dtype_from_code("view", code, x.element)
    wide, narrow = x.element.itemsize, dtype.itemsize
    if wide == narrow:
        return tensor(dtype, x.sizes)
    if not x.sizes:
        raise ShapeError(f"view: a tensor of {x.element} without dims as {dtype}, of another size")
    if x.sizes[-1] * wide % narrow:
        raise ShapeError(
            f"view: a last dim of {x.sizes[-1]} {x.element} is no whole number of {dtype}"
        )
    return tensor(dtype, (*x.sizes[:-1], x.sizes[-1] * wide // narrow))


def _view(x: Array, code: int) -> Array:
    result = _infer_view(tensor(dtype_of(x), x.shape), code)
    dtype = result.element.numpy
    if dtype.itemsize != x.itemsize and not x.size:
        return x.reshape(-1)[:0].view(dtype).reshape(result.sizes)
    if dtype.itemsize != x.itemsize and x.shape[-1] != 1 and x.strides[-1] != x.itemsize:
        raise ShapeError("view: the last dim must have a stride of 1 for a dtype of another size")
    if any(s % dtype.itemsize for s, n in zip(x.strides[:-1], x.shape, strict=False) if n > 1):
        raise ShapeError(f"view: strides must be whole numbers of {result.element}")
    return x.view(dtype)


def _view_strides(
    strides: Strides, offset: int, result: TensorType, x: TensorType, code: int
) -> tuple[Strides, int] | None:
    wide, narrow = x.element.itemsize, result.element.itemsize
    if wide == narrow:
        return strides, offset
    scaled = [s * wide for s in (*strides[:-1], offset)]
    if (x.sizes[-1] != 1 and strides[-1] != 1) or any(s % narrow for s in scaled):
        return None
    *outer, start = (s // narrow for s in scaled)
    return (*outer, 1), start


op(
    "aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)",
    reference=_view,
    infer=_infer_view,
    lower=View(_view_strides),
    tolerance=EXACT,
    samples=(
        (float32(2, 3), 3),
        (float32(2, 3, layout="transposed"), 3),
        (float32(), 3),
        (float32(2, 4), 4),
        (int64(3, 2), 6),
        (int64(3, 2), 11),
        (c64(3), 6),
    ),
)


# --- hashes -------------------------------------------------------------------------------------


def _hashed_type(x: TensorType, dims: Sequence[int], keepdim: bool, mode: int) -> TensorType:
    if mode:
        raise ShapeError(f"hash_tensor: argument mode must be 0, got {mode}")
    if x.element.is_complex:
        raise ShapeError(f"hash_tensor: needs real numbers, got {x.element}")
    axes = wrap_dims("hash_tensor", dims, len(x.sizes))
    if not all(x.sizes[a] for a in axes):
        raise ShapeError(f"hash_tensor: nothing to combine along dims {list(axes)} of {x}")
    return tensor(u64, reduced_shape(x.sizes, axes, keepdim))


def _hash(x: Array, dims: Sequence[int], keepdim: bool, mode: int) -> Array:
    """The exclusive or of all bits, of floats as f64, of integers as i64."""
    _hashed_type(tensor(dtype_of(x), x.shape), dims, keepdim, mode)
    wide: DType = f64 if dtype_of(x).is_floating else i64
    bits = x.astype(wide.numpy).view(np.uint64)
    combine: Any = np.bitwise_xor.reduce
    return np.asarray(combine(bits, wrap_dims("hash_tensor", dims, x.ndim), keepdims=keepdim))


op(
    "aten::hash_tensor(Tensor self, int[1] dim=[], *, bool keepdim=False, int mode=0) -> Tensor",
    reference=_hash,
    infer=_hashed_type,
    tolerance=EXACT,
    samples=(
        (float32(3, 4), [], False, 0),
        (int64(3, 4), [1], True, 0),
        (boolean(5), [0], False, 0),
    ),
)
