"""Tensors taken apart: split, chunk, unbind, and broadcast together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.samples import f32
from treadle.ops.shapes import broadcast, tensor
from treadle.ops.strided import expand, expanded, narrow, part_dim, select

Array = np.ndarray[Any, Any]
_MOST_PARTS = 1 << 24


def _divided(
    schema: str, lengths: Callable[..., list[int]], samples: tuple[tuple[Any, ...], ...]
) -> None:
    """Define a split by ``lengths(size, argument)``; the last argument is the dim."""

    def parts(shape: Sequence[int], argument: Any, dim: int) -> list[tuple[int, int]]:
        axis = part_dim("split", shape, dim)
        found = lengths(shape[axis], argument)
        return [(sum(found[:i]), length) for i, length in enumerate(found)]

    def reference(x: Array, argument: Any, dim: int) -> list[Array]:
        assert narrow.reference is not None
        return [narrow.reference(x, dim, *part) for part in parts(x.shape, argument, dim)]

    def infer(x: TensorType, argument: Any, dim: int) -> list[TensorType]:
        assert narrow.infer is not None
        return [narrow.infer(x, dim, *part) for part in parts(x.sizes, argument, dim)]

    def build(emit: Emitter, x: Any, argument: Any, dim: int) -> list[Any]:
        return [emit(narrow, x, dim, *p) for p in parts(emit.type(x).sizes, argument, dim)]

    op(
        schema,
        reference=reference,
        infer=infer,
        lower=Decompose(build),
        tolerance=EXACT,
        samples=samples,
    )


def _equal_parts(size: int, length: int) -> list[int]:
    if length < 0 or (length == 0 and size):
        raise ShapeError(f"split: split_size must be positive, got {length}")
    count = -(-size // length) if size else 1
    return [min(length, size - i * length) for i in range(count)]


def _given_parts(size: int, lengths: Sequence[int]) -> list[int]:
    if sum(lengths) != size or any(n < 0 for n in lengths):
        raise ShapeError(f"split: sizes {list(lengths)} must add up to {size}")
    return list(lengths)


def _check_number(name: str, count: int) -> None:
    if count > _MOST_PARTS:
        raise ShapeError(f"{name}: {count} parts; allowed: {_MOST_PARTS}")


def _chunks(size: int, count: int) -> list[int]:
    if count <= 0:
        raise ShapeError(f"chunk: chunks must be positive, got {count}")
    _check_number("chunk", count if size == 0 else min(count, size))
    return _equal_parts(size, max(1, -(-size // count))) if size else [0] * count


def _sections(size: int, count: int) -> list[int]:
    if count <= 0:
        raise ShapeError(f"tensor_split: sections must be positive, got {count}")
    _check_number("tensor_split", count)
    return [size // count + (i < size % count) for i in range(count)]


def _cuts(size: int, indices: Sequence[int]) -> list[int]:
    bounds = [0, *(slice(i, None).indices(size)[0] for i in indices), size]
    return [max(0, b - a) for a, b in itertools.pairwise(bounds)]


_divided(
    "aten::split.Tensor(Tensor(a -> *) self, int split_size, int dim=0) -> Tensor(a)[]",
    _equal_parts,
    ((f32(7, 2), 3, 0), (f32(2, 6), 2, 1), (f32(0, 2), 2, 0)),
)
_divided(
    "aten::split.sizes(Tensor(a -> *) self, int[] split_size, int dim=0) -> Tensor(a)[]",
    _given_parts,
    ((f32(7, 2), [3, 4], 0), (f32(2, 6), [1, 0, 5], -1)),
)
_divided(
    "aten::split(Tensor(a -> *) self, int[] split_sizes, int dim=0) -> Tensor(a)[]",
    _given_parts,
    (),
)
_divided(
    "aten::split_with_sizes(Tensor(a -> *) self, int[] split_sizes, int dim=0) -> Tensor(a)[]",
    _given_parts,
    ((f32(7, 2), [3, 4], 0), (f32(2, 6), [1, 2, 3], 1)),
)
_divided(
    "aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]",
    _chunks,
    ((f32(7, 2), 3, 0), (f32(2, 6), 2, 1), (f32(2), 5, 0), (f32(0), 3, 0)),
)
_divided(
    "aten::tensor_split.sections(Tensor(a -> *) self, int sections, int dim=0) -> Tensor(a)[]",
    _sections,
    ((f32(7, 2), 3, 0), (f32(2), 5, 0)),
)
_divided(
    "aten::tensor_split.indices(Tensor(a -> *) self, int[] indices, int dim=0) -> Tensor(a)[]",
    _cuts,
    ((f32(7, 2), [2, 5], 0), (f32(2, 6), [3], 1)),
)


def _unbind(x: Array, dim: int) -> list[Array]:
    axis = part_dim("unbind", x.shape, dim)
    assert select.reference is not None
    return [select.reference(x, dim, i) for i in range(x.shape[axis])]


def _infer_unbind(x: TensorType, dim: int) -> list[TensorType]:
    axis = part_dim("unbind", x.sizes, dim)
    assert select.infer is not None
    return [select.infer(x, dim, i) for i in range(x.sizes[axis])]


def _decompose_unbind(emit: Emitter, x: Any, dim: int) -> list[Any]:
    sizes = emit.type(x).sizes
    return [emit(select, x, dim, i) for i in range(sizes[part_dim("unbind", sizes, dim)])]


unbind = op(
    "aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]",
    reference=_unbind,
    infer=_infer_unbind,
    lower=Decompose(_decompose_unbind),
    tolerance=EXACT,
    samples=((f32(3, 2), 0), (f32(2, 3), -1), (f32(0, 2), 0)),
)


def _broadcast_tensors(tensors: Sequence[Array]) -> list[Array]:
    shape = broadcast("broadcast_tensors", *(t.shape for t in tensors))
    return [expanded(t, shape) for t in tensors]


def _infer_broadcast_tensors(tensors: Sequence[TensorType]) -> list[TensorType]:
    shape = broadcast("broadcast_tensors", *(t.sizes for t in tensors))
    return [tensor(t.element, shape) for t in tensors]


def _decompose_broadcast_tensors(emit: Emitter, tensors: Sequence[Any]) -> list[Any]:
    shape = broadcast("broadcast_tensors", *(emit.type(t).sizes for t in tensors))
    return [emit(expand, t, list(shape), False) for t in tensors]


broadcast_tensors = op(
    "aten::broadcast_tensors(Tensor[] tensors) -> Tensor[]",
    reference=_broadcast_tensors,
    infer=_infer_broadcast_tensors,
    lower=Decompose(_decompose_broadcast_tensors),
    tolerance=EXACT,
    samples=(([f32(3, 1), f32(4)],),),
)
