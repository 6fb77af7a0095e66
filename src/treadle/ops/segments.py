"""Reductions of segments: neighbours along one dim, so many as `lengths` or `offsets` tell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError, UnsupportedError
from treadle.ir.dtypes import i32 as i32_dtype
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import bf16, f32, f64, given
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]
_REDUCTIONS: dict[str, tuple[Any, float]] = {
    "sum": (np.add, 0.0), "mean": (np.add, 0.0), "prod": (np.multiply, 1.0),
    "max": (np.maximum, -math.inf), "min": (np.minimum, math.inf),
}  # fmt: skip
"""The function of each, and what an empty segment gives; the mean of one is NaN."""


def _infer(
    data: TensorType, reduce: str, lengths: Any, indices: Any, offsets: Any, axis: int, *_: Any
) -> TensorType:
    if reduce not in _REDUCTIONS:
        raise ShapeError(f"segment_reduce: reduce {reduce!r}; allowed: {[*_REDUCTIONS]}")
    if indices is not None:
        raise UnsupportedError("segment_reduce by indices, which torch refuses too")
    told = offsets if lengths is None else lengths
    if told is None:
        raise ShapeError("segment_reduce: needs argument lengths or offsets")
    dim, count = wrap_dim("segment_reduce", axis, len(data.sizes), "axis"), len(told.shape)
    if told.element not in (i64_dtype, i32_dtype) or not data.element.is_floating:
        raise ShapeError(f"segment_reduce: {data} in segments by {told}; needs floats by integers")
    if dim != count - 1 or told.sizes[:dim] != data.sizes[:dim]:
        raise ShapeError(
            f"segment_reduce: segments {list(told.sizes)} along axis {axis} of {list(data.sizes)};"
            " axis must be their last dim, the dims before it equal"
        )
    segments = max(told.sizes[dim] - (lengths is None), 0)
    return tensor(data.element, (*data.sizes[:dim], segments, *data.sizes[dim + 1 :]))


def _bounds(lengths: Array | None, offsets: Array | None, size: int, unsafe: bool) -> Array:
    """Where segments begin and end, along the last dim.

    Raises:
        IndexOutOfRange: if they are not in order inside `size` elements.
    """
    if lengths is None:
        assert offsets is not None
        bounds = offsets.astype(np.int64)
    else:
        start = np.zeros((*lengths.shape[:-1], 1), np.int64)
        bounds = np.concatenate([start, np.cumsum(lengths, -1, dtype=np.int64)], -1)
        if not unsafe and not np.all(bounds[..., -1] == size):
            raise ShapeError(f"segment_reduce: lengths must add up to {size}")
    if np.any(np.diff(bounds) < 0) or np.any(bounds < 0) or np.any(bounds > size):
        raise IndexOutOfRange(f"segment_reduce: segments must ascend from 0 to {size} at most")
    return bounds


def _segment_reduce(
    data: Array, reduce: str, lengths: Array | None, indices: Any, offsets: Array | None,
    axis: int, unsafe: bool, initial: float | None,
) -> Array:  # fmt: skip
    """Source: torch.segment_reduce; `initial` counts as an element, but not of a mean's."""
    types = (None if a is None else tensor(dtype_of(a), a.shape) for a in (lengths, offsets))
    told, at = types
    result = _infer(tensor(dtype_of(data), data.shape), reduce, told, indices, at, axis)
    dim = wrap_dim("segment_reduce", axis, data.ndim)
    bounds = _bounds(lengths, offsets, data.shape[dim], unsafe)
    function, neutral = _REDUCTIONS[reduce]
    found = np.full(result.sizes, neutral if initial is None else initial, np.float64)
    for lead in np.ndindex(data.shape[:dim]):
        starts, stops = bounds[lead][:-1], bounds[lead][1:]
        full = starts < stops
        if full.any():
            rows = data[lead][: stops[-1]].astype(np.float64)
            reduced = function.reduceat(rows, starts[full], axis=0)
            found[lead][full] = function(found[lead][full], reduced)
        if reduce == "mean":
            counts = (stops - starts).reshape(-1, *(1,) * (data.ndim - dim - 1))
            empty = np.nan if initial is None else initial
            found[lead] = np.where(counts, found[lead] / np.maximum(counts, 1), empty)
    return found.astype(data.dtype)


_LENGTHS = given([2, 0, 3], i64_dtype)
_OFFSETS = given([[0, 1, 4], [0, 0, 4]], i64_dtype)
op(
    "aten::segment_reduce(Tensor data, str reduce, *, Tensor? lengths=None, Tensor? indices=None, "
    "Tensor? offsets=None, int axis=0, bool unsafe=False, Scalar? initial=None) -> Tensor",
    reference=_segment_reduce,
    infer=_infer,
    samples=(
        *((f32(5, 3), name, _LENGTHS, None, None, 0, False, None) for name in _REDUCTIONS),
        *((f64(2, 4), name, None, None, _OFFSETS, 1, False, 2.0) for name in _REDUCTIONS),
        (bf16(5), "sum", given([5], i32_dtype), None, None, 0, True, None),
        (f32(0, 3), "max", given([0], i64_dtype), None, None, 0, False, None),
    ),
)
