"""Views by strides: order of dims, broadcasting, parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Strides, View
from treadle.ops.samples import f32, i64
from treadle.ops.shapes import numel, slice_bounds, tensor, wrap_dim
from treadle.ops.storage import block_of, part_of

Array = np.ndarray[Any, Any]
Geometry = tuple[tuple[int, ...], Strides, int]
"""Shape, strides and offset, the latter two in elements."""


def strided(
    schema: str, rule: Callable[..., Geometry], samples: tuple[tuple[Any, ...], ...]
) -> OpDef:
    """Define a view by ``rule(shape, strides, offset, *args) -> Geometry``."""

    def reference(x: Array, *args: Any) -> Array:
        steps = tuple(s // x.itemsize for s in x.strides)
        shape, strides, offset = rule(x.shape, steps, 0, *args)
        return shifted(x, shape, strides, offset)

    def infer(x: TensorType, *args: Any) -> TensorType:
        shape, _, _ = rule(x.sizes, (0,) * len(x.sizes), 0, *args)
        return tensor(x.element, shape)

    def lower(
        strides: Strides, offset: int, result: TensorType, x: TensorType, *args: Any
    ) -> tuple[Strides, int]:
        _, moved, start = rule(x.sizes, strides, offset, *args)
        return moved, start if start == offset or numel(x.sizes) else offset

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=View(lower),
        tolerance=EXACT,
        samples=samples,
    )


def shifted(x: Array, shape: Sequence[int], strides: Sequence[int], offset: int) -> Array:
    """`x` under another shape and strides; the first element `offset` elements further on."""
    if 0 in shape or not x.size:
        return x.reshape(-1)[:0].reshape(shape)
    block, begin, steps = block_of(x), offset * x.itemsize, [s * x.itemsize for s in strides]
    if block is not None:
        begin += x.ctypes.data - block.ctypes.data
        return part_of(block, shape, x.dtype, begin, steps)
    base = np.lib.stride_tricks.as_strided(x, (offset + 1,), (x.itemsize,))[offset:]
    return np.lib.stride_tricks.as_strided(base, shape, steps)


def expanded(x: Array, shape: Sequence[int]) -> Array:
    """`x` broadcast to `shape`, as a view: one that, unlike NumPy's, may be written to."""
    steps = tuple(s // x.itemsize for s in x.strides)
    return shifted(x, *_expand(x.shape, steps, 0, shape))


# --- order of dims ------------------------------------------------------------------------------


def _ordered(shape: Any, strides: Any, offset: int, order: Sequence[int]) -> Geometry:
    return tuple(shape[i] for i in order), tuple(strides[i] for i in order), offset


def _permute(shape: Any, strides: Any, offset: int, dims: Sequence[int]) -> Geometry:
    order = [wrap_dim("permute", d, len(shape)) for d in dims]
    if sorted(order) != list(range(len(shape))):
        raise ShapeError(f"permute: dims {list(dims)} must name each of {len(shape)} dims once")
    return _ordered(shape, strides, offset, order)


def _swap(shape: Any, strides: Any, offset: int, dim0: int, dim1: int) -> Geometry:
    order = list(range(len(shape)))
    a, b = (wrap_dim("transpose", d, len(shape)) for d in (dim0, dim1))
    if order:
        order[a], order[b] = b, a
    return _ordered(shape, strides, offset, order)


def _t(shape: Any, strides: Any, offset: int) -> Geometry:
    if len(shape) > 2:
        raise ShapeError(f"t: expected at most 2 dims, got {list(shape)}")
    return _ordered(shape, strides, offset, range(len(shape))[::-1])


def _matrix_transpose(shape: Any, strides: Any, offset: int) -> Geometry:
    if len(shape) < 2:
        raise ShapeError(f"mT: expected at least 2 dims, got {list(shape)}")
    return _swap(shape, strides, offset, -2, -1)


def _movedim(shape: Any, strides: Any, offset: int, source: Any, destination: Any) -> Geometry:
    pair = [[d] if isinstance(d, int) else d for d in (source, destination)]
    start, goal = ([wrap_dim("movedim", d, len(shape)) for d in dims] for dims in pair)
    if len(start) != len(goal) or len(set(start)) < len(start) or len(set(goal)) < len(goal):
        raise ShapeError(f"movedim: {source} to {destination}; dims must be distinct and as many")
    order = [i for i in range(len(shape)) if i not in start]
    for position, dim in sorted(zip(goal, start, strict=True)):
        order.insert(position, dim)
    return _ordered(shape, strides, offset, order if shape else ())


_SWAPS = (
    (f32(2, 3), 0, 1),
    (f32(2, 3, 4), 1, -1),
    (f32(2, 0), 0, 1),
    (f32(), 0, -1),
    (f32(3), 0, 0),
)
transpose = strided(
    "aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", _swap, _SWAPS
)
swapaxes = strided(
    "aten::swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)", _swap, _SWAPS[:2]
)
swapdims = strided(
    "aten::swapdims(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", _swap, _SWAPS[:2]
)
permute = strided(
    "aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)",
    _permute,
    (
        (f32(2, 3, 4), [2, 0, 1]),
        (f32(2, 3), [-1, 0]),
        (f32(), []),
        (f32(0, 2), [1, 0]),
        (f32(3, 4, layout="strided"), [1, 0]),
    ),
)
t = strided("aten::t(Tensor(a) self) -> Tensor(a)", _t, ((f32(2, 3),), (f32(4),), (f32(),)))
numpy_t = strided(
    "aten::numpy_T(Tensor(a) self) -> Tensor(a)",
    lambda shape, strides, offset: _ordered(shape, strides, offset, range(len(shape))[::-1]),
    ((f32(2, 3),), (f32(4, 1),)),
)
mt = strided("aten::mT(Tensor(a) self) -> Tensor(a)", _matrix_transpose, ((f32(2, 3, 4),),))
movedim = strided(
    "aten::movedim.int(Tensor(a) self, int source, int destination) -> Tensor(a)",
    _movedim,
    ((f32(2, 3, 4), 0, -1), (f32(2, 3), 1, 0)),
)
movedims = strided(
    "aten::movedim.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)",
    _movedim,
    ((f32(2, 3, 4), [0, 1], [2, 0]),),
)
moveaxis = strided(
    "aten::moveaxis.int(Tensor(a) self, int source, int destination) -> Tensor(a)",
    _movedim,
    ((f32(2, 3, 4), 2, 0),),
)


# --- broadcasting -------------------------------------------------------------------------------


def _expand(shape: Any, strides: Any, offset: int, size: Sequence[int], *_: Any) -> Geometry:
    extra = len(size) - len(shape)
    if extra < 0:
        raise ShapeError(f"expand: {list(size)} has fewer dims than {list(shape)}")
    full, steps = (1,) * extra + tuple(shape), (0,) * extra + tuple(strides)
    result = []
    for i, (wanted, have) in enumerate(zip(size, full, strict=True)):
        if wanted == -1 and i >= extra:
            wanted = have
        if wanted < 0 or have not in (1, wanted):
            raise ShapeError(
                f"expand: {list(shape)} to {list(size)}: size {have} in dim {i} must be 1 or equal"
            )
        result.append(wanted)
    moved = tuple(s if have == to else 0 for s, have, to in zip(steps, full, result, strict=True))
    return tuple(result), moved, offset


def _expand_as(shape: Any, strides: Any, offset: int, other: Any) -> Geometry:
    return _expand(shape, strides, offset, tuple(other.shape))


expand = strided(
    "aten::expand(Tensor(a) self, int[] size, *, bool implicit=False) -> Tensor(a)",
    _expand,
    (
        (f32(3, 1), [3, 4], False),
        (f32(3), [2, -1], False),
        (f32(), [2, 2], False),
        (f32(1), [0], False),
        (f32(2, 1, 3), [-1, 5, -1], False),
    ),
)
expand_as = strided(
    "aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)",
    _expand_as,
    ((f32(3, 1), f32(3, 4)), (f32(), f32(2))),
)
broadcast_to = strided(
    "aten::broadcast_to(Tensor(a) self, int[] size) -> Tensor(a)",
    _expand,
    ((f32(3, 1), [3, 4]), (f32(), [1])),
)


# --- parts --------------------------------------------------------------------------------------


def part_dim(name: str, shape: Sequence[int], dim: int) -> int:
    """`dim` as a non-negative number, of a tensor that has dims."""
    if not shape:
        raise ShapeError(f"{name}: a tensor without dims has no parts")
    return wrap_dim(name, dim, len(shape))


def _part(
    shape: Any, strides: Any, offset: int, axis: int, first: int, length: int, step: int = 1
) -> Geometry:
    start = offset + first * strides[axis] if length else offset
    moved = tuple(s * step if i == axis else s for i, s in enumerate(strides))
    return (*shape[:axis], length, *shape[axis + 1 :]), moved, start


def _slice(
    shape: Any, strides: Any, offset: int, dim: int, start: int | None, end: int | None, step: int
) -> Geometry:
    axis = part_dim("slice", shape, dim)
    if step <= 0:
        raise ShapeError(f"slice: step must be positive, got {step}")
    first, last = slice_bounds(start, end, shape[axis])
    return _part(shape, strides, offset, axis, first, max(0, -(-(last - first) // step)), step)


def _select(shape: Any, strides: Any, offset: int, dim: int, index: int) -> Geometry:
    axis = part_dim("select", shape, dim)
    size = shape[axis]
    if not -size <= index < size:
        raise IndexOutOfRange(f"select: index {index} is out of range for dim {dim} of size {size}")
    return (
        (*shape[:axis], *shape[axis + 1 :]),
        (*strides[:axis], *strides[axis + 1 :]),
        offset + index % size * strides[axis],
    )


def _narrow(shape: Any, strides: Any, offset: int, dim: int, start: int, length: int) -> Geometry:
    axis = part_dim("narrow", shape, dim)
    size = shape[axis]
    first = start + size if start < 0 else start
    if length < 0 or not 0 <= first <= size or first + length > size:
        raise IndexOutOfRange(f"narrow: {length} elements from {start} of a dim of size {size}")
    return _part(shape, strides, offset, axis, first, length)


slice_ = strided(
    "aten::slice.Tensor(Tensor(a) self, int dim=0, int? start=None, int? end=None, int "
    "step=1) -> Tensor(a)",
    _slice,
    (
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
select = strided(
    "aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)",
    _select,
    (
        (f32(3, 4), 0, 1),
        (f32(3, 4), -1, -2),
        (f32(5), 0, 4),
        (f32(2, 0, 3), 0, 1),
        (f32(3, 4, layout="transposed"), 1, 0),
    ),
)
narrow = strided(
    "aten::narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)",
    _narrow,
    ((f32(5, 3), 0, 1, 3), (f32(5, 3), 1, -2, 2), (f32(4), 0, 4, 0)),
)
