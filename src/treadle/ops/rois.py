"""Regions of interest: boxes of images, each pooled to one size by bilinear averages.

A box is a row ``[image, x1, y1, x2, y2]`` of `rois`; coordinates times `scale` are pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f32, f64, given
from treadle.ops.scalar_math import NUMPY
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
_MOST_POINTS = 1 << 12  # of one bin, along one dim: larger boxes are mistakes


def check(name: str, image: Any, rois: Any, height: int, width: int) -> None:
    """Check the operands of `name`.

    Raises:
        ShapeError: if the shapes or dtypes do not fit.
    """
    if len(image.shape) != 4 or len(rois.shape) != 2 or rois.shape[1] != 5:
        raise ShapeError(
            f"{name}: input {list(image.shape)} must be [n, c, h, w] and rois"
            f" {list(rois.shape)} [k, 5]: image, x1, y1, x2, y2"
        )
    if not dtype_of(image).is_floating or dtype_of(image) != dtype_of(rois):
        raise ShapeError(
            f"{name}: input and rois must have one floating dtype, got {dtype_of(image)} and"
            f" {dtype_of(rois)}"
        )
    if height < 1 or width < 1:
        raise ShapeError(f"{name}: the pooled size must be positive, got {height} x {width}")


def image_of(name: str, box: Array, count: int) -> int:
    """The number of the image of a box.

    Raises:
        IndexOutOfRange: if there is no such image.
    """
    number = box[0]
    if not 0 <= number < count:
        raise IndexOutOfRange(f"{name}: rois name image {number}, of {count}")
    return int(number)


# --- bilinear averages --------------------------------------------------------------------------


def _start_and_step(
    f: Any, low: Any, high: Any, scale: float, bins: int, aligned: bool
) -> tuple[Any, Any]:
    """Where a box begins along one dim, and how long a bin is."""
    shift = 0.5 if aligned else 0.0
    start = low * scale - shift
    length = high * scale - shift - start
    return start, (length if aligned else f.maximum(length, 1.0)) / float(bins)


def place(
    f: Any, low: Any, high: Any, point: Any, scale: float, bins: int, ratio: int, aligned: bool
) -> Any:
    """Where point number `point` of a box lies, `ratio` in each bin."""
    start, step = _start_and_step(f, low, high, scale, bins, aligned)
    dtype = f.dtype(start)
    bin_ = f.floordiv(point, ratio)
    share = (f.cast(point - bin_ * ratio, dtype) + 0.5) * step / float(ratio)
    return start + f.cast(bin_, dtype) * step + share


def ends(f: Any, p: Any, size: Any) -> tuple[Any, Any, Any, Any]:
    """The two pixels around a point, and their weights; those are 0 beyond the image.

    `size` is a number like `p`.
    """
    inside = (p >= -1.0) & (p <= size)
    p = f.minimum(f.maximum(f.where(inside, p, 0.0), 0.0), size - 1.0)
    low = f.floor(p)
    high = f.minimum(low + 1.0, size - 1.0)
    far = p - low
    return (
        f.cast(low, dtypes.i64),
        f.cast(high, dtypes.i64),
        f.where(inside, 1.0 - far, far * 0.0),
        f.where(inside, far, far * 0.0),
    )


def bin_weights(
    name: str, low: Array, high: Array, size: int, scale: float, bins: int, ratio: int,
    aligned: bool,
) -> Array:  # fmt: skip
    """The share of each pixel in each bin along one dim, for boxes from `low` to `high` [k].

    The result is [k, bins, size].

    Raises:
        IndexOutOfRange: if bins are larger than any image.
    """
    if ratio > 0 or not len(low):
        return _shares(low, high, size, scale, bins, ratio, aligned)
    _, step = _start_and_step(NUMPY, low, high, scale, bins, aligned)
    if not np.all((step > -np.inf) & (step <= _MOST_POINTS)):
        raise IndexOutOfRange(f"{name}: bins of {step} pixels; allowed: {_MOST_POINTS}")
    counts = np.maximum(np.ceil(step), 0).astype(np.int64)
    parts = (
        _shares(low[k : k + 1], high[k : k + 1], size, scale, bins, int(n), aligned)
        for k, n in enumerate(counts)
    )
    return np.concatenate(list(parts))


def _shares(
    low: Array, high: Array, size: int, scale: float, bins: int, ratio: int, aligned: bool
) -> Array:
    result, each = np.zeros((len(low), bins, size), low.dtype), max(ratio, 1)
    point = np.arange(bins * max(ratio, 0))
    places = place(NUMPY, low[:, None], high[:, None], point, scale, bins, each, aligned)
    first, second, near, far = ends(NUMPY, places, float(size))
    box, index = np.indices(places.shape)
    np.add.at(result, (box, index // each, first), near)
    np.add.at(result, (box, index // each, second), far)
    return np.asarray(result / each)


def _used(weights: Array) -> slice:
    """The pixels from the first to the last that has a weight."""
    found = np.flatnonzero(weights.any(axis=0))
    return slice(found[0], found[-1] + 1) if len(found) else slice(0, 0)


def _roi_align(
    image: Array, rois: Array, scale: float, height: int, width: int, ratio: int, aligned: bool
) -> Array:
    """The mean of bilinear samples in each of `height` times `width` bins of each box.

    `ratio` points along each dim of a bin; as many as it has pixels if that is not positive.

    Source: He et al. 2017, Mask R-CNN; torchvision.ops.roi_align.
    """
    check("roi_align", image, rois, height, width)
    n, channels, *sizes = image.shape
    wide = accumulation(dtype_of(image)).numpy
    boxes = rois.astype(wide)
    down = bin_weights(
        "roi_align", boxes[:, 2], boxes[:, 4], sizes[0], scale, height, ratio, aligned
    )
    across = bin_weights(
        "roi_align", boxes[:, 1], boxes[:, 3], sizes[1], scale, width, ratio, aligned
    )
    result = np.zeros((len(rois), channels, height, width), wide)
    for k, box in enumerate(boxes):
        rows, columns = _used(down[k]), _used(across[k])
        pixels = image[image_of("roi_align", box, n)][:, rows, columns].astype(wide, copy=False)
        mixed = np.tensordot(pixels, across[k][:, columns], (2, 1))  # [c, rows, width]
        result[k] = np.tensordot(down[k][:, rows], mixed, (1, 1)).swapaxes(0, 1)
    return result.astype(image.dtype)


def _infer(
    image: TensorType, rois: TensorType, scale: float, height: int, width: int, *_: Any
) -> TensorType:
    check("roi_align", image, rois, height, width)
    return tensor(image.element, (rois.sizes[0], image.sizes[1], height, width))


def _decompose(
    emit: Emitter, image: Any, rois: Any, scale: float, height: int, width: int, ratio: int,
    aligned: bool,
) -> Any:  # fmt: skip
    """Pixels and weights of all points along each dim first; then channels are the lanes."""
    if ratio <= 0:
        raise UnsupportedError("roi_align: as many samples as a box has pixels")
    *_, rows, columns = emit.type(image).sizes
    tables = [
        emit("roi_table", rois, column, scale, bins, ratio, aligned, size, part)
        for column, bins, size in ((2, height, rows), (1, width, columns))
        for part in range(4)
    ]
    pixels = emit("permute", image, [0, 2, 3, 1])
    pooled = emit("pooled_rois", pixels, rois, *tables, height, width, ratio)
    return emit("permute", pooled, [0, 3, 1, 2])


_SCHEMA = (
    "(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, "
    "int sampling_ratio, bool aligned) -> Tensor"
)
ROIS = given([[1.0, 0.5, 1.0, 9.0, 6.5], [0, 3, 2, 3, 2], [0, -4, -3, 40, 50], [1, 5, 4, 2, 1]])
_SAMPLES = (
    (f32(2, 3, 6, 9), ROIS, 1.0, 2, 3, 2, False),
    (f32(2, 17, 6, 9), ROIS, 0.5, 3, 2, 1, True),
    (f64(1, 2, 1, 1), f64(1, 5, low=0.0), 1.0, 2, 2, 2, False),
    (f32(2, 3, 6, 9), f32(0, 5), 1.0, 2, 3, 2, False),
)
op(
    f"torchvision::roi_align{_SCHEMA}",
    reference=_roi_align,
    infer=_infer,
    lower=Decompose(_decompose),
    samples=_SAMPLES,
)
