"""Dropout of elements and of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.eager.table import FUNCTIONS
from treadle.errors import ShapeError
from treadle.tensor import Tensor


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`input` with elements dropped in training, the rest scaled; else `input` itself."""
    return _dropped("dropout", input, p, training, inplace)


def alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`dropout` that keeps mean and variance of what `selu` gives."""
    return _dropped("alpha_dropout", input, p, training, inplace)


def feature_alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels."""
    return _dropped("feature_alpha_dropout", input, p, training, inplace)


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of ``[n, c, length]`` or ``[c, length]``.

    Raises:
        ShapeError: of other numbers of dims.
    """
    if np.ndim(input) not in (2, 3):
        raise ShapeError(f"dropout1d: input must have 2 or 3 dims, got {np.ndim(input)}")
    return _dropped_channels(input, p, training, inplace, np.ndim(input) == 3)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels, which are the second dim, as torch has it."""
    return _dropped("feature_dropout", input, p, training, inplace)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of ``[n, c, d, h, w]``, of other shapes the first dim."""
    return _dropped_channels(input, p, training, inplace, np.ndim(input) == 5)


def _dropped(name: str, input: Any, p: float, training: bool, inplace: bool) -> Tensor:
    result: Tensor = FUNCTIONS[f"{name}_" if inplace else name](input, p, training)
    return result


def _dropped_channels(
    input: Any, p: float, training: bool, inplace: bool, is_batch: bool
) -> Tensor:
    if is_batch:
        return _dropped("feature_dropout", input, p, training, inplace)
    one = FUNCTIONS["unsqueeze"](input, 0)
    dropped = _dropped("feature_dropout", one, p, training, inplace)
    result: Tensor = input if inplace else FUNCTIONS["squeeze"](dropped, 0)
    return result
