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
from treadle.ops.expr import cast, checked_index, const
from treadle.ops.lowering import Decompose, Elements, Emitter, Loader
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, given, i32, i64
from treadle.ops.shapes import broadcast, numel, tensor, wrap_dim

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


# --- one index for a whole slice ----------------------------------------------------------------


def _check_select(x: Any, dim: int, index: Any) -> int:
    check_index_dtype("index_select", index)
    if len(index.shape) > 1:
        raise ShapeError(f"index_select: index must have at most 1 dim, got {list(index.shape)}")
    return wrap_dim("index_select", dim, len(x.shape))


def _index_select(x: Array, dim: int, index: Array) -> Array:
    axis = _check_select(x, dim, index)
    flat = x.reshape(x.shape or (1,))
    positions = checked_positions("index_select", index.reshape(-1), flat.shape[axis])
    return np.take(flat, positions, axis).reshape(_selected_shape(x.shape, axis, positions.size))


def _selected_shape(shape: Sequence[int], axis: int, count: int) -> tuple[int, ...]:
    return (*shape[:axis], count, *shape[axis + 1 :]) if shape else ()


def _infer_index_select(x: TensorType, dim: int, index: TensorType) -> TensorType:
    axis = _check_select(x, dim, index)
    return tensor(x.element, _selected_shape(x.sizes, axis, numel(index.sizes)))


def _index_select_element(
    load: Loader,
    positions: Sequence[Expr],
    result: TensorType,
    x: TensorType,
    dim: int,
    index: TensorType,
) -> Expr:
    if not x.sizes:
        return load(0, ())
    axis = wrap_dim("index_select", dim, len(x.sizes))
    chosen = cast(load(2, positions[axis : axis + 1] if index.sizes else ()), i64_dtype)
    place = checked_index(chosen, x.sizes[axis])
    return load(0, (*positions[:axis], place, *positions[axis + 1 :]))


index_select = op(
    "aten::index_select(Tensor self, int dim, Tensor index) -> Tensor",
    reference=_index_select,
    infer=_infer_index_select,
    lower=Elements(_index_select_element),
    tolerance=EXACT,
    samples=(
        (f32(10, 4), 0, i64(6, low=0, high=10)),
        (f32(3, 7), -1, i32(5, low=0, high=7)),
        (f32(2, 3, 4), 1, given(2, i64_dtype)),
        (f32(4, 3), 0, i64(0, low=0, high=4)),
        (f32(5, 4, layout="transposed"), 0, i64(3, low=0, high=5)),
        (i64(9), 0, i64(4, low=0, high=9)),
    ),
)


# --- one index for each element -----------------------------------------------------------------


def _check_gather(name: str, x: Any, dim: int, index: Any) -> int:
    axis = wrap_dim(name, dim, len(x.shape))
    if numel(index.shape):
        check_index_dtype(name, index)
    if numel(index.shape) and (len(x.shape) or 1) != (len(index.shape) or 1):
        raise ShapeError(f"{name}: index {list(index.shape)} needs the rank of {list(x.shape)}")
    for i, (have, wanted) in enumerate(zip(x.shape, index.shape, strict=False)):
        if i != axis and wanted > have and numel(index.shape):
            raise ShapeError(
                f"{name}: index {list(index.shape)} exceeds {list(x.shape)} in dim {i}"
            )
    return axis


def _along(name: str, index: Array, axis: int, size: int, wrap: bool = False) -> tuple[Any, ...]:
    """NumPy's index of every element that a gather reads or a scatter writes."""
    positions = checked_positions(name, index, size, wrap)
    grid: list[Array] = list(np.indices(index.shape, sparse=True))
    grid[axis] = positions
    return tuple(grid)


def _gather(x: Array, dim: int, index: Array, *_: Any) -> Array:
    axis = _check_gather("gather", x, dim, index)
    if not index.size:
        return np.empty(index.shape, x.dtype)
    flat, places = x.reshape(x.shape or (1,)), index.reshape(index.shape or (1,))
    found: Array = flat[_along("gather", places, axis, flat.shape[axis])]
    return np.reshape(found, index.shape)


def _infer_gather(x: TensorType, dim: int, index: TensorType, *_: Any) -> TensorType:
    _check_gather("gather", x, dim, index)
    return tensor(x.element, index.sizes)


def _gather_element(
    load: Loader,
    positions: Sequence[Expr],
    result: TensorType,
    x: TensorType,
    dim: int,
    index: TensorType,
    *_: Any,
) -> Expr:
    axis = wrap_dim("gather", dim, len(x.sizes))
    if not numel(index.sizes):
        return const(0, result.element)
    place = checked_index(cast(load(2, positions), i64_dtype), x.sizes[axis] if x.sizes else 1)
    if not x.sizes:
        return load(0, ())
    places = list(positions) or [place]
    places[axis] = place
    return load(0, places)


_GATHERS = (
    (f32(3, 5), 0, i64(2, 5, low=0, high=3)), (f32(3, 5), 1, i64(3, 2, low=0, high=5)),
    (f32(2, 3, 4), -1, i64(2, 3, 1, low=0, high=4)), (f32(4), 0, i64(0, low=0, high=4)),
    (f32(5, 3, layout="transposed"), 0, i64(2, 3, low=0, high=5)),
    (i64(6), 0, i64(9, low=0, high=6)),
)  # fmt: skip
gather = op(
    "aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor",
    reference=_gather,
    infer=_infer_gather,
    lower=Elements(_gather_element),
    tolerance=EXACT,
    samples=tuple((*s, False) for s in _GATHERS),
)


def _take_along_dim(x: Array, indices: Array, dim: int | None) -> Array:
    x, indices, axis = _aligned(x, indices, dim)
    return np.asarray(x[_along("take_along_dim", indices, axis, x.shape[axis], wrap=True)])


def _aligned(x: Array, indices: Array, dim: int | None) -> tuple[Array, Array, int]:
    check_index_dtype("take_along_dim", indices, "indices")
    if dim is None:
        return x.reshape(-1), indices.reshape(-1), 0
    axis = wrap_dim("take_along_dim", dim, x.ndim)
    if not x.ndim or x.ndim != indices.ndim:
        raise ShapeError(f"take_along_dim: indices need {x.ndim} dims, got {indices.ndim}")
    rest = broadcast("take_along_dim", _one(x.shape, axis), _one(indices.shape, axis))
    wide = (*rest[:axis], x.shape[axis], *rest[axis + 1 :])
    chosen = (*rest[:axis], indices.shape[axis], *rest[axis + 1 :])
    return np.broadcast_to(x, wide), np.broadcast_to(indices, chosen), axis


def _one(shape: Sequence[int], axis: int) -> tuple[int, ...]:
    return tuple(1 if i == axis else d for i, d in enumerate(shape))


def _infer_take_along_dim(x: TensorType, indices: TensorType, dim: int | None) -> TensorType:
    check_index_dtype("take_along_dim", indices, "indices")
    if dim is None:
        return tensor(x.element, (numel(indices.sizes),))
    axis = wrap_dim("take_along_dim", dim, len(x.sizes))
    if not x.sizes or len(x.sizes) != len(indices.sizes):
        raise ShapeError(f"take_along_dim: indices need {len(x.sizes)} dims, got {indices}")
    rest = broadcast("take_along_dim", _one(x.sizes, axis), _one(indices.sizes, axis))
    return tensor(x.element, (*rest[:axis], indices.sizes[axis], *rest[axis + 1 :]))


def _decompose_take_along_dim(emit: Emitter, x: Any, indices: Any, dim: int | None) -> Any:
    """A gather from operands of one shape but for `dim`."""
    if dim is None:
        x, indices, dim = emit("reshape", x, [-1]), emit("reshape", indices, [-1]), 0
    sizes, chosen = emit.type(x).sizes, emit.type(indices).sizes
    axis = wrap_dim("take_along_dim", dim, len(sizes))
    rest = broadcast("take_along_dim", _one(sizes, axis), _one(chosen, axis))
    x, indices = (
        emit("expand", t, [*rest[:axis], s[axis], *rest[axis + 1 :]], False)
        for t, s in ((x, sizes), (indices, chosen))
    )
    above = emit("add.Scalar", indices, sizes[axis], 1)
    wrapped = emit("where.self", emit("lt.Scalar", indices, 0), above, indices)
    return emit(gather, x, axis, wrapped, False)


take_along_dim = op(
    "aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor",
    reference=_take_along_dim,
    infer=_infer_take_along_dim,
    lower=Decompose(_decompose_take_along_dim),
    tolerance=EXACT,
    samples=(
        (f32(3, 5), i64(2, 5, low=0, high=3), 0),
        (f32(3, 5), i64(1, 2, low=0, high=5), 1),
        (f32(3, 5), i64(4, low=0, high=15), None),
        (f32(3, 5), i64(3, 2, low=-5, high=5), 1),
    ),
)
