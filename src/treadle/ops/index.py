"""Indexing by tensors and masks, and results whose shape depends on data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle._native import find_nonzero
from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import cast, checked_index, compare, extent, wrapped_index
from treadle.ops.gather import check_index_dtype, checked_positions
from treadle.ops.lowering import Decompose, Elements, Emitter, Loader
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, f32, i64
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]


# --- tensors as indices -------------------------------------------------------------------------


def numpy_index(name: str, x: Array, indices: Sequence[Array | None]) -> tuple[Any, ...]:
    """NumPy's index for torch's: integers checked, masks as positions.

    Raises:
        ShapeError: for other dtypes, too many indices, or a mask of another shape.
        IndexOutOfRange: for integers out of range.
    """
    result: list[Any] = []
    for index in indices:
        axis = len(result)
        if index is None:
            result.append(slice(None))
        elif index.dtype in (np.dtype(bool), np.dtype(np.uint8)):
            if index.shape != x.shape[axis : axis + index.ndim]:
                raise ShapeError(
                    f"{name}: a mask of shape {list(index.shape)} does not fit"
                    f" {list(x.shape)} at dim {axis}"
                )
            result += list(np.nonzero(index))
        else:
            check_index_dtype(name, index)
            if axis >= x.ndim:
                raise ShapeError(f"{name}: too many indices for {list(x.shape)}")
            result.append(checked_positions(name, index, x.shape[axis], wrap=True))
    _check_index_shapes(name, result)
    return tuple(result)


def _check_index_shapes(name: str, result: Sequence[Any]) -> None:
    broadcast(name, *(i.shape for i in result if isinstance(i, np.ndarray)))


def _index(x: Array, indices: Sequence[Array | None]) -> Array:
    return np.array(x[numpy_index("index", x, indices)])


def _infer_index(x: TensorType, indices: Sequence[TensorType | None]) -> TensorType:
    _check_plain(indices)
    return tensor(x.element, index_shape(x, indices)[0])


def index_shape(
    x: TensorType, indices: Sequence[TensorType | None]
) -> tuple[tuple[int, ...], int, int]:
    """The shape of ``x[indices]``, the first of the dims that the indices make, and their number.

    Raises:
        ShapeError: for too many indices, or indices of different shapes.
    """
    used = [i for i, t in enumerate(indices) if t is not None]
    if len(indices) > len(x.sizes):
        raise ShapeError(f"index: too many indices for {list(x.sizes)}")
    common = broadcast("index", *(t.sizes for t in indices if t is not None))
    first = _place(used)
    before = [d for i, d in enumerate(x.sizes) if i not in used]
    return (*before[:first], *common, *before[first:]), first, len(common)


def _place(used: Sequence[int]) -> int:
    """Where the indexed dims go: where the first was if they are neighbours, else to the front."""
    neighbours = bool(used) and used[-1] - used[0] + 1 == len(used)
    return used[0] if neighbours else 0


def _check_plain(indices: Sequence[TensorType | None]) -> None:
    for t in indices:
        if t is not None and t.element.name not in ("i64", "i32"):
            raise UnsupportedError(f"the shape of an index by {t} depends on data")


def _index_element(
    load: Loader,
    positions: Sequence[Expr],
    result: TensorType,
    x: TensorType,
    indices: Sequence[TensorType | None],
) -> Expr:
    return load(0, index_places(load, positions, x, indices))


def index_places(
    load: Loader, positions: Sequence[Expr], x: TensorType, indices: Sequence[TensorType | None]
) -> list[Expr]:
    """Where in `x` the element of ``x[indices]`` at `positions` is."""
    used = [i for i, t in enumerate(indices) if t is not None]
    _, first, count = index_shape(x, indices)
    inner = positions[first : first + count]
    rest = [*positions[:first], *positions[first + count :]]
    places: list[Expr] = []
    for i, size in enumerate(x.sizes):
        if i in used:
            item = used.index(i)
            chosen = cast(load(1, _broadcast_positions(inner, indices[i]), item), i64_dtype)
            places.append(wrapped_index(chosen, size))
        else:
            places.append(rest.pop(0))
    return places


def _broadcast_positions(inner: Sequence[Expr], index: TensorType | None) -> list[Expr]:
    assert index is not None
    sizes = index.sizes
    tail = inner[len(inner) - len(sizes) :]
    return [extent(0) if d == 1 else p for p, d in zip(tail, sizes, strict=True)]


_INDEXED = (
    (f32(5, 4), [i64(3, low=-5, high=5)]), (f32(5, 4), [None, i64(2, 3, low=0, high=4)]),
    (f32(5, 4, 3), [i64(2, 1, low=0, high=5), i64(3, low=0, high=4)]),
    (f32(5, 4, 3), [i64(2, low=0, high=5), None, i64(2, low=0, high=3)]),
    (f32(5, 4), [i64(low=0, high=5)]), (f32(5, 4), [i64(0, low=0, high=5)]),
)  # fmt: skip
index = op(
    "aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor",
    reference=_index,
    infer=_infer_index,
    lower=Elements(_index_element),
    tolerance=EXACT,
    samples=_INDEXED,
)
index_twin = op(
    "aten::index.Tensor_hacked_twin(Tensor self, Tensor[] indices) -> Tensor",
    reference=_index,
    infer=_infer_index,
    lower=Elements(_index_element),
    tolerance=EXACT,
    samples=_INDEXED[:1],
)


# --- data-dependent shapes ----------------------------------------------------------------------


def _masked_select(x: Array, mask: Array) -> Array:
    if x.shape == mask.shape:
        return np.asarray(x[mask])
    shape = broadcast("masked_select", x.shape, mask.shape)
    return np.asarray(np.broadcast_to(x, shape)[np.broadcast_to(mask, shape)])


def _nonzero(x: Array) -> Array:
    if x.ndim == 0:
        return np.zeros((int(bool(x)), 0), np.int64)
    return find_nonzero(x)


def _where_positions(condition: Array) -> list[Array]:
    flat = condition.reshape(condition.shape or (1,))
    return [p.astype(np.int64) for p in np.nonzero(flat)]


def _nonzero_static(x: Array, size: int, fill_value: int) -> Array:
    """The first `size` positions; what is missing is `fill_value`."""
    _infer_nonzero_static(TensorType(dtype_of(x), x.shape), size, fill_value)
    result = np.full((size, x.ndim), fill_value, np.int64)
    found = _nonzero(x)[:size]
    result[: len(found)] = found
    return result


def _infer_nonzero_static(x: TensorType, size: int, _: int) -> TensorType:
    if size < 0:
        raise ShapeError(f"nonzero_static: argument size must not be negative, got {size}")
    return TensorType(i64_dtype, (size, len(x.sizes)))


op(
    "aten::nonzero_static(Tensor self, *, int size, int fill_value=-1) -> Tensor",
    reference=_nonzero_static,
    infer=_infer_nonzero_static,
    tolerance=EXACT,
    samples=((boolean(3, 4), 5, -1), (boolean(3), 7, 9), (f32(2), 0, -1)),
)
masked_select = op(
    "aten::masked_select(Tensor self, Tensor mask) -> Tensor",
    reference=_masked_select,
    tolerance=EXACT,
    samples=((f32(3, 4), boolean(3, 4)), (f32(3, 1), boolean(4)), (f32(), boolean())),
)
nonzero = op(
    "aten::nonzero(Tensor self) -> Tensor",
    reference=_nonzero,
    tolerance=EXACT,
    samples=((i64(3, 4),), (boolean(5),), (f32(0, 2),)),
)
nonzero_numpy = op(
    "aten::nonzero_numpy(Tensor self) -> Tensor[]",
    reference=_where_positions,
    tolerance=EXACT,
    samples=((i64(3, 4),),),
)
where_positions = op(
    "aten::where(Tensor condition) -> Tensor[]",
    reference=_where_positions,
    tolerance=EXACT,
    samples=((boolean(3, 4),),),
)


def _one_hot(x: Array, classes: int) -> Array:
    if x.dtype != np.int64:
        raise ShapeError(f"one_hot: expected i64, got {dtype_of(x)}")
    count = int(x.max()) + 1 if classes == -1 else classes
    return np.eye(count, dtype=np.int64)[checked_positions("one_hot", x, count)]


def _infer_classes(x: TensorType, classes: int) -> TensorType:
    if x.element != i64_dtype or classes < 1:
        raise ShapeError(f"one_hot: expected i64 and a positive num_classes, got {x}, {classes}")
    return tensor(i64_dtype, (*x.sizes, classes))


def _one_of_classes(x: Array, classes: int) -> Array:
    _infer_classes(tensor(dtype_of(x), x.shape), classes)
    return _one_hot(x, classes)


def _classes_element(
    load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, classes: int
) -> Expr:
    chosen = checked_index(load(0, positions[:-1]), classes)
    return cast(compare("eq", chosen, positions[-1]), i64_dtype)


one_of_classes = op(
    "treadle::one_of_classes(Tensor self, int num_classes) -> Tensor",
    reference=_one_of_classes,
    infer=_infer_classes,
    lower=Elements(_classes_element),
    tolerance=EXACT,
    samples=((i64(4, low=0, high=3), 5), (i64(2, 3, low=0, high=3), 3), (i64(low=0, high=1), 1)),
)


def _decompose_one_hot(emit: Emitter, x: Any, classes: int) -> Any:
    if classes == -1:
        raise UnsupportedError("one_hot with as many classes as the data needs")
    return emit(one_of_classes, x, classes)


one_hot = op(
    "aten::one_hot(Tensor self, int num_classes=-1) -> Tensor",
    reference=_one_hot,
    lower=Decompose(_decompose_one_hot),
    tolerance=EXACT,
    samples=((i64(4, low=0, high=3), 5), (i64(2, 3, low=0, high=3), 3)),
)
