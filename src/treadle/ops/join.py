"""Tensors put together and taken apart along a dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Concat
from treadle.ops.promotion import result_dtype
from treadle.ops.samples import f32, i64
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _is_legacy_empty(shape: Sequence[int]) -> bool:
    """Whether torch.cat skips a tensor of `shape` whatever the others are."""
    return tuple(shape) == (0,)


def _cat_shape(shapes: Sequence[tuple[int, ...]], dim: int) -> tuple[int, ...]:
    """The shape of the concatenation.

    Raises:
        ShapeError: if there is none.
    """
    if not shapes:
        raise ShapeError("cat: expected at least one tensor, got an empty list")
    kept = [s for s in shapes if not _is_legacy_empty(s)] or [shapes[0]]
    first = kept[0]
    if not first:
        raise ShapeError("cat: tensors without dims cannot be concatenated")
    axis = wrap_dim("cat", dim, len(first))
    for shape in kept:
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, shape, strict=True)) if i != axis
        ):
            raise ShapeError(
                f"cat: shapes {list(first)} and {list(shape)} must agree except in dim {axis}"
            )
    return tuple(sum(s[axis] for s in kept) if i == axis else d for i, d in enumerate(first))


def _cat(tensors: Sequence[Array], dim: int) -> Array:
    _cat_shape([t.shape for t in tensors], dim)
    dtype = result_dtype(*tensors).numpy
    kept = [t for t in tensors if not _is_legacy_empty(t.shape)] or list(tensors[:1])
    return np.concatenate([t.astype(dtype) for t in kept], axis=dim)


def _infer_cat(tensors: Sequence[TensorType], dim: int) -> TensorType:
    return tensor(result_dtype(*tensors), _cat_shape([t.sizes for t in tensors], dim))


def _cat_dim(result: TensorType, tensors: Sequence[TensorType], dim: int) -> int:
    return wrap_dim("cat", dim, len(result.sizes))


cat = op(
    "aten::cat(Tensor[] tensors, int dim=0) -> Tensor",
    reference=_cat,
    infer=_infer_cat,
    lower=Concat(_cat_dim),
    tolerance=EXACT,
    samples=(
        ([f32(2, 3), f32(2, 5)], 1),
        ([f32(2, 3)], 0),
        ([f32(0, 3), f32(2, 3)], 0),
        ([f32(2, 3, 4), f32(1, 3, 4), f32(3, 3, 4)], -3),
        ([f32(0), f32(2, 3)], 1),
        ([f32(3, 5, layout="transposed"), f32(3, 2)], 1),
        ([i64(2), f32(3)], 0),
    ),
)
