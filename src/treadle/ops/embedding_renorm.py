"""Rows of a table of embeddings made no longer than a limit, in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.gather import check_index_dtype, checked_positions
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, i64
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
_LEAST = 1e-7
"""What torch adds to a length before it divides by it."""


def _infer(weight: TensorType, indices: Any, max_norm: float, norm_type: float) -> TensorType:
    check_index_dtype("embedding_renorm_", indices, "indices")
    if len(weight.sizes) != 2 or not dtype_of(weight).is_floating or max_norm < 0:
        raise ShapeError(
            f"embedding_renorm_: self must be floats of 2 dims and max_norm not negative, got"
            f" {weight} and {max_norm}"
        )
    return weight


def _renorm(weight: Array, indices: Array, max_norm: float, norm_type: float) -> Array:
    _infer(tensor(dtype_of(weight), weight.shape), indices, max_norm, norm_type)
    rows = np.unique(checked_positions("embedding_renorm_", indices, weight.shape[0]))
    lengths = np.linalg.norm(weight[rows].astype(np.float64), norm_type, axis=-1)
    long = lengths > max_norm
    scale = max_norm / (lengths[long] + _LEAST)
    weight[rows[long]] = (weight[rows[long]] * scale[:, None]).astype(weight.dtype)
    return weight


op(
    "aten::embedding_renorm_(Tensor(a!) self, Tensor indices, float max_norm, float norm_type) -> "
    "Tensor(a!)",
    reference=_renorm,
    infer=_infer,
    samples=(
        (f32(6, 4), i64(2, 3, low=0, high=6), 1.0, 2.0),
        (f32(6, 4), i64(3, low=0, high=6), 0.5, 1.0),
        (f32(6, 4), i64(0, low=0, high=6), 0.5, 2.0),
    ),
)
