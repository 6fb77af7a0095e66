"""Methods that write otherwise than operators do: Python functions of elements, other strides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError, ShapeError
from treadle.tensor import Tensor


def as_strided_(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """`input` itself, with this shape and these strides over its memory."""
    return set_(input, FUNCTIONS["as_strided"](input, size, stride, storage_offset))


def set_(
    input: Tensor,
    source: Tensor | None = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """`input` itself, over the memory of `source`; without one, with no elements."""
    if source is None:
        source = Tensor(np.empty(0, input._array.dtype))
    if not isinstance(source, Tensor) or source.dtype is not input.dtype:
        raise InputError(f"set_: argument source must be a tensor of {input.dtype}")
    if size is not None:
        steps = FUNCTIONS["empty"](size).stride() if stride is None else stride
        source = FUNCTIONS["as_strided"](source, size, steps, storage_offset)
    input._array = source._array
    return input


def apply_(input: Tensor, callable: Any) -> Tensor:
    """`input` itself, each element replaced by what a Python function makes of it; slow."""
    return _written(input, callable)


def map_(input: Tensor, tensor: Tensor, callable: Any) -> Tensor:
    """`apply_` of a function of the elements of `input` and `tensor`."""
    return _written(input, callable, tensor)


def map2_(input: Tensor, x: Tensor, y: Tensor, callable: Any) -> Tensor:
    """`apply_` of a function of the elements of three tensors."""
    return _written(input, callable, x, y)


def _written(input: Tensor, function: Callable[..., Any], *others: Tensor) -> Tensor:
    target = input._array
    try:
        rest = [np.broadcast_to(other._array, target.shape) for other in others]
    except ValueError as error:
        raise ShapeError(f"map_: {error}") from None
    for place in np.ndindex(target.shape):
        target[place] = function(target[place].item(), *(r[place].item() for r in rest))
    return input
