"""Views of any strides over the memory that a tensor is a part of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.samples import bf16, f32
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def storage_of(x: Array) -> Array:
    """The array that owns the memory of `x`, one block of it.

    Raises:
        UnsupportedError: if it is not one.
    """
    root = x
    while isinstance(root.base, np.ndarray):
        root = root.base
    root = root.T if root.flags.f_contiguous else root
    if not root.flags.c_contiguous:
        raise UnsupportedError("as_strided of memory that is not one block")
    return root


def _check_strides(size: Sequence[int], stride: Sequence[int]) -> None:
    if len(size) != len(stride) or any(d < 0 for d in (*size, *stride)):
        raise ShapeError(
            f"as_strided: size {list(size)} and stride {list(stride)}; as many, none negative"
        )


def _infer_as_strided(x: TensorType, size: Sequence[int], stride: Any, *_: Any) -> TensorType:
    _check_strides(size, stride)
    return tensor(x.element, size)


def _as_strided(x: Array, size: Sequence[int], stride: Sequence[int], start: int | None) -> Array:
    """Bounded by the array that owns the memory, so that no model reads outside of it."""
    _check_strides(size, stride)
    if 0 in size:
        return x.reshape(-1)[:0].reshape(size)
    root = storage_of(x)
    offset = x.ctypes.data - root.ctypes.data if start is None else start * x.itemsize
    try:
        steps = [s * x.itemsize for s in stride]
        memory = root.reshape(-1).view(np.uint8).data  # not all dtypes can be buffers themselves
        return np.asarray(np.ndarray(tuple(size), x.dtype, memory, offset, steps))
    except (ValueError, TypeError) as error:
        raise ShapeError(
            f"as_strided: size {list(size)}, stride {list(stride)} and offset"
            f" {offset // x.itemsize} leave the storage of {root.size} elements"
        ) from error


as_strided = op(
    "aten::as_strided(Tensor(a) self, int[] size, int[] stride, int? storage_offset=None) "
    "-> Tensor(a)",
    reference=_as_strided,
    infer=_infer_as_strided,
    tolerance=EXACT,
    samples=(
        (f32(3, 4), [2, 2], [1, 2], None),
        (bf16(3, 4), [2, 2], [1, 2], 1),
        (f32(6), [2, 3], [3, 1], 0),
        (f32(5), [3, 3], [1, 1], None),
        (f32(0, 4), [2, 0], [4, 1], None),
    ),
)
