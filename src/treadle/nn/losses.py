"""The losses of ``torch.nn.functional``: `reduction` is ``"none"``, ``"mean"`` or ``"sum"``."""

from __future__ import annotations

import math
from typing import Any

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError
from treadle.tensor import Tensor

_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def reduction_code(
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


def call(name: str, *args: Any, **kwargs: Any) -> Tensor:
    """The only result of the operator `name`."""
    result: Tensor = FUNCTIONS[name](*args, **kwargs)
    return result


def _weighted(losses: Tensor, weight: Any, code: int) -> Tensor:
    """Losses times weights; their mean is over the sum of the weights."""
    values = losses * weight
    if code == 1:
        return call("div", values.sum(), call("expand_as", weight, values).sum())
    return reduced(values, code)


def _maybe_weighted(
    name: str,
    input: Any,
    target: Any,
    reduction: str,
    size_average: bool | None,
    reduce: bool | None,
    weight: Any,
) -> Tensor:
    code = reduction_code(name, reduction, size_average, reduce)
    if weight is None:
        return call(name, input, target, code)
    return _weighted(call(name, input, target, 0), weight, code)


def reduced(values: Tensor, code: int) -> Tensor:
    """`values`, or their mean or sum."""
    return values if code == 0 else (values.mean() if code == 1 else values.sum())


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """Squared differences; the mean of weighted ones is over the sum of weights."""
    return _maybe_weighted("mse_loss", input, target, reduction, size_average, reduce, weight)


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """Absolute differences; the mean of weighted ones is over the sum of weights."""
    return _maybe_weighted("l1_loss", input, target, reduction, size_average, reduce, weight)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Differences, squared where they are below `beta`."""
    code = reduction_code("smooth_l1_loss", reduction, size_average, reduce)
    return call("smooth_l1_loss", input, target, code, beta)


def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Tensor:
    """Differences, squared where they are below `delta`."""
    code = reduction_code("huber_loss", reduction)
    if weight is None:
        return call("huber_loss", input, target, code, delta)
    return _weighted(call("huber_loss", input, target, 0, delta), weight, code)


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
    code = reduction_code("cross_entropy", reduction, size_average, reduce)
    return call("cross_entropy_loss", input, target, weight, code, ignore_index, label_smoothing)


def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """`cross_entropy` of a linear layer's results; `options` change nothing.

    `linear_weight` is [classes, ..., features]: further dims are those of `target`.
    """
    if linear_weight.ndim < 2 or linear_weight.shape[-1] != input.shape[-1]:
        raise InputError(
            "linear_cross_entropy: linear_weight must be [classes, ..., features] of an input"
            f" [..., features], got {list(linear_weight.shape)} and {list(input.shape)}"
        )
    if ignore_index is not None and target.dtype.is_floating_point:
        raise InputError("linear_cross_entropy: ignore_index goes with targets that are classes")
    classes, *further = linear_weight.shape[:-1]
    if further and input.ndim < 2:
        raise InputError("linear_cross_entropy: input needs a batch where targets have more dims")
    rows = linear_weight.reshape(-1, linear_weight.shape[-1])
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = call("linear", input, rows, bias).reshape(*input.shape[:-1], classes, *further)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction,
        label_smoothing=label_smoothing,
    )  # fmt: skip


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
    code = reduction_code("nll_loss", reduction, size_average, reduce)
    return call("nll_loss_nd", input, target, weight, code, ignore_index)


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The cross entropy of probabilities."""
    code = reduction_code("binary_cross_entropy", reduction, size_average, reduce)
    return call("binary_cross_entropy", input, target, weight, code)


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
    code = reduction_code("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    return call("binary_cross_entropy_with_logits", input, target, weight, pos_weight, code)


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
        total = call("kl_div", input, target, _REDUCTIONS["sum"], log_target=log_target)
        return total / input.shape[0] if input.ndim else total
    code = reduction_code("kl_div", reduction, size_average, reduce)
    return call("kl_div", input, target, code, log_target=log_target)


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
    code = reduction_code("poisson_nll_loss", reduction, size_average, reduce)
    return call("poisson_nll_loss", input, target, log_input, full, eps, code)


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Minus the logarithm of the likelihood under a normal distribution of variance `var`."""
    code = reduction_code("gaussian_nll_loss", reduction)
    variance = call("clamp_min", _variance(input, var), eps)
    loss = 0.5 * (call("log", variance) + call("sub", input, target) ** 2 / variance)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, code)


def _variance(input: Any, var: Any) -> Tensor:
    """`var` in a shape that broadcasts to `input`: one number may stand for the last dim."""
    if isinstance(var, int | float):
        return call("full_like", input, var)
    shape, given = tuple(input.shape), tuple(var.shape)
    if shape[:-1] == given != shape:
        return call("unsqueeze", var, -1)
    different = [d for n, d in zip(shape, given, strict=False) if n != d]
    if shape != given and (len(shape) != len(given) or sum(different) != 1):
        raise InputError(
            f"gaussian_nll_loss: argument var must have the shape of input, {list(shape)}, or a"
            f" single 1 in it, got {list(given)}"
        )
    result: Tensor = var
    return result


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
    code = reduction_code("ctc_loss", reduction)
    lengths = [list(n) if isinstance(n, tuple) else n for n in (input_lengths, target_lengths)]
    return call("ctc_loss", log_probs, targets, *lengths, blank, code, zero_infinity)
