"""`roi_align` as loops: tables of the pixels around all points, and sums over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import cast, checked_index, extent, varying
from treadle.ops.gather import checked_positions
from treadle.ops.lowering import Elements, Fold, Loader
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.rois import ROIS, ends, place
from treadle.ops.scalar_math import LOOPS, NUMPY, Element
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def _infer_table(
    rois: TensorType, column: int, scale: float, bins: int, ratio: int, aligned: bool, size: int,
    part: int,
) -> TensorType:  # fmt: skip
    if min(bins, ratio, size) < 1 or rois.sizes[1:] != (5,) or column not in (1, 2):
        raise ShapeError(
            f"roi_table: {bins} bins of {ratio} points over {size} pixels, columns {column} and"
            f" {column + 2} of {rois}"
        )
    return tensor(dtypes.i64 if part < 2 else rois.element, (rois.sizes[0], bins * ratio))


def _table(
    rois: Array, column: int, scale: float, bins: int, ratio: int, aligned: bool, size: int,
    part: int,
) -> Array:  # fmt: skip
    """Part `part` of `ends` for all points of each box along one dim: [k, bins * ratio]."""
    _infer_table(
        tensor(dtype_of(rois), rois.shape), column, scale, bins, ratio, aligned, size, part
    )
    low, high = (rois[:, c, None] for c in (column, column + 2))
    point = np.arange(bins * ratio)
    at = place(NUMPY, low, high, point, scale, bins, ratio, aligned)
    return np.asarray(ends(NUMPY, at, float(size))[part])


def _table_element(
    load: Loader, positions: Sequence[Expr], result: TensorType, rois: TensorType, column: int,
    scale: float, bins: int, ratio: int, aligned: bool, size: int, part: int,
) -> Expr:  # fmt: skip
    k, point = positions
    low, high = (Element(load(0, (k, extent(c)))) for c in (column, column + 2))
    at = place(LOOPS, low, high, Element(point), scale, bins, ratio, aligned)
    found: Element = ends(LOOPS, at, Element(varying(size, at.dtype)))[part]
    return found.expr


op(
    "treadle::roi_table(Tensor rois, int column, float scale, int bins, int ratio, bool aligned, "
    "int size, int part) -> Tensor",
    reference=_table,
    infer=_infer_table,
    lower=Elements(_table_element),
    samples=tuple((ROIS, 1, 0.75, 3, 2, part == 2, 9, part) for part in range(4)),
)


def _pooled(pixels: Array, rois: Array, *args: Any) -> Array:
    """[k, height, width, c]: the means of the points that the tables give."""
    (*tables, height, width, ratio) = args
    images = checked_positions("roi_align", rois[:, 0].astype(np.int64), len(pixels))
    total: Any = 0.0
    for y, down in (tables[0:3:2], tables[1:4:2]):
        for x, across in (tables[4:7:2], tables[5:8:2]):
            value = pixels[images[:, None, None], y[:, :, None], x[:, None, :]]
            total = total + value * (down[:, :, None] * across[:, None, :])[..., None]
    shape = (len(rois), height, ratio, width, ratio, pixels.shape[3])
    return np.asarray(total.reshape(shape).sum(axis=(2, 4)) / ratio**2, pixels.dtype)


def _infer_pooled(pixels: TensorType, rois: TensorType, *args: Any) -> TensorType:
    (*_, height, width, _) = args
    return tensor(pixels.element, (rois.sizes[0], height, width, pixels.sizes[3]))


def _point(
    load: Loader, positions: Sequence[Expr], index: Expr, result: TensorType, pixels: TensorType,
    rois: TensorType, *args: Any,
) -> Expr:  # fmt: skip
    """The sample at point `index` of a bin, from four pixels."""
    k, down, across, channel = positions
    ratio, dtype = args[-1], accumulation(result.element)
    point, row = Element(index), LOOPS.floordiv(Element(index), ratio)
    y = (k, (Element(down) * ratio + row).expr)
    x = (k, (Element(across) * ratio + point - row * ratio).expr)
    number = cast(load(1, (k, extent(0))), dtypes.i64)
    image = checked_index(number, pixels.sizes[0])
    total: Any = 0.0
    for row_table in (2, 3):
        for column_table in (6, 7):
            place = (image, load(row_table, y), load(column_table, x), channel)
            weight = Element(load(row_table + 2, y)) * Element(load(column_table + 2, x))
            total = Element(cast(load(0, place), dtype)) * Element(cast(weight.expr, dtype)) + total
    return cast(total.expr, dtype)


def _mean(
    total: Expr, load: Loader, positions: Sequence[Expr], result: TensorType, *args: Any
) -> Expr:
    return (Element(total) / float(args[-1] ** 2)).expr


op(
    "treadle::pooled_rois(Tensor pixels, Tensor rois, Tensor top, Tensor bottom, Tensor top_weight,"
    " Tensor bottom_weight, Tensor left, Tensor right, Tensor left_weight, Tensor right_weight, "
    "int height, int width, int ratio) -> Tensor",
    reference=_pooled,
    infer=_infer_pooled,
    lower=Fold(
        lambda load, positions, *args: (extent(0), extent(args[-1] ** 2)),
        _point,
        _mean,
        lambda *_: "sum",
    ),
)
