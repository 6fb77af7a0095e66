"""Tensors made of numbers: zeros, ranges, identity matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import f32
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import const
from treadle.ops.lowering import Elements
from treadle.ops.shapes import dtype_from_code, tensor

Array = np.ndarray[Any, Any]


def checked_size(op_name: str, size: Sequence[int]) -> tuple[int, ...]:
    """`size` as a tuple.

    Raises:
        ShapeError: if one is negative.
    """
    if any(d < 0 for d in size):
        raise ShapeError(f"{op_name}: sizes must not be negative, got {list(size)}")
    return tuple(size)


def constant_elements(value: float) -> Elements:
    """Every element is `value`."""
    return Elements(lambda load, positions, result, *_: const(value, result.element))


def _zeros(size: Sequence[int], dtype: int | None, *_: Any) -> Array:
    return np.zeros(checked_size("zeros", size), dtype_from_code("zeros", dtype, f32).numpy)


def _infer_zeros(size: Sequence[int], dtype: int | None, *_: Any) -> TensorType:
    return tensor(dtype_from_code("zeros", dtype, f32), checked_size("zeros", size))


_REST = (None, None, None)
zeros = op(
    "aten::zeros(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    reference=_zeros,
    infer=_infer_zeros,
    lower=constant_elements(0),
    tolerance=EXACT,
    samples=(([2, 3], 6, *_REST), ([], None, *_REST), ([0, 2], 4, *_REST)),
)
