"""Views of diagonals and of windows."""

from __future__ import annotations

from typing import Any

from treadle.errors import ShapeError
from treadle.ops.samples import f32
from treadle.ops.shapes import wrap_dim
from treadle.ops.strided import Geometry, strided


def _diagonal(
    shape: Any, strides: Any, offset: int, diagonal: int, dim1: int, dim2: int
) -> Geometry:
    a, b = wrap_dim("diagonal", dim1, len(shape)), wrap_dim("diagonal", dim2, len(shape))
    if a == b or len(shape) < 2:
        raise ShapeError(f"diagonal: dims {dim1} and {dim2} of {list(shape)} must differ")
    below, right = max(-diagonal, 0), max(diagonal, 0)
    length = max(0, min(shape[a] - below, shape[b] - right))
    start = offset + (below * strides[a] + right * strides[b] if length else 0)
    rest = [i for i in range(len(shape)) if i not in (a, b)]
    return (
        (*(shape[i] for i in rest), length),
        (*(strides[i] for i in rest), strides[a] + strides[b]),
        start,
    )


def _unfold(
    shape: Any, strides: Any, offset: int, dimension: int, size: int, step: int
) -> Geometry:
    axis = wrap_dim("unfold", dimension, len(shape))
    extent, stride = (shape[axis], strides[axis]) if shape else (1, 1)
    if step <= 0 or not 0 <= size <= extent:
        raise ShapeError(f"unfold: windows of {size} every {step} over {extent} elements")
    count = (extent - size) // step + 1
    if not shape:
        return (size,), (1,), offset
    moved = tuple(s * step if i == axis else s for i, s in enumerate(strides))
    return (*shape[:axis], count, *shape[axis + 1 :], size), (*moved, stride), offset


diagonal = strided(
    "aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)",
    _diagonal,
    (
        (f32(3, 4), 0, 0, 1),
        (f32(3, 4), 1, 0, 1),
        (f32(4, 3), -2, 0, 1),
        (f32(2, 3, 3), 0, -2, -1),
        (f32(2, 2), 5, 0, 1),
    ),
)
unfold = strided(
    "aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)",
    _unfold,
    ((f32(7), 0, 3, 2), (f32(2, 6), 1, 2, 1), (f32(4, 3), -2, 4, 1)),
)
