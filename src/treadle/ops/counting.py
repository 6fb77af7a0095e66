"""Counting: how often numbers occur, histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT, op
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import bf16, f32, f64, given, i64

Array = np.ndarray[Any, Any]


def _bincount(x: Array, weights: Array | None, minlength: int) -> Array:
    if x.ndim != 1 or x.dtype.kind not in "iu":
        raise ShapeError(_COUNTED)
    try:
        if weights is None:
            return np.bincount(x, None, minlength).astype(np.int64, copy=False)
        counts = np.bincount(x, weights.astype(np.float64), minlength)
    except ValueError:
        if x.size and x.min() < 0:
            raise ShapeError(_COUNTED) from None
        raise
    return counts.astype(weights.dtype) if weights.dtype == np.float32 else counts


_COUNTED = "bincount: expected one dim of non-negative integers"
bincount = op(
    "aten::bincount(Tensor self, Tensor? weights=None, int minlength=0) -> Tensor",
    reference=_bincount,
    tolerance=EXACT,
    samples=((i64(9, low=0, high=4), None, 0), (i64(0, low=0, high=1), None, 3)),
)


def _histc(x: Operand, bins: int, low: float, high: float) -> Any:
    """Counts in equal bins; between the extremes of the data if `low` and `high` are equal."""
    _check_histc(x.type, bins, low, high)
    zeros, flat = x.op("new_zeros", [bins]), x.reshape(-1)
    if not flat.shape[0]:
        return zeros
    first, last = flat.given(low), flat.given(high)
    if low == high:
        first, last = flat.op("amin"), flat.op("amax")
        same = first.op("eq.Tensor", last).to(x.dtype)
        first, last = first - same, last + same
    inside = (flat >= first).op("logical_and", flat <= last)
    place = ((flat - first) * bins / (last - first)).where(inside, 0.0)
    place = place.to(dtypes.i64).op("clamp_max", bins - 1)
    return zeros.op("index_add", 0, place, inside.to(x.dtype))


def _check_histc(x: TensorType, bins: int, low: float, high: float) -> None:
    if not x.element.is_floating or bins < 1 or not low <= high:
        raise ShapeError(f"histc: {bins} bins from {low} to {high} of {x}")


composite(
    "aten::histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor",
    _histc,
    tolerance=EXACT,
    samples=(
        (f32(50), 5, 0, 0),
        (f32(3, 20), 4, -1.0, 1.0),
        (given([2.0, 2.0]), 3, 0, 0),
        (f32(0), 3, 0, 1),
        (given([1.0, float("nan"), 1.0, float("nan"), -2.0]), 7, -3, 3),
    ),
)


def _edges(x: Array, bins: int, between: Sequence[float] | None) -> Array:
    """The edges of bins of one width; between the extremes of the data if not told."""
    if dtype_of(x).name not in ("f32", "f64"):
        raise ShapeError(f"histogram: needs f32 or f64, got {dtype_of(x)}")
    if bins < 1:
        raise ShapeError(f"histogram: argument bins must be positive, got {bins}")
    if between is not None:
        low, high = between
    else:
        low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 0.0)
    if low == high:
        low, high = (low - 0.5, high + 0.5) if x.size else (0.0, 1.0)
    if not low < high:
        raise ShapeError(f"histogram: argument range must ascend, got {low} to {high}")
    return np.linspace(low, high, bins + 1).astype(x.dtype)


def _check_edges(name: str, x: Array, edges: Array) -> None:
    """Check that `edges` ascend and have the dtype of `x`.

    Raises:
        ShapeError: if not.
    """
    if not dtype_of(x).is_floating or edges.dtype != x.dtype or edges.ndim != 1:
        raise ShapeError(f"{name}: {dtype_of(x)} input, bins {dtype_of(edges)}{edges.shape}")
    if np.any(edges[1:] < edges[:-1]):
        raise ShapeError(f"{name}: argument bins must ascend")


def _wide(x: Array) -> Array:
    """16-bit floats as f32, the others as they are."""
    return x.astype(accumulation(dtype_of(x)).numpy, copy=False)


def _histogram_between(
    x: Array, edges: Array, weight: Array | None, density: bool
) -> tuple[Array, Array]:
    """Sums of weights between neighbouring edges, of which the last belongs to its bin."""
    _check_edges("histogram", x, edges)
    if weight is not None and (weight.shape != x.shape or weight.dtype != x.dtype):
        raise ShapeError(f"histogram: weight {list(weight.shape)} for input {list(x.shape)}")
    flat = None if weight is None else _wide(weight.reshape(-1))
    found, _ = np.histogram(_wide(x.reshape(-1)), _wide(edges), weights=flat, density=density)
    return found.astype(x.dtype), edges


op(
    "aten::histogram.bins_tensor(Tensor self, Tensor bins, *, Tensor? weight=None, bool "
    "density=False) -> (Tensor hist, Tensor bin_edges)",
    reference=lambda x, edges, *rest: _histogram_between(x, edges.copy(), *rest),
    samples=(
        (f32(9), given([-2.0, 0.0, 1.0, 3.0]), None, False),
        (f32(3, 4), given([-3.0, 0.0, 3.0]), f32(3, 4, low=0.0), True),
        (bf16(9), given([-2.0, 0.0, 3.0], dtypes.bf16), None, False),
    ),
)
op(
    "aten::histogram.bin_ct(Tensor self, int bins=100, *, float[]? range=None, Tensor? "
    "weight=None, bool density=False) -> (Tensor hist, Tensor bin_edges)",
    reference=lambda x, bins, between, *rest: _histogram_between(
        x, _edges(x, bins, between), *rest
    ),
    samples=((f32(20), 5, None, None, False), (f64(20), 4, [-1.0, 1.0], None, False)),
)


def _edges_of_all(x: Array, bins: Sequence[int], between: Sequence[float] | None) -> list[Array]:
    """The edges along each column, of which `between` holds the limits one after another."""
    if x.ndim < 2 or x.shape[-1] != len(bins):
        raise ShapeError(f"histogramdd: {len(bins)} bins for input {list(x.shape)}; one a column")
    if between is not None and len(between) != 2 * len(bins):
        raise ShapeError(f"histogramdd: range has {len(between)} numbers, not {2 * len(bins)}")
    columns = np.moveaxis(x, -1, 0)
    limits = [None if between is None else between[2 * i : 2 * i + 2] for i in range(len(bins))]
    return [_edges(c, n, limit) for c, n, limit in zip(columns, bins, limits, strict=True)]


def _histogram_of_points(
    x: Array, edges: Sequence[Array], weight: Array | None, density: bool
) -> tuple[Array, list[Array]]:
    """Sums of the weights of points, the rows of `x`, between edges along each column."""
    if x.ndim < 2 or x.shape[-1] != len(edges):
        raise ShapeError(f"histogramdd: {len(edges)} bins for input {list(x.shape)}; one a column")
    for edge in edges:
        _check_edges("histogramdd", x, edge)
    if weight is not None and (weight.shape != x.shape[:-1] or weight.dtype != x.dtype):
        raise ShapeError(f"histogramdd: weight {list(weight.shape)} for input {list(x.shape)}")
    flat = None if weight is None else _wide(weight.reshape(-1))
    points, limits = _wide(x.reshape(-1, len(edges))), [_wide(edge) for edge in edges]
    found, _ = np.histogramdd(points, limits, density=density, weights=flat)
    return found.astype(x.dtype), list(edges)


_TAIL = (
    "float[]? range=None, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor[] "
    "bin_edges)"
)
op(
    f"aten::histogramdd(Tensor self, int[] bins, {_TAIL}",
    reference=lambda x, bins, between, *rest: _histogram_of_points(
        x, _edges_of_all(x, bins, between), *rest
    ),
    samples=(
        (f32(20, 2), [3, 4], None, None, False),
        (f64(9, 2), [2, 2], [-1.0, 1.0, -2.0, 2.0], f64(9, low=0.0), True),
    ),
)
op(
    f"aten::histogramdd.int_bins(Tensor self, int bins, {_TAIL}",
    reference=lambda x, bins, between, *rest: _histogram_of_points(
        x, _edges_of_all(x, [bins] * x.shape[-1], between), *rest
    ),
    samples=((f32(20, 2), 3, None, None, False),),
)
op(
    f"aten::histogramdd.TensorList_bins(Tensor self, Tensor[] bins, {_TAIL}",
    reference=lambda x, bins, _, *rest: _histogram_of_points(x, bins, *rest),
    samples=((f32(20, 2), [given([-2.0, 0.0, 3.0]), given([-1.0, 1.0])], None, None, False),),
)
