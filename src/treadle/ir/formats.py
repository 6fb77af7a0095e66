"""Memory formats: in what order the elements of a tensor lie, as PyTorch chooses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.strides import dense_order, dense_strides, is_contiguous

Operand: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Sizes and strides."""

CONTIGUOUS, PRESERVE = 0, 1
LAST_FORMAT = {4: 2, 5: 3}
"""The codes of channels last, by rank."""
_CHANNELS_LAST = {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def format_strides(memory_format: int | None, sizes: Sequence[int]) -> tuple[int, ...] | None:
    """The strides of a memory format; None for row-major.

    Raises:
        ShapeError: if channels last is asked for a tensor of another rank than its images have.
    """
    if memory_format not in LAST_FORMAT.values():
        return None
    if LAST_FORMAT.get(len(sizes)) != memory_format:
        rank = next(r for r, f in LAST_FORMAT.items() if f == memory_format)
        name = f"channels_last{'_3d' * (rank == 5)}"
        raise ShapeError(f"memory_format: {name} is of {rank} dims, got {list(sizes)}")
    strides, step = [0] * len(sizes), 1
    for dim in reversed(_CHANNELS_LAST[len(sizes)]):
        strides[dim] = step
        step *= sizes[dim]  # by 0, too, unlike `dense_strides`
    return tuple(strides)


def copied_strides(
    sizes: Sequence[int], strides: Sequence[int], memory_format: int | None
) -> tuple[int, ...]:
    """Those of a copy in a memory format, by default in the order of what is copied.

    Without gaps and overlaps, that is with the same strides.

    Raises:
        ShapeError: as `format_strides`.
    Source:
        PyTorch 2.13, `torch.preserve_format`.
    """
    if memory_format not in (None, PRESERVE):
        return format_strides(memory_format, sizes) or dense_strides(sizes)
    if 0 in sizes or dense_order(sizes, strides) is not None:
        return tuple(strides)
    return inherited_strides(sizes, [(sizes, strides)])


def is_channels_last(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether images lie without gaps, their channels innermost."""
    if len(sizes) not in LAST_FORMAT:
        return False
    wanted = format_strides(LAST_FORMAT[len(sizes)], sizes)
    assert wanted is not None
    return all(a == b for n, a, b in zip(sizes, strides, wanted, strict=True) if n != 1)


def suggested_format(sizes: Sequence[int], strides: Sequence[int]) -> int:
    """The format that elements lie in, gaps apart: channels last, or else row-major.

    Source:
        PyTorch 2.13: a conversion to that format has nothing to do.
    """
    order, least = _CHANNELS_LAST.get(len(sizes), ()), 0
    for dim in reversed(order):
        if not sizes[dim] or not strides[1] or strides[dim] < least:
            return CONTIGUOUS
        if dim == 0 and least == strides[1]:  # one column of one channel: either would do
            return CONTIGUOUS
        least = strides[dim] * sizes[dim]
    return LAST_FORMAT[len(sizes)] if order else CONTIGUOUS


def has_format(sizes: Sequence[int], strides: Sequence[int], memory_format: int = 0) -> bool:
    """Whether elements lie as a memory format asks, which is row by row by default."""
    if memory_format in LAST_FORMAT.values():
        return LAST_FORMAT.get(len(sizes)) == memory_format and is_channels_last(sizes, strides)
    return is_contiguous(sizes, strides)


def inherited_strides(sizes: Sequence[int], operands: Sequence[Operand]) -> tuple[int, ...]:
    """Dense strides in the order of the operands' dims; where they differ, of the first that says.

    Source: TensorIterator of PyTorch, `reorder_dimensions`.
    """
    rank = len(sizes)
    if all(tuple(s) == tuple(sizes) and is_contiguous(s, t) for s, t in operands):
        return dense_strides(sizes)
    spread = [_broadcast(sizes, *operand) for operand in operands]
    order = list(range(rank))[::-1]  # innermost first

    def compare(inner: int, outer: int) -> int:
        for strides in spread:
            a, b = strides[inner], strides[outer]
            if a == 0 or b == 0:
                continue
            if a != b:
                return -1 if a < b else 1
            if sizes[inner] > sizes[outer]:
                return 1
        return 0

    for i in range(1, rank):
        moving = i
        for other in range(i - 1, -1, -1):
            found = compare(order[other], order[moving])
            if found > 0:
                order[other], order[moving] = order[moving], order[other]
                moving = other
            elif found < 0:
                break
    return dense_strides(sizes, order[::-1])


def _broadcast(sizes: Sequence[int], own: Sequence[int], strides: Sequence[int]) -> list[int]:
    """`strides` over `sizes`, 0 where the operand has no dim or one of size 1."""
    padded = [0] * (len(sizes) - len(own))
    return padded + [0 if n == 1 else s for n, s in zip(own, strides, strict=True)]


def operand_of(array: np.ndarray[Any, Any]) -> Operand:
    """Sizes and strides of an array, in elements."""
    size = max(array.itemsize, 1)
    return array.shape, tuple(s // size for s in array.strides)


def laid_out(
    memory: np.ndarray[Any, Any],
    dtype: np.dtype[Any],
    sizes: Sequence[int],
    strides: Sequence[int],
) -> np.ndarray[Any, Any]:
    """An array over bytes of `memory`, with strides in elements."""
    steps = tuple(s * dtype.itemsize for s in strides)
    made: np.ndarray[Any, Any] = np.ndarray(sizes, dtype, memory, 0, steps)
    return made
