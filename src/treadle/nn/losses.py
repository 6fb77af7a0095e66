"""The losses of ``torch.nn.functional``: `reduction` is ``"none"``, ``"mean"`` or ``"sum"``."""

from __future__ import annotations

import math
from typing import Any

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError
from treadle.tensor import Tensor

_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def _code(
    function: str, reduction: str, size_average: bool | None = None, reduce: bool | None = None
) -> int:
    """The operator's number for a reduction; the two flags are its older form."""
    if size_average is not None or reduce is not None:
        averages = size_average is None or size_average
        reduction = "none" if reduce is False else ("mean" if averages else "sum")
    if reduction not in _REDUCTIONS:
        allowed = ", ".join(map(repr, _REDUCTIONS))
        raise InputError(f"{function}: argument reduction must be {allowed}, got {reduction!r}")
    return _REDUCTIONS[reduction]


def _call(name: str, *args: Any, **kwargs: Any) -> Tensor:
    result: Tensor = FUNCTIONS[name](*args, **kwargs)
    return result


def _reduced(values: Tensor, code: int) -> Tensor:
    return values if code == 0 else (values.mean() if code == 1 else values.sum())


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Squared differences."""
    return _call("mse_loss", input, target, _code("mse_loss", reduction, size_average, reduce))


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Absolute differences."""
    return _call("l1_loss", input, target, _code("l1_loss", reduction, size_average, reduce))


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Differences, squared where they are below `beta`."""
    code = _code("smooth_l1_loss", reduction, size_average, reduce)
    return _call("smooth_l1_loss", input, target, code, beta)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Differences, squared where they are below `delta`."""
    return _call("huber_loss", input, target, _code("huber_loss", reduction), delta)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Minus the logarithm of the softmax at the target."""
    code = _code("cross_entropy", reduction, size_average, reduce)
    return _call("cross_entropy_loss", input, target, weight, code, ignore_index, label_smoothing)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the element at the target."""
    code = _code("nll_loss", reduction, size_average, reduce)
    return _call("nll_loss_nd", input, target, weight, code, ignore_index)


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The cross entropy of probabilities."""
    code = _code("binary_cross_entropy", reduction, size_average, reduce)
    return _call("binary_cross_entropy", input, target, weight, code)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Tensor:
    """The cross entropy of the sigmoids of `input`."""
    code = _code("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    return _call("binary_cross_entropy_with_logits", input, target, weight, pos_weight, code)


def kl_div(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """How far `target` is from the distribution whose logarithm is `input`."""
    if reduction == "batchmean":
        total = _call("kl_div", input, target, _REDUCTIONS["sum"], log_target=log_target)
        return total / input.shape[0] if input.ndim else total
    code = _code("kl_div", reduction, size_average, reduce)
    return _call("kl_div", input, target, code, log_target=log_target)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the logarithm of the likelihood of Poisson counts."""
    code = _code("poisson_nll_loss", reduction, size_average, reduce)
    return _call("poisson_nll_loss", input, target, log_input, full, eps, code)


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Minus the logarithm of the likelihood under a normal distribution of variance `var`."""
    code = _code("gaussian_nll_loss", reduction)
    variance = _call("clamp_min", _call("as_tensor", var) if isinstance(var, float) else var, eps)
    loss = 0.5 * (_call("log", variance) + _call("sub", input, target) ** 2 / variance)
    return _reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, code)


def soft_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``log(1 + exp(-target * input))``."""
    code = _code("soft_margin_loss", reduction, size_average, reduce)
    return _call("soft_margin_loss", input, target, code)


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`soft_margin_loss` of several labels, the mean of each sample."""
    code = _code("multilabel_soft_margin_loss", reduction, size_average, reduce)
    likely, unlikely = _call("log_sigmoid", input), _call("log_sigmoid", _call("neg", input))
    loss = -(target * likely + (1 - target) * unlikely)
    return _reduced((loss if weight is None else loss * weight).mean(-1), code)


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
    code = _code("margin_ranking_loss", reduction, size_average, reduce)
    return _call("margin_ranking_loss", input1, input2, target, float(margin), code)


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Distances of pairs that are alike; what others lack of `margin`."""
    code = _code("hinge_embedding_loss", reduction, size_average, reduce)
    return _call("hinge_embedding_loss", input, target, margin, code)


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
    code = _code("cosine_embedding_loss", reduction, size_average, reduce)
    return _call("cosine_embedding_loss", input1, input2, target, float(margin), code)


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
    code = _code("triplet_margin_loss", reduction, size_average, reduce)
    return _call(
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
    code = _code("multi_margin_loss", reduction, size_average, reduce)
    return _call("multi_margin_loss", input, target, p, margin, weight, code)


def multilabel_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How far other classes come within 1 of the right ones, which end at a -1."""
    code = _code("multilabel_margin_loss", reduction, size_average, reduce)
    return _call("multilabel_margin_loss", input, target, code)


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Minus the log likelihood of the targets, whatever their alignment."""
    code = _code("ctc_loss", reduction)
    lengths = [list(n) if isinstance(n, tuple) else n for n in (input_lengths, target_lengths)]
    return _call("ctc_loss", log_probs, targets, *lengths, blank, code, zero_infinity)


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
    distance = distance_function or FUNCTIONS["pairwise_distance"]
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = FUNCTIONS["minimum"](far, distance(positive, negative))
    code = _code("triplet_margin_with_distance_loss", reduction)
    return _reduced(FUNCTIONS["clamp_min"](near - far + margin, 0), code)
