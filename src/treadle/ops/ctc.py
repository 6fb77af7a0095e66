"""Connectionist temporal classification: minus the log likelihood of all alignments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, f64, given
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
Lengths = Array | Sequence[int]


def _check(probabilities: Any, targets: Any, reduction: int, blank: int) -> None:
    shape = probabilities.shape
    if len(shape) not in (2, 3) or not dtype_of(probabilities).is_floating or not shape[0]:
        raise ShapeError(f"ctc_loss: log_probs must be [time, batch, classes], got {list(shape)}")
    if dtype_of(targets) not in (dtypes.i64, dtypes.i32) or len(targets.shape) not in (1, 2):
        raise ShapeError(f"ctc_loss: targets {dtype_of(targets)}{list(targets.shape)}; 1 or 2 dims")
    if not 0 <= blank < shape[-1]:
        raise IndexOutOfRange(f"ctc_loss: argument blank {blank}; allowed: 0 to {shape[-1] - 1}")
    if reduction not in (0, 1, 2):
        raise ShapeError(f"ctc_loss: argument reduction must be 0, 1 or 2, got {reduction}")


def _infer(
    probabilities: TensorType, targets: TensorType, _: Any, __: Any, blank: int, reduction: int,
    zero_infinity: bool,
) -> TensorType:  # fmt: skip
    _check(probabilities, targets, reduction, blank)
    batch = probabilities.sizes[1:2] if len(probabilities.sizes) == 3 else ()
    return tensor(probabilities.element, () if reduction else batch)


def _lengths(name: str, lengths: Lengths, batch: int, most: int) -> list[int]:
    found = [int(n) for n in np.asarray(lengths).reshape(-1)]
    if len(found) != batch or any(not 0 <= n <= most for n in found):
        raise ShapeError(f"ctc_loss: {name} {found}; allowed: {batch} numbers from 0 to {most}")
    return found


def _labels(targets: Array, lengths: Sequence[int], batch: int, classes: int) -> list[Array]:
    """The target of each sample."""
    if targets.ndim == 2 or batch == 1:
        rows = targets.reshape(batch, -1)
        parts = [row[:n] for row, n in zip(rows, lengths, strict=True)]
    else:
        if sum(lengths) > len(targets):
            raise ShapeError(f"ctc_loss: {len(targets)} targets for lengths {list(lengths)}")
        ends = np.cumsum(lengths)
        parts = [targets[end - n : end] for end, n in zip(ends, lengths, strict=True)]
    for part in parts:
        if part.size and (part.min() < 0 or part.max() >= classes):
            raise IndexOutOfRange(f"ctc_loss: targets; allowed: 0 to {classes - 1}")
    return parts


def _likelihood(steps: Array, label: Array, blank: int) -> float:
    """The log of the sum over alignments, by the forward variables.

    Source: Graves et al. 2006, Connectionist temporal classification, section 4.1.
    """
    path = np.full(2 * len(label) + 1, blank)
    path[1::2] = label
    if not len(steps):
        return 0.0 if not len(label) else -np.inf
    may_skip = np.zeros(len(path), bool)
    may_skip[3::2] = path[3::2] != path[1:-2:2]
    alpha = np.full(len(path), -np.inf)
    alpha[:2] = steps[0, path[:2]]
    for step in steps[1:]:
        one = np.concatenate([[-np.inf], alpha[:-1]])
        two = np.concatenate([[-np.inf] * min(2, len(path)), alpha[:-2]])[: len(path)]
        alpha = np.logaddexp(np.logaddexp(alpha, one), np.where(may_skip, two, -np.inf))
        alpha = alpha + step[path]
    return float(np.logaddexp.reduce(alpha[-2:]))


def _ctc_loss(
    probabilities: Array, targets: Array, input_lengths: Lengths, target_lengths: Lengths,
    blank: int, reduction: int, zero_infinity: bool,
) -> Array:  # fmt: skip
    _check(probabilities, targets, reduction, blank)
    steps = probabilities if probabilities.ndim == 3 else probabilities[:, None]
    time, batch, classes = steps.shape
    times = _lengths("input_lengths", input_lengths, batch, time)
    most = targets.shape[-1]
    counts = _lengths("target_lengths", target_lengths, batch, most)
    labels = _labels(targets, counts, batch, classes)
    losses = np.array([
        -_likelihood(steps[:n, i].astype(np.float64), label, blank)
        for i, (n, label) in enumerate(zip(times, labels, strict=True))
    ])  # fmt: skip
    if zero_infinity:
        losses[np.isinf(losses)] = 0
    result: Any = losses if probabilities.ndim == 3 else losses[0]
    if reduction == 1:
        result = (losses / np.maximum(counts, 1)).mean()
    elif reduction == 2:
        result = losses.sum()
    return np.asarray(result).astype(probabilities.dtype)


_TARGETS = given([[1, 2, 2], [3, 1, 0]], dtypes.i64)
_TIMES, _COUNTS = given([6, 5], dtypes.i64), given([3, 2], dtypes.i64)
_REST = "int blank=0, int reduction=1, bool zero_infinity=False) -> Tensor"
op(
    "aten::ctc_loss.IntList(Tensor log_probs, Tensor targets, int[] input_lengths, int[] "
    f"target_lengths, {_REST}",
    reference=_ctc_loss,
    infer=_infer,
    samples=(
        (f32(6, 2, 4), _TARGETS, [6, 5], [3, 2], 0, 1, False),
        (f64(6, 2, 4), _TARGETS, [6, 2], [3, 2], 0, 0, True),
        (f32(6, 2, 5), given([1, 2, 3, 1, 4], dtypes.i64), [6, 6], [3, 2], 0, 2, False),
        (f32(5, 4), given([1, 2], dtypes.i64), [5], [2], 3, 0, False),
    ),
    kinds="d",
)
op(
    "aten::ctc_loss.Tensor(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor "
    f"target_lengths, {_REST}",
    reference=_ctc_loss,
    infer=_infer,
    samples=((f32(6, 2, 4), _TARGETS, _TIMES, _COUNTS, 0, 1, False),),
    kinds="d",
)
