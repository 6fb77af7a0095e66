"""Rows of tables, one by one and in bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError
from treadle.tensor import Tensor


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `input` tells; those above `max_norm` are made shorter first."""
    if max_norm is not None:
        FUNCTIONS["embedding_renorm_"](weight, input, max_norm, norm_type)
    position = -1 if padding_idx is None else padding_idx
    result: Tensor = FUNCTIONS["embedding"](weight, input, position, scale_grad_by_freq, sparse)
    return result


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima of rows of `weight`, bag by bag.

    The bags are the rows of `input`, or go from each of `offsets` to the next.
    """
    modes = {"sum": 0, "mean": 1, "max": 2}
    if max_norm is not None:
        FUNCTIONS["embedding_renorm_"](weight, input, max_norm, norm_type)
    if mode not in modes:
        raise InputError(f"embedding_bag: argument mode must be one of {[*modes]}, got {mode!r}")
    if input.ndim == 2:
        if offsets is not None:
            raise InputError("embedding_bag: argument offsets must be None with rows for bags")
        rows, size = input.shape
        offsets = np.arange(rows, dtype=np.int64) * size
        input = FUNCTIONS["reshape"](input, [-1])
        if per_sample_weights is not None:
            per_sample_weights = FUNCTIONS["reshape"](per_sample_weights, [-1])
    elif offsets is None:
        raise InputError("embedding_bag: argument offsets is missing")
    bags: Tensor = FUNCTIONS["embedding_bag"](
        weight, input, offsets, scale_grad_by_freq, modes[mode], sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )[0]  # fmt: skip
    return bags
