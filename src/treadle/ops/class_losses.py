"""Losses of classes: likelihood and cross entropy."""

from __future__ import annotations

from typing import Any

from treadle.errors import ShapeError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ops.composite import Operand, composite
from treadle.ops.losses import MEAN, NONE, SUM, reduced, weighted
from treadle.ops.samples import f32, given, i64
from treadle.ops.shapes import numel


def _likelihood(
    x: Operand, target: Operand, weight: Operand | None, reduction: int, ignored: int
) -> Operand:
    """Minus the weighted log-probability of the target's class, but for the ignored."""
    if not x.shape or target.shape != (*x.shape[:-1][:1], *x.shape[2:]):
        raise ShapeError(f"nll_loss: target {list(target.shape)} does not fit {list(x.shape)}")
    if target.dtype.name not in ("i64", "u8"):
        raise ShapeError(f"nll_loss: target must be i64, got {target.dtype}")
    axis = 0 if len(x.shape) == 1 else 1
    counted = target.op("ne.Scalar", ignored)
    chosen = target.to(i64_dtype).where(counted, target.given(0, i64_dtype))
    log_p = x.op("gather", axis, chosen.op("unsqueeze", axis)).op("squeeze.dim", axis)
    if weight is None:
        scale = counted.to(x.dtype)
    else:
        flat = weight.op("index_select", 0, chosen.op("reshape", [-1]))
        scale = flat.op("reshape", list(target.shape)).where(counted, 0.0)
    losses = (-log_p * scale).where(counted, 0.0)
    return losses.sum() / scale.sum() if reduction == MEAN else reduced("nll", losses, reduction)


def _cross_entropy(
    x: Operand, target: Operand, weight: Operand | None, reduction: int, ignored: int,
    smoothing: float,
) -> Operand:  # fmt: skip
    """Target are classes, or probabilities if it has the shape of the input.

    Source: torch.nn.CrossEntropyLoss; smoothing mixes a target with equal probabilities.
    """
    if not x.shape or not 0 <= smoothing <= 1:
        raise ShapeError(
            f"cross_entropy: needs dims and label_smoothing in [0, 1], got {list(x.shape)} and"
            f" {smoothing}"
        )
    axis = 0 if len(x.shape) == 1 else 1
    log_p = x.op("log_softmax.int", axis)
    spread = None if weight is None else _along(weight, x, axis)
    if target.shape == x.shape and target.dtype.is_floating:
        mixed = target * (1 - smoothing) + smoothing / x.shape[axis]
        losses = -weighted(log_p * mixed, spread).sum(axis)
        count = max(numel(losses.shape), 1)
        return losses.sum() / count if reduction == MEAN else reduced("ce", losses, reduction)
    plain = _likelihood(log_p, target, weight, reduction, ignored)
    if not smoothing:
        return plain
    counted = target.op("ne.Scalar", ignored)
    smooth = (-weighted(log_p, spread).sum(axis)).where(counted, 0.0)
    if reduction == MEAN:
        ones = counted.to(x.dtype)
        if weight is not None:
            chosen = target.where(counted, target.given(0)).op("reshape", [-1])
            ones = ones * weight.op("index_select", 0, chosen).op("reshape", list(target.shape))
        smooth = smooth.sum() / ones.sum()
    else:
        smooth = reduced("cross_entropy_loss", smooth, reduction)
    return plain * (1 - smoothing) + smooth * (smoothing / x.shape[axis])


def _along(weight: Operand, x: Operand, axis: int) -> Operand:
    """`weight` of classes, to be broadcast over `x`."""
    shape = [1] * len(x.shape)
    shape[axis] = weight.shape[0]
    result = weight.op("reshape", shape)
    assert isinstance(result, Operand)
    return result


_CLASSES = i64(4, low=0, high=5)
_SOME = given([1, -100, 4, 0], i64_dtype)
_LIKELIHOODS: tuple[tuple[Any, ...], ...] = (
    (f32(4, 5), _CLASSES, None, MEAN, -100),
    (f32(4, 5), _SOME, f32(5, low=0.1), MEAN, -100),
    (f32(4, 5), _SOME, f32(5), NONE, -100),
    (f32(5), given(2, i64_dtype), None, SUM, -100),
)
_MAPS: tuple[tuple[Any, ...], ...] = (
    (f32(2, 5, 3, 4), i64(2, 3, 4, low=0, high=5), f32(5, low=0.1), MEAN, 1),
)
_VOLUMES: tuple[tuple[Any, ...], ...] = (
    (f32(2, 5, 3, 2, 2, 3), i64(2, 3, 2, 2, 3, low=0, high=5), f32(5, low=0.1), MEAN, 1),
    (f32(2, 5, 0), i64(2, 0, low=0, high=5), None, SUM, -100),
)
_ARGUMENTS = (
    "(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100"
)
for _name, _samples in (
    ("nll_loss", _LIKELIHOODS),
    ("nll_loss_nd", (*_LIKELIHOODS, *_MAPS, *_VOLUMES)),
    ("nll_loss2d", _MAPS),
):
    composite(f"aten::{_name}{_ARGUMENTS}) -> Tensor", _likelihood, samples=_samples, kinds="f")
composite(
    f"aten::cross_entropy_loss{_ARGUMENTS}, float label_smoothing=0.) -> Tensor",
    _cross_entropy,
    samples=(
        *((*s, 0.0) for s in (*_LIKELIHOODS, *_MAPS)),
        *((*s, 0.1) for s in (*_LIKELIHOODS, *_MAPS, *_VOLUMES)),
        (f32(4, 5), f32(4, 5, low=0.0), f32(5), MEAN, -100, 0.2),
        (f32(2, 5, 3), f32(2, 5, 3, low=0.0), None, NONE, -100, 0.0),
    ),
)
