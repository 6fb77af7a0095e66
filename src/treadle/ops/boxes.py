"""Boxes that overlap a better one, removed: the step after every detector.

The operators of this module, `rois` and `deformable` are torchvision's. Archives name them, and
nothing of torchvision is needed to run them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType, bool_, i64
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import extent
from treadle.ops.lowering import Decompose, Emitter, Loader, Sieve
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, f64, given
from treadle.ops.scalar_math import LOOPS, NUMPY, Element
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
_BLOCK = 64


def _check_nms(boxes: Any, scores: Any) -> None:
    if len(boxes.shape) != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        raise ShapeError(
            f"nms: dets {list(boxes.shape)} must be [n, 4] and scores {list(scores.shape)} [n]"
        )
    if dtype_of(boxes).name not in ("f32", "f64") or dtype_of(boxes) != dtype_of(scores):
        raise ShapeError(
            f"nms: dets and scores must both be f32 or f64, got {dtype_of(boxes)} and"
            f" {dtype_of(scores)}"
        )


def _check_ordered(boxes: Any) -> None:
    dtype, shape = dtype_of(boxes), list(boxes.shape)
    if shape[1:] != [4] or dtype.name not in ("f32", "f64"):
        raise ShapeError(f"nms_staying: dets {dtype}{shape} must be [n, 4], f32 or f64")


def _overlap(f: Any, a: Sequence[Any], b: Sequence[Any]) -> Any:
    """Intersection over union of two boxes, given by their coordinates."""
    width = f.minimum(a[2], b[2]) - f.maximum(a[0], b[0])
    height = f.minimum(a[3], b[3]) - f.maximum(a[1], b[1])
    shared = f.maximum(width, 0.0) * f.maximum(height, 0.0)
    area, other = ((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b))
    return shared / (area + other - shared)


def _nms(boxes: Array, scores: Array, threshold: float) -> Array:
    """The boxes (x1, y1, x2, y2) kept, best score first; NaN counts as the best, as in sort.

    One goes if it shares more than `threshold` of the union with a better one that stays.

    Source: torchvision.ops.nms.
    """
    order = _order(boxes, scores)
    return order[_staying(boxes[order], threshold)]


def _order(boxes: Array, scores: Array) -> Array:
    _check_nms(boxes, scores)
    missing = np.isnan(scores)
    return np.lexsort((-np.where(missing, 0, scores), ~missing))


def _staying(boxes: Array, threshold: float) -> Array:
    """Blocks of boxes meet all later ones at once."""
    _check_ordered(boxes)
    left, staying = np.arange(len(boxes)), np.zeros(len(boxes), np.bool_)
    while left.size:
        corners = boxes[left].T
        shares = _overlap(NUMPY, corners[:, :_BLOCK, None], corners)
        hits = shares > np.float64(threshold)
        stays = np.ones(left.size, np.bool_)
        for i, hit in enumerate(hits):
            if stays[i]:
                hit[: i + 1] = False
                stays &= ~hit
        staying[left[:_BLOCK][stays[:_BLOCK]]] = True
        left = left[_BLOCK:][stays[_BLOCK:]]
    return staying


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


# --- its parts, of which the sizes do not depend on data ----------------------------------------


def _infer_order(boxes: TensorType, scores: TensorType) -> TensorType:
    _check_nms(boxes, scores)
    return tensor(i64, scores.sizes)


def _decompose_order(emit: Emitter, boxes: Any, scores: Any) -> Any:
    return emit("argsort.stable", scores, True, 0, True)


op(
    "treadle::nms_order(Tensor dets, Tensor scores) -> Tensor",
    reference=_order,
    infer=_infer_order,
    lower=Decompose(_decompose_order),
    tolerance=EXACT,
    samples=((given(_BOXES), given(_SCORES)), (f32(0, 4), f32(0)), (f64(70, 4), f64(70))),
)


def _strikes(
    load: Loader, i: Expr, j: Expr, boxes: TensorType, threshold: float
) -> Expr:  # fmt: skip
    better, other = ([Element(load(0, (row, extent(c)))) for c in range(4)] for row in (i, j))
    struck: Element = _overlap(LOOPS, better, other) > _below(threshold, boxes.element)
    return struck.expr


def _below(number: float, dtype: DType) -> float:
    """The largest number of `dtype` that is no larger: what is above one is above the other."""
    with np.errstate(over="ignore"):
        near = dtype.numpy.type(number)
    over = float(near) > number
    return float(np.nextafter(near, dtype.numpy.type(-np.inf)) if over else near)


def _infer_staying(boxes: TensorType, threshold: float) -> TensorType:
    _check_ordered(boxes)
    return tensor(bool_, boxes.sizes[:1])


op(
    "treadle::nms_staying(Tensor dets, float iou_threshold) -> Tensor",
    reference=_staying,
    infer=_infer_staying,
    lower=Sieve(_strikes),
    tolerance=EXACT,
    samples=(
        (given(_BOXES), 0.5),
        (f32(150, 4, low=0.0, high=9.0), 0.3),
        (f64(70, 4, low=0.0, high=9.0), 0.1),
        (f32(0, 4), 0.5),
    ),
)
