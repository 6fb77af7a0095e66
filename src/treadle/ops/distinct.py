"""Distinct elements and slices, in order or side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ops.declare import EXACT, op
from treadle.ops.samples import f32, given, i64
from treadle.ops.shapes import wrap_dim

Array = np.ndarray[Any, Any]
_NONE: Array = np.empty(0, np.int64)
Distinct = tuple[Array, Array, Array]


def _runs(changes: Array, count: int) -> tuple[Array, Array, Array]:
    """Where runs of equal elements start, the run of each element, and the lengths."""
    starts = np.flatnonzero(np.concatenate([[True], changes])) if count else _NONE
    counts = np.diff(np.append(starts, count))
    return starts, np.repeat(np.arange(len(starts)), counts), counts


def _without_repeats(flat: Array) -> Array:
    """A new array of the elements that differ from those before them."""
    keep = np.empty(len(flat), np.bool_)
    keep[:1] = True
    np.not_equal(flat[1:], flat[:-1], keep[1:])
    return flat[keep]


def _unique(x: Array, sorted_: bool, return_inverse: bool, return_counts: bool) -> Distinct:
    """In order; a NaN is equal to nothing."""
    flat = x.reshape(-1)
    if not return_inverse and not return_counts:
        return _without_repeats(np.sort(flat)), _NONE, _NONE
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts, runs, counts = _runs(ordered[1:] != ordered[:-1], len(flat))
    inverse = np.empty(len(flat), np.int64)
    inverse[order] = runs
    return (
        ordered[starts],
        inverse.reshape(x.shape) if return_inverse else _NONE,
        counts.astype(np.int64) if return_counts else _NONE,
    )


def _axis(name: str, dim: int, x: Array) -> int:
    if not x.ndim:
        raise ShapeError(f"{name}: dim {dim} of a tensor without dims")
    return wrap_dim(name, dim, x.ndim)


def _unique_dim(
    x: Array, dim: int, sorted_: bool, return_inverse: bool, return_counts: bool
) -> Distinct:
    """Distinct slices, in the order of their elements; with inverse and counts in any case."""
    axis = _axis("unique_dim", dim, x)
    rows = np.moveaxis(x, axis, 0)
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
    order = np.lexsort(flat.T[::-1]) if flat.shape[1] else np.arange(len(rows))
    ordered = flat[order]
    starts, runs, counts = _runs((ordered[1:] != ordered[:-1]).any(1), len(rows))
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = runs
    return (
        np.ascontiguousarray(np.moveaxis(rows[order][starts], 0, axis)),
        inverse,
        counts.astype(np.int64),
    )


def _unique_consecutive(
    x: Array, return_inverse: bool, return_counts: bool, dim: int | None
) -> Distinct:
    if dim is None and not return_inverse and not return_counts:
        return _without_repeats(x.reshape(-1)), _NONE, _NONE
    axis = None if dim is None else _axis("unique_consecutive", dim, x)
    rows = x.reshape(-1) if axis is None else np.moveaxis(x, axis, 0)
    flat = rows.reshape(len(rows), -1) if x.size else np.empty((len(rows), 0), x.dtype)
    starts, inverse, counts = _runs((flat[1:] != flat[:-1]).any(1), len(rows))
    values = rows[starts]
    shape = x.shape if axis is None else inverse.shape
    return (
        np.ascontiguousarray(values if axis is None else np.moveaxis(values, 0, axis)),
        inverse.reshape(shape).astype(np.int64) if return_inverse else _NONE,
        counts.astype(np.int64) if return_counts else _NONE,
    )


_FLAGS = "bool return_inverse=False, bool return_counts=False"
_ROWS = given([[1, 1], [1, 1], [2, 1], [1, 0]], dtypes.i64)
_NANS = given([1.0, float("nan"), 1.0, float("nan"), -2.0])
unique = op(
    f"aten::_unique2(Tensor self, bool sorted=True, {_FLAGS}) -> (Tensor, Tensor, Tensor)",
    reference=_unique,
    tolerance=EXACT,
    samples=(
        (i64(9), True, True, True),
        (i64(2, 3), True, False, False),
        (f32(), True, True, True),
        (f32(0, 2), True, True, True),
        (_NANS, True, False, False),
    ),
    kinds="bif",
)
op(
    f"aten::unique_dim(Tensor self, int dim, bool sorted=True, {_FLAGS}) -> (Tensor, Tensor, "
    "Tensor)",
    reference=_unique_dim,
    tolerance=EXACT,
    samples=((_ROWS, 0, True, True, True), (_ROWS, -1, True, False, False)),
    kinds="bif",
)
op(
    f"aten::unique_consecutive(Tensor self, {_FLAGS}, int? dim=None) -> (Tensor, Tensor, Tensor)",
    reference=_unique_consecutive,
    tolerance=EXACT,
    samples=(
        (given([1, 1, 2, 2, 2, 1], dtypes.i64), True, True, None),
        (_ROWS, True, True, 0),
        (f32(), True, True, None),
    ),
    kinds="bif",
)
op(
    f"aten::unique_dim_consecutive(Tensor self, int dim, {_FLAGS}) -> (Tensor, Tensor, Tensor)",
    reference=lambda x, dim, inverse, counts: _unique_consecutive(x, inverse, counts, dim),
    tolerance=EXACT,
    samples=((_ROWS, 0, True, True),),
    kinds="bif",
)
