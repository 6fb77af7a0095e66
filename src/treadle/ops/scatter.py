"""Elements written by index along one dim: scatter and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import cast, checked_index, const
from treadle.ops.gather import check_index_dtype, checked_positions
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Loader, Scatter
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, f32, given, i64
from treadle.ops.shapes import numel, wrap_dim

Array = np.ndarray[Any, Any]


def infer_scatter(x: TensorType, dim: int, index: TensorType, src: Any, *_: Any) -> TensorType:
    """The type of `x`, having checked that index and source fit."""
    check_scatter(x, dim, index, src)
    return x


def check_scatter(x: Any, dim: int, index: Any, src: Any) -> int:
    """Check that index and source fit; give the dim, not negative."""
    axis = wrap_dim("scatter", dim, len(x.shape))
    check_index_dtype("scatter", index)
    if numel(index.shape) == 0:
        return axis
    if len(index.shape) != len(x.shape) or any(
        w > h for i, (w, h) in enumerate(zip(index.shape, x.shape, strict=True)) if i != axis
    ):
        raise ShapeError(f"scatter: index {list(index.shape)} does not fit {list(x.shape)}")
    if not isinstance(src, bool | int | float | complex):
        if dtype_of(src) != dtype_of(x):
            raise ShapeError(f"scatter: src must be {dtype_of(x)} as self, got {dtype_of(src)}")
        if len(src.shape) != len(index.shape) or any(
            w > h for w, h in zip(index.shape, src.shape, strict=True)
        ):
            raise ShapeError(f"scatter: index {list(index.shape)} exceeds src {list(src.shape)}")
    return axis


def _places(x: Array, axis: int, index: Array) -> tuple[Any, ...]:
    if not x.ndim:
        checked_positions("scatter", index, 1)
        return ()
    grid: list[Array] = list(np.indices(index.shape, sparse=True))
    grid[axis] = checked_positions("scatter", index, x.shape[axis])
    return tuple(grid)


def scatter_places(x: Array, dim: int, index: Array, src: Any) -> tuple[tuple[Any, ...], Any]:
    """NumPy's index of the elements that a scatter writes, and what it writes there."""
    axis = check_scatter(x, dim, index, src)
    return _places(x, axis, index), _part(src, index)


def _part(src: Any, index: Array) -> Any:
    """The corner of `src` that `index` covers."""
    return src[tuple(slice(d) for d in index.shape)] if isinstance(src, np.ndarray) else src


def _scatter(x: Array, dim: int, index: Array, src: Any, reduce: str | None = None) -> Array:
    """Without `reduce` the last of several writes to one place wins, as in torch on one thread."""
    result: Array = x.copy()
    if not index.size:
        check_scatter(x, dim, index, src)
        return result
    places, values = scatter_places(x, dim, index, src)
    if reduce is None:
        result[places] = values
    elif reduce == "add":
        add_at(result, places, values)
    elif reduce == "multiply":
        np.multiply.at(result, places, values)
    else:
        raise ShapeError(f"scatter: reduce {reduce!r}; allowed: 'add', 'multiply'")
    return result


def add_at(target: Array, places: Any, values: Any) -> None:
    """Add values to places that may repeat; bools are or-ed."""
    (np.logical_or if target.dtype.kind == "b" else np.add).at(target, places, values)


def adding(result: TensorType, *_: Any) -> str:
    """The function that adds elements; of bools the larger one is their sum."""
    return "max" if result.element.kind == "b" else "add"


def scatter_domain(result: TensorType, x: TensorType, dim: int, index: TensorType, *_: Any) -> Any:
    """The domain of `lowering.Scatter`: the index, in order along the dim."""
    return index.sizes, (wrap_dim("scatter", dim, len(x.sizes)),) if index.sizes else ()


def scatter_element(
    load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, dim: int,
    index: TensorType, src: Any, *_: Any,
) -> tuple[Sequence[Expr], Expr]:  # fmt: skip
    """Where an element of the source goes, and the element."""
    axis = wrap_dim("scatter", dim, len(x.sizes))
    number = isinstance(src, bool | int | float)
    value = const(src, x.element) if number else load(3, positions)
    if not x.sizes:
        return [], value
    place = checked_index(cast(load(2, positions), i64_dtype), x.sizes[axis])
    return [*positions[:axis], place, *positions[axis + 1 :]], value


def _function(result: TensorType, x: Any, dim: int, index: Any, src: Any, reduce: str) -> str:
    if reduce not in _FUNCTIONS:
        raise ShapeError(f"scatter: reduce {reduce!r}; allowed: 'add', 'multiply'")
    return adding(result) if reduce == "add" else "mul"


_FUNCTIONS = ("add", "multiply")
_REPLACING = Scatter(scatter_domain, scatter_element)
_REDUCING = Scatter(scatter_domain, scatter_element, _function)
_ADDING = Scatter(scatter_domain, scatter_element, adding)


def _scatter_add(x: Array, dim: int, index: Array, src: Array) -> Array:
    return _scatter(x, dim, index, src, "add")


_UNIQUE = given([[0, 2, 1], [2, 0, 3]], i64_dtype)
_REPEATED = i64(2, 3, low=0, high=4)
scatter_src = op(
    "aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
    reference=_scatter,
    infer=infer_scatter,
    lower=_REPLACING,
    samples=(
        (f32(4, 3), 0, given([[0, 1, 2], [3, 0, 1]], i64_dtype), f32(2, 3)),
        (f32(2, 4), 1, _UNIQUE, f32(2, 5)),
        (f32(3), 0, i64(0, low=0, high=3), f32(3)),
    ),
)
scatter_value = op(
    "aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
    reference=_scatter,
    infer=infer_scatter,
    lower=_REPLACING,
    samples=((f32(4, 3), 0, _REPEATED, 2.5), (i64(4, 3), 0, _REPEATED, 7)),
)
scatter_reduce = op(
    "aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
    reference=_scatter,
    infer=infer_scatter,
    lower=_REDUCING,
    samples=(
        (f32(4, 3), 0, _REPEATED, f32(2, 3), "add"),
        (f32(4, 3), 0, _REPEATED, f32(2, 3), "multiply"),
    ),
)
scatter_value_reduce = op(
    "aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) "
    "-> Tensor",
    reference=_scatter,
    infer=infer_scatter,
    lower=_REDUCING,
    samples=((f32(4, 3), 0, _REPEATED, 2.0, "add"), (f32(4, 4), 1, _REPEATED, 2.0, "multiply")),
)
scatter_add = op(
    "aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
    reference=_scatter_add,
    infer=infer_scatter,
    lower=_ADDING,
    samples=(
        (f32(4, 3), 0, _REPEATED, f32(2, 3)),
        (f32(9), 0, i64(30, low=0, high=9), f32(30)),
        (boolean(9), 0, i64(30, low=0, high=9), boolean(30)),
        (f32(), 0, given(0, i64_dtype), f32()),
    ),
)
inplace(scatter_src, scatter_value, scatter_reduce, scatter_value_reduce, scatter_add)
