"""Views of any strides over the memory that a tensor is a part of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.strides import dense_order, is_contiguous
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import View
from treadle.ops.samples import bf16, f32
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def block_of(x: Array) -> Array | None:
    """The array that owns the memory of `x`, in the order in which it lies; None if it has gaps."""
    root = x
    while isinstance(root.base, np.ndarray):
        root = root.base
    if root.flags.c_contiguous:
        return root
    order = dense_order(root.shape, [s // root.itemsize for s in root.strides])
    return None if order is None else np.asarray(root.transpose(order))


def storage_of(x: Array) -> Array:
    """`block_of` what has no gaps.

    Raises:
        UnsupportedError: if it has.
    """
    block = block_of(x)
    if block is None:
        raise UnsupportedError("as_strided of memory that is not one block")
    return block


def part_of(
    root: Array, shape: Sequence[int], dtype: Any, offset: int, strides: Sequence[int]
) -> Array:
    """A view of the memory of `root`, in bytes from its begin, which knows whose memory it is.

    Raises:
        ValueError: if it leaves the memory.
    """
    memory = root.reshape(-1).view(np.uint8)  # not all dtypes can be buffers themselves
    part: Array = np.ndarray(shape, dtype, memory, offset, strides)
    return part


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
        return part_of(root, tuple(size), x.dtype, offset, steps)
    except (ValueError, TypeError) as error:
        raise ShapeError(
            f"as_strided: size {list(size)}, stride {list(stride)} and offset"
            f" {offset // x.itemsize} leave the storage of {root.size} elements"
        ) from error


def _place_in_row_major(
    strides: Sequence[int], offset: int, result: TensorType, x: TensorType, size: Sequence[int],
    stride: Sequence[int], start: int | None,
) -> tuple[tuple[int, ...], int] | None:  # fmt: skip
    """Where the result lies if `x` is all of a storage; None if `x` is not row-major."""
    if not is_contiguous(x.sizes, strides):
        return None
    first = start or 0
    last = first + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 not in size and not 0 <= first <= last < math.prod(x.sizes):
        raise UnsupportedError("as_strided beyond the tensor")
    return tuple(stride), offset + first


as_strided = op(
    "aten::as_strided(Tensor(a) self, int[] size, int[] stride, int? storage_offset=None) "
    "-> Tensor(a)",
    reference=_as_strided,
    infer=_infer_as_strided,
    lower=View(_place_in_row_major),
    tolerance=EXACT,
    samples=(
        (f32(3, 4), [2, 2], [1, 2], None),
        (bf16(3, 4), [2, 2], [1, 2], None),
        (f32(6), [2, 3], [3, 1], None),
        (f32(5), [3, 3], [1, 1], None),
        (f32(0, 4), [2, 0], [4, 1], None),
    ),
)
