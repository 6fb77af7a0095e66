"""Hinge losses over classes and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import op
from treadle.ops.losses import reduced
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, f64, given, i64
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def _rows(name: str, x: Any, target: Any, reduction: int, *, per_class: bool) -> tuple[int, ...]:
    """The shape of the losses, one for each row.

    Raises:
        ShapeError: if input, target and reduction do not fit.
    """
    shape = tuple(x.shape)
    wanted = shape if per_class else shape[:-1]
    if len(shape) > 2 or 0 in shape[-1:] or not dtype_of(x).is_floating:
        raise ShapeError(f"{name}: input must be [rows, classes], got {dtype_of(x)}{list(shape)}")
    fits = tuple(target.shape) == wanted or (not wanted and tuple(target.shape) == (1,))
    if dtype_of(target) != dtypes.i64 or not fits:
        raise ShapeError(
            f"{name}: target must be i64{list(wanted)}, got {dtype_of(target)}{list(target.shape)}"
        )
    if reduction not in (0, 1, 2):
        raise ShapeError(f"{name}: argument reduction must be 0, 1 or 2, got {reduction}")
    return shape[:-1]


def _reduced(losses: Array, reduction: int, x: Array) -> Array:
    result = losses.mean() if reduction == 1 else losses.sum() if reduction == 2 else losses
    return np.asarray(result).astype(x.dtype)


def _class(
    x: Operand, target: Operand, p: float, margin: float, weight: Operand | None, reduction: int
) -> Operand:
    """How far other classes come within `margin` of the right one."""
    _rows("multi_margin_loss", x.type, target.type, reduction, per_class=False)
    if p not in (1, 2):
        raise ShapeError(f"multi_margin_loss: argument p must be 1 or 2, got {p}")
    classes = x.shape[-1] if x.shape else 1
    if weight is not None and weight.shape != (classes,):
        raise ShapeError(f"multi_margin_loss: weight {list(weight.shape)} for {classes} classes")
    rows, right = x.reshape(-1, classes), target.reshape(-1, 1)
    gaps = (margin - rows.op("gather", 1, right) + rows).clamp_min(0)
    gaps = gaps if p == 1 else gaps * gaps
    if weight is not None:
        gaps = gaps * weight.op("index_select", 0, target.reshape(-1)).reshape(-1, 1)
    is_other = right.op("ne.Tensor", target.given(np.arange(int(classes))))
    losses = gaps.where(is_other, 0.0).sum(1) / classes
    return reduced("multi_margin_loss", losses.reshape(*target.shape), reduction)


def _infer_labels(x: TensorType, target: TensorType, reduction: int) -> TensorType:
    shape = _rows("multilabel_margin_loss", x, target, reduction, per_class=True)
    return tensor(x.element, () if reduction else shape)


def _labels(x: Array, target: Array, reduction: int) -> Array:
    """How far other classes come within 1 of the right ones, which end at a -1."""
    shape = _rows("multilabel_margin_loss", x, target, reduction, per_class=True)
    x = x.reshape(x.shape or 1)
    classes = x.shape[-1]
    if target.size and (target.min() < -1 or target.max() >= classes):
        raise IndexOutOfRange(f"multilabel_margin_loss: target; allowed: -1 to {classes - 1}")
    losses = []
    for row, labels in zip(
        x.astype(np.float64).reshape(-1, classes), target.reshape(-1, classes), strict=True
    ):
        ends = np.flatnonzero(labels < 0)
        right = labels[: ends[0]] if ends.size else labels
        others = np.setdiff1d(np.arange(classes), right)
        gaps = np.maximum(1 - (row[right][:, None] - row[others]), 0)
        losses.append(gaps.sum() / classes)
    return _reduced(np.array(losses).reshape(shape), reduction, x)


_RIGHT = i64(3, low=0, high=5)
composite(
    "aten::multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? "
    "weight=None, int reduction=1) -> Tensor",
    _class,
    samples=(
        (f32(3, 5), _RIGHT, 1, 1, None, 1),
        (f64(3, 5), _RIGHT, 2, 0.5, f64(5, low=0.1), 0),
        (f32(5), i64(1, low=0, high=5), 1, 1, None, 2),
        (f32(), given(0, dtypes.i64), 1, 1, None, 0),
        (f32(0, 5), i64(0, low=0, high=5), 1, 1, None, 0),
    ),
    kinds="d",
)
_SETS = given([[3, 0, -1, 1], [2, -1, 0, 0], [0, 1, 2, 3]], dtypes.i64)
op(
    "aten::multilabel_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
    reference=_labels,
    infer=_infer_labels,
    samples=((f32(3, 4), _SETS, 1), (f32(3, 4), _SETS, 0), (f64(3, 4), _SETS, 2)),
    kinds="d",
)
