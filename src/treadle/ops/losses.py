"""Losses: distances of a prediction from a target, reduced to a mean or a sum."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from treadle.errors import ShapeError
from treadle.ops.composite import Operand, composite
from treadle.ops.samples import Draw, f16, f32, f64, given

NONE, MEAN, SUM = 0, 1, 2


def reduced(name: str, losses: Operand, reduction: int) -> Operand:
    """The losses themselves, their mean or their sum."""
    if reduction not in (NONE, MEAN, SUM):
        raise ShapeError(f"{name}: reduction {reduction}; allowed: 0 (none), 1 (mean), 2 (sum)")
    if reduction == NONE:
        return losses
    return losses.mean() if reduction == MEAN else losses.sum()


def _pairs(*rest: Any, low: float | None = None, high: float = 1.0) -> tuple[Any, ...]:
    """Samples with a prediction and a target of many shapes."""

    def two(make: Callable[..., Draw], *shape: int) -> tuple[Draw, Draw]:
        return make(*shape, low=low, high=high), make(*shape, low=low, high=high)

    shapes: Sequence[tuple[Any, ...]] = (two(f32, 3, 7), two(f32), two(f64, 2, 3), two(f16, 9))
    return tuple((*pair, *rest[:-1], rest[-1] if rest else 0) for pair in shapes)


# --- element by element -------------------------------------------------------------------------


def _squared(x: Operand, target: Operand, reduction: int) -> Operand:
    error = x - target
    return reduced("mse_loss", error * error, reduction)


def _absolute(x: Operand, target: Operand, reduction: int) -> Operand:
    return reduced("l1_loss", abs(x - target), reduction)


def _smooth(x: Operand, target: Operand, reduction: int, beta: float) -> Operand:
    """``0.5 * e² / beta`` below beta, ``|e| - beta / 2`` above."""
    if beta < 0:
        raise ShapeError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    error = abs(x - target)
    if beta == 0:
        return reduced("smooth_l1_loss", error, reduction)
    small = error * error * 0.5 / beta
    return reduced("smooth_l1_loss", small.where(error < beta, error - 0.5 * beta), reduction)


def _huber(x: Operand, target: Operand, reduction: int, delta: float) -> Operand:
    """``0.5 * e²`` up to delta, ``delta * (|e| - delta / 2)`` above."""
    if delta <= 0:
        raise ShapeError(f"huber_loss: delta must be positive, got {delta}")
    error = abs(x - target)
    small = error * error * 0.5
    return reduced(
        "huber_loss", small.where(error <= delta, (error - 0.5 * delta) * delta), reduction
    )


def _soft_margin(x: Operand, target: Operand, reduction: int) -> Operand:
    return reduced("soft_margin_loss", (-target * x).op("exp").op("log1p"), reduction)


def _bce(x: Operand, target: Operand, weight: Operand | None, reduction: int) -> Operand:
    """Logarithms are at least -100, as in torch."""
    if x.shape != target.shape:
        raise ShapeError(
            f"binary_cross_entropy: target {list(target.shape)} must have the shape of input,"
            f" {list(x.shape)}"
        )
    yes = x.op("log").clamp_min(-100.0)
    no = (1 - x).op("log").clamp_min(-100.0)
    losses = (target - 1) * no - target * yes
    return reduced("binary_cross_entropy", weighted(losses, weight), reduction)


def _bce_with_logits(
    x: Operand, target: Operand, weight: Operand | None, positive: Operand | None, reduction: int
) -> Operand:
    """``(1 - y) * x + w * log(1 + exp(-x))``, with the exponential of negative numbers only."""
    name = "binary_cross_entropy_with_logits"
    softplus = ((-abs(x)).op("exp")).op("log1p") + (-x).clamp_min(0)
    if positive is not None:
        softplus = softplus * ((positive - 1) * target + 1)
    return reduced(name, weighted((1 - target) * x + softplus, weight), reduction)


def weighted(losses: Operand, weight: Operand | None) -> Operand:
    """Each loss times its weight, if there are some."""
    return losses if weight is None else losses * weight


def _divergence(x: Operand, target: Operand, reduction: int, log_target: bool) -> Operand:
    if log_target:
        return reduced("kl_div", target.op("exp") * (target - x), reduction)
    return reduced("kl_div", target.op("xlogy.Tensor", target) - target * x, reduction)


def _poisson(
    x: Operand, target: Operand, log_input: bool, full: bool, eps: float, reduction: int
) -> Operand:
    """``exp(x) - y * x``, and Stirling's approximation of ``log(y!)`` if `full`."""
    losses = x.op("exp") - target * x if log_input else x - target * (x + eps).op("log")
    if full:
        tail = target * target.op("log") - target + (target * (2 * math.pi)).op("log") * 0.5
        losses = losses + tail.where(target > 1, 0.0)
    return reduced("poisson_nll_loss", losses, reduction)


for _schema, _body, _kinds in (
    ("mse_loss", _squared, "f"),
    ("l1_loss", _absolute, "ifc"),
    ("soft_margin_loss", _soft_margin, "fc"),
):
    composite(
        f"aten::{_schema}(Tensor self, Tensor target, int reduction=1) -> Tensor",
        _body,
        samples=(*_pairs(MEAN), *_pairs(SUM), *_pairs(NONE)),
        kinds=_kinds,
    )
composite(
    "aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.) -> Tensor",
    _smooth,
    samples=(*_pairs(MEAN, 1.0), *_pairs(NONE, 0.5), *_pairs(SUM, 0.0)),
    kinds="f",
)
composite(
    "aten::huber_loss(Tensor self, Tensor target, int reduction=1, float delta=1.) -> Tensor",
    _huber,
    samples=(*_pairs(MEAN, 1.0), *_pairs(NONE, 0.5)),
    kinds="f",
)
composite(
    "aten::binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int "
    "reduction=1) -> Tensor",
    _bce,
    samples=(
        *_pairs(None, MEAN, low=0.01, high=0.99),
        (given([0.0, 1.0, 0.5]), given([1.0, 1.0, 0.0]), f32(3), NONE),
    ),
    kinds="f",
)
composite(
    "aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, "
    "Tensor? pos_weight=None, int reduction=1) -> Tensor",
    _bce_with_logits,
    samples=(
        *_pairs(None, None, MEAN),
        (f32(3, 7, high=30.0), f32(3, 7, low=0.0), f32(7), f32(7), NONE),
    ),
    kinds="bf",
)
composite(
    "aten::kl_div(Tensor self, Tensor target, int reduction=1, *, bool log_target=False) -> Tensor",
    _divergence,
    samples=(*_pairs(MEAN, False, low=0.0), *_pairs(SUM, True)),
    kinds="f",
)
composite(
    "aten::poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, "
    "int reduction) -> Tensor",
    _poisson,
    samples=(
        (f32(3, 7), f32(3, 7, low=0.1, high=4.0), True, True, 1e-8, MEAN),
        (f32(9, low=0.1), f32(9, low=0.0, high=4.0), False, False, 1e-8, NONE),
    ),
    kinds="if",
)


# --- of pairs and triplets ----------------------------------------------------------------------


def distance(a: Operand, b: Operand, p: float, eps: float, keepdim: bool) -> Operand:
    """The p-norm of ``a - b + eps`` over the last dim."""
    found = (a - b + eps).op("norm.ScalarOpt_dim", p, [-1], keepdim)
    assert isinstance(found, Operand)
    return found


def _ranking(a: Operand, b: Operand, target: Operand, margin: float, reduction: int) -> Operand:
    return reduced("margin_ranking_loss", (-target * (a - b) + margin).clamp_min(0), reduction)


def _hinge(x: Operand, target: Operand, margin: float, reduction: int) -> Operand:
    far = (margin - x).clamp_min(0).where(target.op("ne.Scalar", 1), 0.0)
    near = x.where(target.op("ne.Scalar", -1), 0.0)
    return reduced("hinge_embedding_loss", far + near, reduction)


def _cosine(a: Operand, b: Operand, target: Operand, margin: float, reduction: int) -> Operand:
    eps, dim = 1e-12, len(target.shape)
    norms = ((a * a).sum(dim) + eps) * ((b * b).sum(dim) + eps)
    cosine = (a * b).sum(dim) / norms.op("sqrt")
    near = (1 - cosine).where(target.op("eq.Scalar", 1), 0.0)
    far = (cosine - margin).clamp_min(0).where(target.op("eq.Scalar", -1), 0.0)
    return reduced("cosine_embedding_loss", near + far, reduction)


def _triplet(
    anchor: Operand, positive: Operand, negative: Operand, margin: float, p: float, eps: float,
    swap: bool, reduction: int,
) -> Operand:  # fmt: skip
    if margin <= 0:
        raise ShapeError(f"triplet_margin_loss: argument margin must be positive, got {margin}")
    far = distance(anchor, negative, p, eps, False)
    if swap:
        far = far.op("minimum", distance(positive, negative, p, eps, False))
    losses = distance(anchor, positive, p, eps, False) - far + margin
    return reduced("triplet_margin_loss", losses.clamp_min(0), reduction)


_SIGNS = given([1.0, -1.0, 1.0, -1.0])
composite(
    "aten::margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0., int "
    "reduction=1) -> Tensor",
    _ranking,
    samples=((f32(4), f32(4), _SIGNS, 0.5, MEAN), (f32(3, 4), f32(3, 4), _SIGNS, 0.0, NONE)),
    kinds="bif",
)
composite(
    "aten::hinge_embedding_loss(Tensor self, Tensor target, float margin=1., int reduction=1) -> "
    "Tensor",
    _hinge,
    samples=((f32(4), _SIGNS, 1.0, MEAN), (f32(3, 4), _SIGNS, 0.5, NONE)),
    kinds="if",
)
composite(
    "aten::cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0., "
    "int reduction=1) -> Tensor",
    _cosine,
    samples=(
        (f32(4, 7), f32(4, 7), _SIGNS, 0.1, MEAN),
        (f32(7), f32(7), given(-1.0), 0.0, NONE),
    ),
)
composite(
    "aten::triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1., "
    "float p=2., float eps=9.9999999999999995e-07, bool swap=False, int reduction=1) -> Tensor",
    _triplet,
    samples=(
        (f32(4, 7), f32(4, 7), f32(4, 7), 1.0, 2.0, 1e-6, False, MEAN),
        (f32(4, 7), f32(4, 7), f32(4, 7), 1.0, 1.0, 1e-6, True, NONE),
    ),
    kinds="ifc",
)
composite(
    "aten::pairwise_distance(Tensor x1, Tensor x2, float p=2., float "
    "eps=9.9999999999999995e-07, bool keepdim=False) -> Tensor",
    distance,
    samples=(
        (f32(4, 7), f32(4, 7), 2.0, 1e-6, False),
        (f32(4, 7), f32(1, 7), 1.0, 1e-6, True),
        (f32(7), f32(7), float("inf"), 0.0, False),
    ),
    kinds="ifc",
)
