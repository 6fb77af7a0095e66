"""The losses of ``torch.nn.functional`` that ask for a margin between right and wrong."""

from __future__ import annotations

from typing import Any

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError
from treadle.nn.losses import call, reduced, reduction_code
from treadle.tensor import Tensor


def soft_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``log(1 + exp(-target * input))``."""
    code = reduction_code("soft_margin_loss", reduction, size_average, reduce)
    return call("soft_margin_loss", input, target, code)


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`soft_margin_loss` of several labels, the mean of each sample."""
    code = reduction_code("multilabel_soft_margin_loss", reduction, size_average, reduce)
    likely, unlikely = call("log_sigmoid", input), call("log_sigmoid", call("neg", input))
    loss = -(target * likely + (1 - target) * unlikely)
    return reduced((loss if weight is None else loss * weight).mean(-1), code)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How far the order of two inputs is from that of `target`, 1 or -1."""
    code = reduction_code("margin_ranking_loss", reduction, size_average, reduce)
    return call("margin_ranking_loss", input1, input2, target, float(margin), code)


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Distances of pairs that are alike; what others lack of `margin`."""
    code = reduction_code("hinge_embedding_loss", reduction, size_average, reduce)
    return call("hinge_embedding_loss", input, target, margin, code)


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """One less the cosine of pairs that are alike; what that of others exceeds `margin` by."""
    code = reduction_code("cosine_embedding_loss", reduction, size_average, reduce)
    return call("cosine_embedding_loss", input1, input2, target, float(margin), code)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How much farther the positive is from the anchor than the negative, and `margin`."""
    code = reduction_code("triplet_margin_loss", reduction, size_average, reduce)
    return call(
        "triplet_margin_loss", anchor, positive, negative, margin, float(p), eps, swap, code
    )


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How far other classes come within `margin` of the right one."""
    code = reduction_code("multi_margin_loss", reduction, size_average, reduce)
    return call("multi_margin_loss", input, target, p, margin, weight, code)


def multilabel_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How far other classes come within 1 of the right ones, which end at a -1."""
    code = reduction_code("multilabel_margin_loss", reduction, size_average, reduce)
    return call("multilabel_margin_loss", input, target, code)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Any = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` by a distance of the caller's."""
    if margin <= 0:
        raise InputError(
            f"triplet_margin_with_distance_loss: argument margin must be positive, got {margin}"
        )
    distance = distance_function or FUNCTIONS["pairwise_distance"]
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = FUNCTIONS["minimum"](far, distance(positive, negative))
    code = reduction_code("triplet_margin_with_distance_loss", reduction)
    return reduced(FUNCTIONS["clamp_min"](near - far + margin, 0), code)
