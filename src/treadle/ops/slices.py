"""Slices written by index along one dim: index_add, index_copy, index_fill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import cast, checked_index, const, mul, wrapped_index
from treadle.ops.expr import dtype_of as dtype_of_expr
from treadle.ops.gather import check_index_dtype, checked_positions
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Loader, Scatter
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, f32, given, i64
from treadle.ops.scatter import add_at, adding
from treadle.ops.shapes import numel, wrap_dim

Array = np.ndarray[Any, Any]


def _check_slices(x: Any, dim: int, index: Any, source: Any) -> int:
    """Check that index and source fit; give the dim, not negative."""
    axis = wrap_dim("index_add", dim, len(x.shape))
    check_index_dtype("index_add", index)
    if len(index.shape) > 1:
        raise ShapeError(f"index_add: index must have at most 1 dim, got {list(index.shape)}")
    if isinstance(source, bool | int | float | complex):
        return axis
    wanted = list(x.shape)
    if wanted:
        wanted[axis] = numel(index.shape)
    elif numel(index.shape) != 1:
        raise ShapeError(f"index_add: {numel(index.shape)} indices into a tensor without dims")
    if dtype_of(source) != dtype_of(x) or list(source.shape) != wanted:
        raise ShapeError(
            f"index_add: source must be {dtype_of(x)}{wanted}, got"
            f" {dtype_of(source)}{list(source.shape)}"
        )
    return axis


def _infer_slices(x: TensorType, dim: int, index: TensorType, source: Any, *_: Any) -> TensorType:
    _check_slices(x, dim, index, source)
    return x


def _index_add(x: Array, dim: int, index: Array, source: Array, alpha: float) -> Array:
    axis = _check_slices(x, dim, index, source)
    result: Array = x.copy()
    flat, added = result.reshape(x.shape or (1,)), source.reshape(source.shape or (1,))
    positions = checked_positions("index_add", index.reshape(-1), flat.shape[axis])
    scaled = np.moveaxis(added, axis, 0) * x.dtype.type(alpha)
    add_at(np.moveaxis(flat, axis, 0), positions, scaled)
    return result


def _index_copy(x: Array, dim: int, index: Array, source: Array) -> Array:
    axis = _check_slices(x, dim, index, source)
    result: Array = x.copy()
    flat, added = result.reshape(x.shape or (1,)), source.reshape(source.shape or (1,))
    positions = checked_positions("index_copy", index.reshape(-1), flat.shape[axis])
    np.moveaxis(flat, axis, 0)[positions] = np.moveaxis(added, axis, 0)
    return result


def _index_fill(x: Array, dim: int, index: Array, value: float) -> Array:
    axis = _check_slices(x, dim, index, value)
    result: Array = x.copy()
    flat = result.reshape(x.shape or (1,))
    positions = checked_positions("index_fill", index.reshape(-1), flat.shape[axis], wrap=True)
    np.moveaxis(flat, axis, 0)[positions] = value
    return result


def _slice_domain(
    result: TensorType, x: TensorType, dim: int, index: TensorType, *_: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if not x.sizes:
        return (), ()
    axis = wrap_dim("index_add", dim, len(x.sizes))
    return (*x.sizes[:axis], numel(index.sizes), *x.sizes[axis + 1 :]), (axis,)


def _slice_element(
    load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, dim: int,
    index: TensorType, source: Any, alpha: float = 1,
) -> tuple[Sequence[Expr], Expr]:  # fmt: skip
    if isinstance(source, bool | int | float):
        value = const(source, x.element)
    else:
        value = load(3, positions if source.sizes else ())
    if alpha != 1:
        value = mul(value, const(alpha, dtype_of_expr(value)))
    if not x.sizes:
        return [], value
    axis = wrap_dim("index_add", dim, len(x.sizes))
    chosen = cast(load(2, positions[axis : axis + 1] if index.sizes else ()), i64_dtype)
    check = wrapped_index if isinstance(source, bool | int | float) else checked_index
    place = check(chosen, x.sizes[axis])
    return [*positions[:axis], place, *positions[axis + 1 :]], value


index_add = op(
    "aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar "
    "alpha=1) -> Tensor",
    reference=_index_add,
    infer=_infer_slices,
    lower=Scatter(_slice_domain, _slice_element, adding),
    samples=(
        (f32(5, 3), 0, i64(4, low=0, high=5), f32(4, 3), 1),
        (f32(2, 5), 1, i64(3, low=0, high=5), f32(2, 3), 2.0),
        (boolean(5), 0, i64(3, low=0, high=5), boolean(3), 1),
    ),
)
index_copy = op(
    "aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
    reference=_index_copy,
    infer=_infer_slices,
    lower=Scatter(_slice_domain, _slice_element),
    samples=((f32(5, 3), 0, given([3, 0], i64_dtype), f32(2, 3)),),
)
index_fill = op(
    "aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
    reference=_index_fill,
    infer=_infer_slices,
    lower=Scatter(_slice_domain, _slice_element),
    samples=((f32(5, 3), 0, given([3, 0], i64_dtype), 1.5),),
)
inplace(index_add, index_copy, index_fill)
