"""Views: other shapes and strides over the same elements. References share memory, as torch's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Reshape, Strides, View
from treadle.ops.samples import f32, i64
from treadle.ops.shapes import complete_shape, numel, tensor, wrap_dim

Array = np.ndarray[Any, Any]


def view_array(op_name: str, x: Array, shape: Sequence[int]) -> Array:
    """`x` under `shape`, sharing its memory.

    Raises:
        ShapeError: if no strides give that shape.
    """
    result = x.reshape(shape)
    if x.size and not np.may_share_memory(result, x):
        raise ShapeError(
            f"{op_name}: shape {list(shape)} is not a view of a tensor of shape {list(x.shape)}"
            f" and strides {[s // x.itemsize for s in x.strides]}; use reshape"
        )
    return result


# --- shapes -------------------------------------------------------------------------------------


def _view(x: Array, size: Sequence[int]) -> Array:
    return view_array("view", x, complete_shape("view", size, x.size))


def _infer_view(x: TensorType, size: Sequence[int]) -> TensorType:
    return tensor(x.element, complete_shape("view", size, numel(x.sizes)))


def _flat_shape(shape: Sequence[int], start: int, end: int) -> tuple[int, ...]:
    first, last = (wrap_dim("flatten", d, len(shape)) for d in (start, end))
    if first > last:
        raise ShapeError(f"flatten: start_dim {start} lies behind end_dim {end}")
    if not shape:
        return (1,)
    return (*shape[:first], numel(shape[first : last + 1]), *shape[last + 1 :])


def _flatten(x: Array, start: int, end: int) -> Array:
    return x.reshape(_flat_shape(x.shape, start, end))


def _infer_flatten(x: TensorType, start: int, end: int) -> TensorType:
    return tensor(x.element, _flat_shape(x.sizes, start, end))


view = op(
    "aten::view(Tensor(a) self, int[] size) -> Tensor(a)",
    reference=_view,
    infer=_infer_view,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 6), [3, 4]),
        (f32(2, 6), [-1]),
        (f32(), [1, 1]),
        (f32(0, 3), [3, 0]),
        (f32(4, 1, 3), [2, -1, 3]),
        (i64(1), []),
    ),
)
flatten = op(
    "aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)",
    reference=_flatten,
    infer=_infer_flatten,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 3, 4), 1, -1),
        (f32(2, 3, 4), 0, 1),
        (f32(), 0, -1),
        (f32(3), 0, 0),
        (f32(0, 2), 0, -1),
        (f32(3, 4, layout="transposed"), 0, 1),
    ),
)


# --- identities ---------------------------------------------------------------------------------


def _contiguous(x: Array, memory_format: int) -> Array:
    return x if x.flags.c_contiguous else np.ascontiguousarray(x)


contiguous = op(
    "aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)",
    reference=_contiguous,
    infer=lambda x, _: x,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), 0),
        (f32(2, 3, layout="transposed"), 0),
        (f32(), 0),
        (f32(0, 2), 0),
    ),
)


# --- strides ------------------------------------------------------------------------------------


def _swap(rank: int, dim0: int, dim1: int) -> list[int]:
    order = list(range(rank))
    a, b = wrap_dim("transpose", dim0, rank, "dim0"), wrap_dim("transpose", dim1, rank, "dim1")
    if rank:
        order[a], order[b] = b, a
    return order


def _transpose(x: Array, dim0: int, dim1: int) -> Array:
    return x.transpose(_swap(x.ndim, dim0, dim1))


def _infer_transpose(x: TensorType, dim0: int, dim1: int) -> TensorType:
    return tensor(x.element, [x.sizes[i] for i in _swap(len(x.sizes), dim0, dim1)])


def _transpose_strides(
    strides: Strides, offset: int, result: TensorType, x: TensorType, dim0: int, dim1: int
) -> tuple[Strides, int]:
    return tuple(strides[i] for i in _swap(len(x.sizes), dim0, dim1)), offset


transpose = op(
    "aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)",
    reference=_transpose,
    infer=_infer_transpose,
    lower=View(_transpose_strides),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), 0, 1),
        (f32(2, 3, 4), 1, -1),
        (f32(2, 0), 0, 1),
        (f32(), 0, -1),
        (f32(3), 0, 0),
    ),
)


def slice_bounds(size: int, start: int | None, end: int | None, step: int) -> tuple[int, int]:
    """First position and length of a slice, as torch clamps them.

    Raises:
        ShapeError: if the step is not positive.
    """
    if step <= 0:
        raise ShapeError(f"slice: step must be positive, got {step}")
    first, last, _ = slice(start, end, step).indices(size)
    return first, max(0, -(-(last - first) // step))


def _slice(x: Array, dim: int, start: int | None, end: int | None, step: int) -> Array:
    axis = _slice_dim(x.ndim, dim)
    first, length = slice_bounds(x.shape[axis], start, end, step)
    index = (slice(None),) * axis + (slice(first, first + length * step, step),)
    return np.asarray(x[index])


def _slice_dim(rank: int, dim: int) -> int:
    if rank == 0:
        raise ShapeError("slice: a tensor without dims cannot be sliced")
    return wrap_dim("slice", dim, rank)


def _infer_slice(
    x: TensorType, dim: int, start: int | None, end: int | None, step: int
) -> TensorType:
    axis = _slice_dim(len(x.sizes), dim)
    _, length = slice_bounds(x.sizes[axis], start, end, step)
    return tensor(x.element, [length if i == axis else d for i, d in enumerate(x.sizes)])


def _slice_strides(
    strides: Strides,
    offset: int,
    result: TensorType,
    x: TensorType,
    dim: int,
    start: int | None,
    end: int | None,
    step: int,
) -> tuple[Strides, int]:
    axis = _slice_dim(len(x.sizes), dim)
    first, _ = slice_bounds(x.sizes[axis], start, end, step)
    stepped = tuple(s * step if i == axis else s for i, s in enumerate(strides))
    return stepped, offset + first * strides[axis]


slice_ = op(
    "aten::slice.Tensor(Tensor(a) self, int dim=0, int? start=None, int? end=None, int "
    "step=1) -> Tensor(a)",
    reference=_slice,
    infer=_infer_slice,
    lower=View(_slice_strides),
    tolerance=EXACT,
    samples=(
        (f32(5, 3), 0, 1, 4, 1),
        (f32(5, 3), 1, 0, 9223372036854775807, 2),
        (f32(7), 0, -3, None, 1),
        (f32(7), 0, None, None, 3),
        (f32(4), 0, 3, 1, 1),
        (f32(0, 2), 0, 0, 5, 1),
        (f32(3, 6, layout="transposed"), -1, 1, -1, 2),
        (i64(1, 9), 1, 0, 4, 1),
    ),
)


# --- dims of size one ---------------------------------------------------------------------------


def _unsqueezed(shape: Sequence[int], dim: int) -> tuple[int, ...]:
    axis = wrap_dim("unsqueeze", dim, len(shape) + 1)
    return (*shape[:axis], 1, *shape[axis:])


def _infer_unsqueeze(x: TensorType, dim: int) -> TensorType:
    return tensor(x.element, _unsqueezed(x.sizes, dim))


def _squeezable(name: str, shape: Sequence[int], dims: Sequence[int]) -> list[int]:
    wrapped = [wrap_dim(name, d, len(shape)) for d in dims]
    return [i for i, d in enumerate(shape) if d == 1 and i in wrapped]


def _squeezed(shape: Sequence[int], dims: Sequence[int]) -> tuple[int, ...]:
    gone = _squeezable("squeeze", shape, dims)
    return tuple(d for i, d in enumerate(shape) if i not in gone)


def _infer_squeeze(x: TensorType, dim: int) -> TensorType:
    return tensor(x.element, _squeezed(x.sizes, [dim]))


unsqueeze = op(
    "aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)",
    reference=lambda x, dim: x.reshape(_unsqueezed(x.shape, dim)),
    infer=_infer_unsqueeze,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), 1),
        (f32(), 0),
        (f32(2), -1),
        (f32(0), 0),
        (f32(2, 3, layout="transposed"), -2),
    ),
)
squeeze_dim = op(
    "aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)",
    reference=lambda x, dim: x.reshape(_squeezed(x.shape, [dim])),
    infer=_infer_squeeze,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 1, 3), 1),
        (f32(2, 3), 0),
        (f32(), -1),
        (f32(1), 0),
        (f32(0, 1), 1),
    ),
)


# --- one position of a dim ----------------------------------------------------------------------


def _selected(shape: Sequence[int], dim: int, index: int) -> tuple[int, int]:
    """The dim and the position, both not negative."""
    if not shape:
        raise ShapeError("select: a tensor without dims has nothing to select")
    axis = wrap_dim("select", dim, len(shape))
    if not -shape[axis] <= index < shape[axis]:
        raise IndexOutOfRange(
            f"select: index {index} is out of range for dim {dim} of size {shape[axis]}"
        )
    return axis, index % shape[axis]


def _select(x: Array, dim: int, index: int) -> Array:
    axis, position = _selected(x.shape, dim, index)
    return np.asarray(x[(slice(None),) * axis + (position, ...)])


def _infer_select(x: TensorType, dim: int, index: int) -> TensorType:
    axis, _ = _selected(x.sizes, dim, index)
    return tensor(x.element, x.sizes[:axis] + x.sizes[axis + 1 :])


def _select_strides(
    strides: Strides, offset: int, result: TensorType, x: TensorType, dim: int, index: int
) -> tuple[Strides, int]:
    axis, position = _selected(x.sizes, dim, index)
    return strides[:axis] + strides[axis + 1 :], offset + position * strides[axis]


select = op(
    "aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)",
    reference=_select,
    infer=_infer_select,
    lower=View(_select_strides),
    tolerance=EXACT,
    samples=(
        (f32(3, 4), 0, 1),
        (f32(3, 4), -1, -2),
        (f32(5), 0, 4),
        (f32(2, 0, 3), 0, 1),
        (f32(3, 4, layout="transposed"), 1, 0),
    ),
)
