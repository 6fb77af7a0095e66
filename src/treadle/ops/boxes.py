"""Boxes that overlap a better one, removed: the step after every detector.

The operators of this module, `rois` and `deformable` are torchvision's. Archives name them, and
nothing of torchvision is needed to run them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.declare import EXACT, op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, f64, given

Array = np.ndarray[Any, Any]
_BLOCK = 64


def _check_nms(boxes: Array, scores: Array) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        raise ShapeError(
            f"nms: dets {list(boxes.shape)} must be [n, 4] and scores {list(scores.shape)} [n]"
        )
    if dtype_of(boxes).name not in ("f32", "f64") or boxes.dtype != scores.dtype:
        raise ShapeError(
            f"nms: dets and scores must both be f32 or f64, got {dtype_of(boxes)} and"
            f" {dtype_of(scores)}"
        )


def _overlaps(a: Array, b: Array) -> Array:
    """Intersection over union of each of `a` [4, m, 1] with each of `b` [4, n]."""
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas_a, areas_b = ((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b))
    return np.asarray(shared / (areas_a + areas_b - shared))


def _nms(boxes: Array, scores: Array, threshold: float) -> Array:
    """The boxes (x1, y1, x2, y2) kept, best score first; NaN counts as the best, as in sort.

    One goes if it shares more than `threshold` of the union with a better one that stays. Blocks of
    boxes meet all later ones at once.

    Source: torchvision.ops.nms.
    """
    _check_nms(boxes, scores)
    missing = np.isnan(scores)
    order = np.lexsort((-np.where(missing, 0, scores), ~missing))
    kept = [order[:0]]
    while order.size:
        corners = boxes[order].T
        with np.errstate(all="ignore"):
            hits = _overlaps(corners[:, :_BLOCK, None], corners) > np.float64(threshold)
        stays = np.ones(order.size, np.bool_)
        for i, hit in enumerate(hits):
            if stays[i]:
                hit[: i + 1] = False
                stays &= ~hit
        kept.append(order[:_BLOCK][stays[:_BLOCK]])
        order = order[_BLOCK:][stays[_BLOCK:]]
    return np.concatenate(kept)


_BOXES = [[0.0, 0, 2, 2], [0, 0, 2, 1], [1, 1, 3, 3], [0, 0, 2, 2], [5, 5, 5, 5], [5, 5, 5, 5]]
_SCORES = [0.5, 0.75, 0.25, 0.5, float("nan"), -1.0]
op(
    "torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    reference=_nms,
    tolerance=EXACT,
    samples=(
        (given(_BOXES), given(_SCORES), 0.5),
        (given(_BOXES), given(_SCORES), 0.1),
        (f32(200, 4, low=0.0, high=9.0), f32(200), 0.3),
        (f64(70, 4, low=0.0, high=9.0), f64(70), 0.0),
        (f32(0, 4), f32(0), 0.5),
    ),
)
