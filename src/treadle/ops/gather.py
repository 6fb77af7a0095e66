"""Elements picked by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import cast, checked_index
from treadle.ops.lowering import Elements, Loader
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, given, i32, i64
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def check_index_dtype(op_name: str, index: Any, argument: str = "index") -> None:
    """Check that `index` is i64 or i32.

    Raises:
        ShapeError: if not.
    """
    dtype = dtype_of(index)
    if dtype.name not in ("i64", "i32"):
        raise ShapeError(f"{op_name}: {argument} must be i64 or i32, got {dtype}")


def checked_positions(op_name: str, index: Array, size: int, wrap: bool = False) -> Array:
    """`index` as non-negative positions below `size`; negative ones allowed if `wrap`.

    Raises:
        IndexOutOfRange: if one is outside.
    """
    low = -size if wrap else 0
    bad = index[(index < low) | (index >= size)]
    if bad.size:
        raise IndexOutOfRange(f"{op_name}: index {bad.flat[0]} is out of range {low} to {size - 1}")
    return np.where(index < 0, index + size, index)


def _check_embedding(weight: Any, indices: Any) -> None:
    if len(weight.shape) != 2:
        raise ShapeError(f"embedding: weight must have 2 dims, got {list(weight.shape)}")
    check_index_dtype("embedding", indices, "indices")


def _embedding(weight: Array, indices: Array, *_: Any) -> Array:
    _check_embedding(weight, indices)
    return weight[checked_positions("embedding", indices, weight.shape[0])]


def _infer_embedding(weight: TensorType, indices: TensorType, *_: Any) -> TensorType:
    _check_embedding(weight, indices)
    return tensor(weight.element, (*indices.sizes, weight.sizes[1]))


def _embedding_element(
    load: Loader, positions: Sequence[Expr], result: TensorType, weight: TensorType, *_: Any
) -> Expr:
    index = cast(load(1, positions[:-1]), i64_dtype)
    return load(0, (checked_index(index, weight.sizes[0]), positions[-1]))


embedding = op(
    "aten::embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool "
    "scale_grad_by_freq=False, bool sparse=False) -> Tensor",
    reference=_embedding,
    infer=_infer_embedding,
    lower=Elements(_embedding_element),
    tolerance=EXACT,
    samples=(
        (f32(10, 4), i64(2, 3, low=0, high=10), -1, False, False),
        (f32(3, 17), given(2, i64_dtype), 0, False, False),
        (f32(4, 1), i64(0, 2, low=0, high=4), -1, False, False),
        (f32(6, 5, layout="transposed"), i32(7, low=0, high=6), -1, False, False),
    ),
)
