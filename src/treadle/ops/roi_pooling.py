"""Boxes of images pooled as the detectors before RoI Align did: whole pixels, score maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.declare import op
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.rois import ROIS, bin_weights, check, image_of
from treadle.ops.samples import f32, f64

Array = np.ndarray[Any, Any]
_MOST_PIXELS = 2**31  # of a coordinate; beyond any image


def _rounded(box: Array, scale: float) -> list[int]:
    """The corners of a box in whole pixels, halves away from 0."""
    scaled = np.nan_to_num((box[1:] * scale).astype(np.float64)).clip(-_MOST_PIXELS, _MOST_PIXELS)
    return [int(c) for c in np.trunc(scaled + np.copysign(0.5, scaled))]


def _edges(first: int, length: int, bins: int, size: int, dtype: Any) -> list[tuple[int, int]]:
    """The first pixel of each bin and the one after its last."""
    step = np.asarray(length, dtype) / np.asarray(bins, dtype)
    return [
        (
            min(max(int(np.floor(i * step)) + first, 0), size),
            min(max(int(np.ceil((i + 1) * step)) + first, 0), size),
        )
        for i in range(bins)
    ]


def _roi_pool(
    image: Array, rois: Array, scale: float, height: int, width: int
) -> tuple[Array, Array]:
    """The largest pixel in each bin of each box, and where it is; 0 and -1 in an empty bin.

    Source: Girshick 2015, Fast R-CNN; torchvision.ops.roi_pool.
    """
    check("roi_pool", image, rois, height, width)
    n, channels, rows, columns = image.shape
    values = np.zeros((len(rois), channels, height, width), image.dtype)
    places = np.full(values.shape, -1, np.int32)
    for k, box in enumerate(rois):
        pixels = image[image_of("roi_pool", box, n)]
        x1, y1, x2, y2 = _rounded(box, scale)
        down = _edges(y1, max(y2 - y1 + 1, 1), height, rows, image.dtype)
        across = _edges(x1, max(x2 - x1 + 1, 1), width, columns, image.dtype)
        for i, (top, bottom) in enumerate(down):
            for j, (left, right) in enumerate(across):
                if top >= bottom or left >= right:
                    continue
                flat = pixels[:, top:bottom, left:right].reshape(channels, -1)
                best = flat.argmax(axis=1)
                row, column = np.divmod(best, right - left)
                values[k, :, i, j] = flat[np.arange(channels), best]
                places[k, :, i, j] = (row + top) * columns + column + left
    return values, places


def _own_maps(name: str, image: Array, height: int, width: int) -> Array:
    """The number of the map that each bin of each channel of the result reads: [c, bins].

    Raises:
        ShapeError: if the channels cannot be shared out to the bins.
    """
    channels = image.shape[1]
    if channels % (height * width):
        raise ShapeError(f"{name}: {channels} channels for {height} x {width} bins of their own")
    return np.arange(channels, dtype=np.int32).reshape(-1, height, width)


def _ps_roi_align(
    image: Array, rois: Array, scale: float, height: int, width: int, ratio: int
) -> tuple[Array, Array]:
    """As `roi_align`, each bin from a channel of its own; and the numbers of those channels.

    Source: Li et al. 2017, Light-Head R-CNN; torchvision.ops.ps_roi_align.
    """
    check("ps_roi_align", image, rois, height, width)
    maps = _own_maps("ps_roi_align", image, height, width)
    n, _, rows, columns = image.shape
    wide = accumulation(dtype_of(image)).numpy
    result = np.zeros((len(rois), *maps.shape), wide)
    boxes = rois.astype(wide)
    across = bin_weights(
        "ps_roi_align", boxes[:, 1], boxes[:, 3], columns, scale, width, ratio, True
    )
    down = bin_weights("ps_roi_align", boxes[:, 2], boxes[:, 4], rows, scale, height, ratio, True)
    for k, box in enumerate(boxes):
        pixels = image[image_of("ps_roi_align", box, n)].astype(wide)[maps]
        result[k] = np.einsum("ph,cpqhw,qw->cpq", down[k], pixels, across[k])
    return result.astype(image.dtype), np.broadcast_to(maps, result.shape).copy()


def _ps_roi_pool(
    image: Array, rois: Array, scale: float, height: int, width: int
) -> tuple[Array, Array]:
    """The mean of each bin, from a channel of its own; and the numbers of those channels.

    Source: Dai et al. 2016, R-FCN; torchvision.ops.ps_roi_pool.
    """
    check("ps_roi_pool", image, rois, height, width)
    maps = _own_maps("ps_roi_pool", image, height, width)
    n, _, rows, columns = image.shape
    wide = accumulation(dtype_of(image)).numpy
    result = np.zeros((len(rois), *maps.shape), wide)
    for k, box in enumerate(rois):
        pixels = image[image_of("ps_roi_pool", box, n)].astype(wide)
        x1, y1, x2, y2 = _rounded(box, scale)
        # The last row and column are never reached.
        down = _edges(y1, max(y2 - y1, 1), height, rows - 1, image.dtype)
        across = _edges(x1, max(x2 - x1, 1), width, columns - 1, image.dtype)
        for i, (top, bottom) in enumerate(down):
            for j, (left, right) in enumerate(across):
                if top < bottom and left < right:
                    part = pixels[maps[:, i, j], top:bottom, left:right]
                    result[k, :, i, j] = part.mean(axis=(1, 2))
    return result.astype(image.dtype), np.broadcast_to(maps, result.shape).copy()


_HEAD = "(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width"
op(
    f"torchvision::roi_pool{_HEAD}) -> (Tensor, Tensor)",
    reference=_roi_pool,
    samples=(
        (f32(2, 3, 6, 9), ROIS, 0.75, 2, 3),
        (f64(1, 2, 3, 3), f64(2, 5, low=0.0), 3.0, 1, 4),
    ),
)
op(
    f"torchvision::ps_roi_align{_HEAD}, int sampling_ratio) -> (Tensor, Tensor)",
    reference=_ps_roi_align,
    samples=((f32(2, 12, 6, 9), ROIS, 0.75, 2, 3, 2), (f32(2, 8, 6, 9), ROIS, 0.5, 2, 2, 1)),
)
op(
    f"torchvision::ps_roi_pool{_HEAD}) -> (Tensor, Tensor)",
    reference=_ps_roi_pool,
    samples=((f32(2, 12, 6, 9), ROIS, 0.75, 2, 3), (f32(2, 8, 6, 9), ROIS, 1.0, 2, 2)),
)
