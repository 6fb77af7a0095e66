"""Strides, in elements: which elements of a memory a tensor is made of, and in what order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError


def dense_strides(shape: Sequence[int], order: Sequence[int] | None = None) -> tuple[int, ...]:
    """Strides of a dense array whose dims are, outermost first, `order`."""
    strides, step = [0] * len(shape), 1
    for dim in reversed(order if order is not None else range(len(shape))):
        strides[dim] = step
        step *= max(shape[dim], 1)
    return tuple(strides)


def same_strides(shape: Sequence[int], a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether `a` and `b` address the same elements; strides of dims of size 1 do not matter."""
    return all(x == y for n, x, y in zip(shape, a, b, strict=True) if n > 1)


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether elements lie row by row, without gaps."""
    return same_strides(shape, strides, dense_strides(shape)) or 0 in shape


def reshaped_strides(
    shape: Sequence[int], strides: Sequence[int], result: Sequence[int]
) -> tuple[int, ...] | None:
    """Strides under which the elements of `shape`, row-major, have shape `result`.

    None if there are none and a copy is needed.
    """
    if math.prod(shape) == 0:
        return dense_strides(result)
    extents, (merged,) = collapse(shape, [strides])
    out: list[int] = []
    remaining = list(reversed(result))
    for extent, stride in zip(reversed(extents), reversed(merged), strict=True):
        left, step = extent, stride
        while left > 1:
            if not remaining or left % max(remaining[0], 1):
                return None
            size = remaining.pop(0)
            out.append(step)
            step *= size
            left //= size
    out.extend(0 for _ in remaining)
    return tuple(reversed(out)) if all(n == 1 for n in remaining) else None


def collapse(
    shape: Sequence[int], strides: Sequence[Sequence[int]]
) -> tuple[list[int], list[list[int]]]:
    """Drop dims of size 1 and merge neighbours that all `strides` walk as one.

    Returns the extents, and for each stride tuple its strides over them. At least one dim stays.
    """
    extents: list[int] = []
    merged: list[list[int]] = [[] for _ in strides]
    for dim, n in enumerate(shape):
        if n == 1:
            continue
        here = [s[dim] for s in strides]
        if extents and all(m[-1] == h * n for m, h in zip(merged, here, strict=True)):
            extents[-1] *= n
            for m, h in zip(merged, here, strict=True):
                m[-1] = h
        else:
            extents.append(n)
            for m, h in zip(merged, here, strict=True):
                m.append(h)
    if not extents:
        return [1], [[0] for _ in strides]
    return extents, merged


def walking_order(shape: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Dims from the largest stride to the smallest; dims of size 1 first, ties stay in order."""
    return sorted(range(len(shape)), key=lambda d: (shape[d] > 1, -strides[d], d))


def dense_order(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...] | None:
    """The dims, outermost first, of an array without gaps; None if it has gaps or overlaps."""
    order = tuple(walking_order(shape, strides))
    return order if same_strides(shape, strides, dense_strides(shape, order)) else None


def check_not_expanded(op_name: str, argument: str, array: np.ndarray[Any, Any]) -> None:
    """Check that each element of `array` has a place of its own.

    Raises:
        ShapeError: if several have one, by a stride of 0.
    """
    if 0 not in array.strides or not array.size:
        return
    if any(s == 0 and n > 1 for n, s in zip(array.shape, array.strides, strict=True)):
        raise ShapeError(f"{op_name}: several elements of {argument} have one place; clone it")
