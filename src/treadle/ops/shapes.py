"""Shape rules that operators share: wrapping of dims, broadcasting, and how errors read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir.dtypes import BY_CODE, DType
from treadle.ir.symbols import as_int
from treadle.ir.types import TensorType

Shape = tuple[int, ...]


def tensor(dtype: DType, shape: Sequence[int]) -> TensorType:
    """A concrete tensor type."""
    return TensorType(dtype, tuple(map(as_int, shape)))


def wrap_dim(op: str, dim: int, rank: int, argument: str = "dim") -> int:
    """`dim` as a non-negative number; a 0-dim tensor counts as having one dim.

    Raises:
        IndexOutOfRange: if it is not in ``[-rank, rank)``.
    """
    size = max(rank, 1)
    if not -size <= dim < size:
        raise IndexOutOfRange(
            f"{op}: {argument} {dim} of a tensor of {rank} dims; allowed: {-size} to {size - 1}"
        )
    return dim % size


def wrap_dims(op: str, dims: Sequence[int] | int | None, rank: int) -> tuple[int, ...]:
    """The dims a reduction goes over, ascending; none or an empty list mean all.

    Raises:
        IndexOutOfRange: if one is out of range.
        ShapeError: if one occurs twice.
    """
    if isinstance(dims, int):
        dims = (dims,)
    if not dims:
        return tuple(range(rank))
    wrapped = sorted(wrap_dim(op, d, rank) for d in dims)
    if len(set(wrapped)) < len(wrapped):
        raise ShapeError(f"{op}: a dim occurs twice in {list(dims)}")
    return tuple(d for d in wrapped if d < rank)


def broadcast(op: str, *shapes: Shape) -> Shape:
    """The common shape of `shapes`, aligned at the last dim, sizes of 1 stretched.

    Raises:
        ShapeError: if two sizes differ and neither is 1.
    """
    rank = max(map(len, shapes), default=0)
    result = [1] * rank
    for shape in shapes:
        for i, size in enumerate(shape, rank - len(shape)):
            if result[i] == 1:
                result[i] = size
            elif size not in (1, result[i]):
                given = " and ".join(str(list(s)) for s in shapes)
                raise ShapeError(
                    f"{op}: shapes {given} do not broadcast: {size} against"
                    f" {result[i]} in dim {i}; sizes must be equal or 1"
                )
    return tuple(result)


def slice_bounds(start: int | None, end: int | None, size: int) -> tuple[int, int]:
    """Where ``[start:end]`` begins and ends in a dim of `size`, as Python has it."""
    first, last = 0 if start is None else start, size if end is None else end
    return _clamped(first, size), _clamped(last, size)


def _clamped(position: int, size: int) -> int:
    wrapped = position + size if position < 0 else position
    return 0 if wrapped < 0 else size if wrapped > size else wrapped


def reduced_shape(shape: Shape, dims: Sequence[int], keepdim: bool) -> Shape:
    """`shape` without `dims`, or with size 1 there."""
    if keepdim:
        return tuple(1 if i in dims else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in dims)


def numel(shape: Sequence[int]) -> int:
    """The number of elements."""
    return math.prod(shape)


def complete_shape(op: str, shape: Sequence[int], elements: int) -> Shape:
    """`shape` with the one -1 replaced by what makes it hold `elements`.

    Raises:
        ShapeError: if no size does, or there are two -1 or other negative sizes.
    """
    unknown = [i for i, d in enumerate(shape) if d == -1]
    known = math.prod(d for d in shape if d != -1)
    if len(unknown) > 1 or any(d < -1 for d in shape):
        raise ShapeError(f"{op}: shape {list(shape)}; at most one size may be -1, none below")
    if not unknown:
        if known != elements:
            raise ShapeError(f"{op}: shape {list(shape)} for {elements} elements")
        return tuple(shape)
    if known == 0 or elements % known:
        raise ShapeError(f"{op}: no size for -1 in {list(shape)} holds {elements} elements")
    return tuple(elements // known if d == -1 else d for d in shape)


def pair(op: str, argument: str, value: Any, count: int, default: Any = None) -> tuple[int, ...]:
    """`value` as `count` ints: one stands for all, an empty list for `default`.

    Raises:
        ShapeError: if it has another length.
    """
    if isinstance(value, int):
        value = [value]
    if not value and default is not None:
        return tuple(default)
    if len(value) == 1:
        return tuple(value) * count
    if len(value) != count:
        raise ShapeError(f"{op}: {argument} {list(value)} must be 1 or {count} numbers")
    return tuple(map(as_int, value))


def inner(window: Iterable[Any]) -> tuple[Any, ...]:
    """The NumPy index that applies `window` to the last dims."""
    return (..., *window)


def expect_rank(op: str, argument: str, type_: TensorType, *ranks: int) -> None:
    """Check the number of dims of an argument.

    Raises:
        ShapeError: if it is none of `ranks`.
    """
    if type_.rank not in ranks:
        allowed = " or ".join(map(str, ranks))
        raise ShapeError(f"{op}: {argument} must have {allowed} dims, got {type_}")


def dtype_from_code(op: str, code: int | None, default: DType) -> DType:
    """The dtype that TorchScript's number `code` means, `default` for None.

    Raises:
        ShapeError: if Treadle has no such dtype.
    """
    if code is None:
        return default
    if code not in BY_CODE:
        raise ShapeError(f"{op}: no dtype has the number {code}")
    return BY_CODE[code]
