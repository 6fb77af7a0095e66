"""Tensors with a part replaced: a slice, a range of slices, a diagonal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT
from treadle.ops.samples import f32
from treadle.ops.shapes import numel, wrap_dim


def _select_scatter(x: Operand, source: Operand, dim: int, index: int) -> Operand:
    axis = wrap_dim("select_scatter", dim, len(x.shape))
    if not -x.shape[axis] <= index < x.shape[axis]:
        raise ShapeError(f"select_scatter: index {index} of {x.shape[axis]}")
    if source.shape != (*x.shape[:axis], *x.shape[axis + 1 :]):
        raise ShapeError(f"select_scatter: src {list(source.shape)} for {list(x.shape)}")
    place = index % int(x.shape[axis])
    return _replaced(x, source.op("unsqueeze", axis), axis, place, place + 1, 1)


def _slice_scatter(
    x: Operand, source: Operand, dim: int, start: int | None, end: int | None, step: int
) -> Operand:
    axis = wrap_dim("slice_scatter", dim, len(x.shape))
    if step < 1:
        raise ShapeError(f"slice_scatter: step must be positive, got {step}")
    first, last, _ = slice(start, end, step).indices(int(x.shape[axis]))
    return _replaced(x, source, axis, first, max(first, last), step)


def _replaced(x: Operand, source: Operand, axis: int, first: int, last: int, step: int) -> Operand:
    """`x` with `source` in place of a slice; a mask picks among what the slice skips."""
    size = int(x.shape[axis])
    count = len(range(first, last, step))
    if source.shape != (*x.shape[:axis], count, *x.shape[axis + 1 :]):
        raise ShapeError(f"slice_scatter: src {list(source.shape)} for {list(x.shape)}")
    if not count:
        return x.op("clone")  # type: ignore[no-any-return]
    places = np.zeros(size, np.int64)
    places[first:last:step] = np.arange(count)
    spread = source.to(x.dtype).op("index_select", axis, x.given(places, dtypes.i64))
    mask = np.zeros(size, bool)
    mask[first:last:step] = True
    shape = [size if d == axis else 1 for d in range(len(x.shape))]
    return spread.where(x.given(mask.reshape(shape), dtypes.bool_), x)  # type: ignore[no-any-return]


composite(
    "aten::select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor",
    _select_scatter,
    samples=((f32(3, 4), f32(4), 0, 1), (f32(3, 4), f32(3), -1, -2)),
    tolerance=EXACT,
)
composite(
    "aten::slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int "
    "step=1) -> Tensor",
    _slice_scatter,
    samples=(
        (f32(5, 4), f32(2, 4), 0, 1, 3, 1),
        (f32(3, 6), f32(3, 3), 1, None, None, 2),
        (f32(3, 6), f32(3, 0), 1, 4, 2, 1),
    ),
    tolerance=EXACT,
)


def _diagonal_indices(
    shape: Sequence[int], offset: int, dim1: int, dim2: int
) -> tuple[int, int, int]:
    a, b = (wrap_dim("diagonal", d, len(shape)) for d in (dim1, dim2))
    if a == b:
        raise ShapeError(f"diagonal: dims {dim1} and {dim2} must differ")
    rows, columns = shape[a], shape[b]
    return a, b, max(0, min(rows + min(offset, 0), columns - max(offset, 0)))


def _on_diagonal(
    x: Operand, source: Operand, offset: int, dim1: int, dim2: int, name: str
) -> Operand:
    a, b, count = _diagonal_indices(x.shape, offset, dim1, dim2)
    rest = tuple(d for i, d in enumerate(x.shape) if i not in (a, b))
    if source.shape != (*rest, count):
        raise ShapeError(f"{name}: src {list(source.shape)} for {list(x.shape)}")
    if not numel(source.shape):
        return x.op("clone")  # type: ignore[no-any-return]
    rows, columns = int(x.shape[a]), int(x.shape[b])
    i, j = np.arange(rows)[:, None], np.arange(columns)[None, :]
    along = np.clip(np.minimum(i, i + min(offset, 0)) * np.ones_like(j), 0, count - 1)
    spread = source.op("index_select", -1, x.given(along.reshape(-1), dtypes.i64))
    matrix = spread.reshape(*rest, rows, columns).op("movedim.intlist", [-2, -1], [a, b])
    mask = np.broadcast_to(j - i == offset, (rows, columns))
    shape = [rows if d == a else columns if d == b else 1 for d in range(len(x.shape))]
    ordered = mask if a < b else mask.T
    return matrix.where(x.given(ordered.reshape(shape), dtypes.bool_), x)  # type: ignore[no-any-return]


composite(
    "aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> "
    "Tensor",
    lambda x, source, offset, a, b: _on_diagonal(x, source, offset, a, b, "diagonal_scatter"),
    samples=(
        (f32(3, 4), f32(3), 0, 0, 1),
        (f32(3, 4), f32(2), -1, 0, 1),
        (f32(2, 3, 4), f32(3, 1), 1, 2, 0),
    ),
    tolerance=EXACT,
)


def _diag_embed(x: Operand, offset: int, dim1: int, dim2: int) -> Operand:
    rank = len(x.shape) + 1
    a, b = (wrap_dim("diag_embed", d, rank) for d in (dim1, dim2))
    if a == b:
        raise ShapeError(f"diag_embed: dims {dim1} and {dim2} must differ")
    size = x.shape[-1] + abs(offset)
    shape = list(x.shape[:-1])
    for dim in sorted((a, b)):
        shape.insert(dim, size)
    zeros = x.op("new_zeros", shape)
    return _on_diagonal(zeros, x, offset, a, b, "diag_embed")


composite(
    "aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
    _diag_embed,
    samples=((f32(3), 0, -2, -1), (f32(2, 3), 1, -2, -1), (f32(2, 3), -1, 2, 0)),
    tolerance=EXACT,
)
composite(
    "aten::diagflat(Tensor self, int offset=0) -> Tensor",
    lambda x, offset: _diag_embed(x.reshape(-1), offset, 0, 1),
    samples=((f32(3), 0), (f32(2, 2), 1)),
    tolerance=EXACT,
)
