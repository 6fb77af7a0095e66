"""Repetition of elements and of whole tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.symbols import fixed
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.gather import check_index_dtype
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.moves import moving
from treadle.ops.samples import f32, i64
from treadle.ops.shapes import numel, tensor, wrap_dim

Array = np.ndarray[Any, Any]
_NAME = "repeat_interleave"


def _repeats(x: TensorType, repeats: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The operand's sizes with leading ones, and how often each repeats."""
    extra = len(repeats) - len(x.sizes)
    if extra < 0 or min(repeats, default=0) < 0:
        raise ShapeError(f"repeat: {list(repeats)} for {x}: as many counts as dims, none negative")
    return (1,) * extra + x.sizes, tuple(repeats)


def _repeat_shape(x: TensorType, repeats: Sequence[int]) -> tuple[int, ...]:
    sizes, counts = _repeats(x, repeats)
    return tuple(d * n for d, n in zip(sizes, counts, strict=True))


def _repeat(f: Any, positions: list[Any], x: TensorType, repeats: Sequence[int]) -> Any:
    sizes, counts = _repeats(x, repeats)
    places = [
        p if n == 1 else f.remainder(p, d) for p, d, n in zip(positions, sizes, counts, strict=True)
    ]
    return places[len(sizes) - len(x.sizes) :]


def _tiles(x: TensorType, dims: Sequence[int]) -> list[int]:
    return [1] * (len(x.sizes) - len(dims)) + list(dims)


repeat = moving(
    "aten::repeat(Tensor self, int[] repeats) -> Tensor",
    _repeat_shape,
    _repeat,
    (
        (f32(2, 3), [2, 1]),
        (f32(2, 3), [2, 1, 3]),
        (f32(), [2]),
        (f32(1), [0]),
        (f32(3, 2, layout="transposed"), [1, 2]),
    ),
)
tile = moving(
    "aten::tile(Tensor self, int[] dims) -> Tensor",
    lambda x, dims: _repeat_shape(x, _tiles(x, dims)),
    lambda f, positions, x, dims: _repeat(f, positions, x, _tiles(x, dims)),
    ((f32(2, 3), [2]), (f32(3), [2, 2])),
)


def _interleaved_shape(x: TensorType, repeats: int, dim: int) -> tuple[int, ...]:
    axis = wrap_dim(_NAME, dim, len(x.sizes))
    if repeats < 0:
        raise ShapeError(f"{_NAME}: repeats must not be negative, got {repeats}")
    return tuple(d * repeats if i == axis else d for i, d in enumerate(x.sizes))


def _interleave(f: Any, positions: list[Any], x: TensorType, repeats: int, dim: int) -> Any:
    axis = wrap_dim(_NAME, dim, len(x.sizes))
    return [f.quotient(p, repeats) if i == axis else p for i, p in enumerate(positions)]


interleave = moving(
    "treadle::interleave(Tensor self, int repeats, int dim) -> Tensor",
    _interleaved_shape,
    _interleave,
    ((f32(2, 3), 2, 1), (f32(3), 0, 0)),
)


def _repeat_interleave(x: Array, repeats: int, dim: int | None, size: int | None) -> Array:
    assert interleave.reference is not None
    flat, axis = (x.reshape(-1), 0) if dim is None else (x, dim)
    result = np.asarray(interleave.reference(flat, repeats, axis))
    _check_output_size(size, result.shape[axis])
    return result


def _infer_repeat_interleave(
    x: TensorType, repeats: int, dim: int | None, size: int | None
) -> TensorType:
    flat = tensor(x.element, (numel(x.sizes),)) if dim is None else x
    sizes = _interleaved_shape(flat, repeats, dim or 0)
    _check_output_size(size, sizes[dim or 0])
    return tensor(x.element, sizes)


def _check_output_size(given: int | None, size: int) -> None:
    if given is not None and given != size:
        raise ShapeError(f"{_NAME}: output_size must be {size}, got {given}")


def _decompose_repeat_interleave(
    emit: Emitter, x: Any, repeats: int, dim: int | None, _: Any
) -> Any:
    return emit(interleave, emit("reshape", x, [-1]) if dim is None else x, repeats, dim or 0)


def _positions(repeats: Array, count: int, size: int | None) -> Array:
    """Of `count` elements in a row, those that come one after the other."""
    check_index_dtype(_NAME, repeats, "repeats")
    if repeats.ndim > 1 or (repeats.size and repeats.min() < 0):
        raise ShapeError(f"{_NAME}: repeats must be one dim of non-negative numbers")
    if repeats.size not in (1, count):
        raise ShapeError(f"{_NAME}: {repeats.size} repeats for {count} elements")
    positions = np.repeat(np.arange(count), repeats.reshape(-1))
    _check_output_size(size, positions.size)
    return positions


def _repeat_by_tensor(x: Array, repeats: Array, dim: int | None, size: int | None) -> Array:
    flat, axis = (x.reshape(-1), 0) if dim is None else (x, wrap_dim(_NAME, dim, x.ndim))
    return flat.take(_positions(repeats, flat.shape[axis], size), axis)


def _decompose_repeat_by_tensor(
    emit: Emitter, x: Any, repeats: Any, dim: int | None, size: int | None
) -> Any:
    """For repeats that are known with the plan: traced models write their numbers as tensors."""
    if not isinstance(repeats, np.ndarray):
        raise UnsupportedError("the result of repeat_interleave.self_Tensor depends on data")
    flat = emit("reshape", x, [-1]) if dim is None else x
    sizes = emit.type(flat).sizes
    axis = wrap_dim(_NAME, dim or 0, len(sizes))
    if repeats.size == 1:
        return emit("repeat_interleave.self_int", flat, int(repeats.reshape(())), axis, size)
    return emit("index_select", flat, axis, _positions(repeats, fixed(sizes[axis]), size))


repeat_interleave = op(
    "aten::repeat_interleave.self_int(Tensor self, int repeats, int? dim=None, *, int? "
    "output_size=None) -> Tensor",
    reference=_repeat_interleave,
    infer=_infer_repeat_interleave,
    lower=Decompose(_decompose_repeat_interleave),
    tolerance=EXACT,
    samples=((f32(2, 3), 2, 1, None), (f32(2, 3), 3, None, None), (f32(2, 3), 2, -2, None)),
)
repeat_interleave_tensor = op(
    "aten::repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, "
    "int? output_size=None) -> Tensor",
    reference=_repeat_by_tensor,
    lower=Decompose(_decompose_repeat_by_tensor),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), i64(3, low=0, high=3), 1, None),
        (f32(4), i64(1, low=1, high=3), None, None),
    ),
)
