"""Tensors put together and taken apart along a dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Concat, Decompose, Emitter
from treadle.ops.promotion import result_dtype
from treadle.ops.samples import f32, i64
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _is_legacy_empty(shape: Sequence[int]) -> bool:
    """Whether torch.cat skips a tensor of `shape` whatever the others are."""
    return tuple(shape) == (0,)


def _cat_shape(shapes: Sequence[tuple[int, ...]], dim: int) -> tuple[int, ...]:
    """The shape of the concatenation.

    Raises:
        ShapeError: if there is none.
    """
    if not shapes:
        raise ShapeError("cat: expected at least one tensor, got an empty list")
    kept = [s for s in shapes if not _is_legacy_empty(s)] or [shapes[0]]
    first = kept[0]
    if not first:
        raise ShapeError("cat: tensors without dims cannot be concatenated")
    axis = wrap_dim("cat", dim, len(first))
    for shape in kept:
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, shape, strict=True)) if i != axis
        ):
            raise ShapeError(
                f"cat: shapes {list(first)} and {list(shape)} must agree except in dim {axis}"
            )
    return tuple(sum(s[axis] for s in kept) if i == axis else d for i, d in enumerate(first))


def _cat(tensors: Sequence[Array], dim: int) -> Array:
    _cat_shape([t.shape for t in tensors], dim)
    dtype = result_dtype(*tensors).numpy
    kept = [t for t in tensors if not _is_legacy_empty(t.shape)] or list(tensors[:1])
    return np.concatenate([t.astype(dtype) for t in kept], axis=dim)


def _infer_cat(tensors: Sequence[TensorType], dim: int) -> TensorType:
    shape = _cat_shape([t.sizes for t in tensors], dim)
    return tensor(result_dtype(*tensors), shape)


def _cat_dim(result: TensorType, tensors: Sequence[TensorType], dim: int) -> int:
    return wrap_dim("cat", dim, len(result.sizes))


cat = op(
    "aten::cat(Tensor[] tensors, int dim=0) -> Tensor",
    reference=_cat,
    infer=_infer_cat,
    lower=Concat(_cat_dim),
    tolerance=EXACT,
    samples=(
        ([f32(2, 3), f32(2, 5)], 1),
        ([f32(2, 3)], 0),
        ([f32(0, 3), f32(2, 3)], 0),
        ([f32(2, 3, 4), f32(1, 3, 4), f32(3, 3, 4)], -3),
        ([f32(0), f32(2, 3)], 1),
        ([f32(3, 5, layout="transposed"), f32(3, 2)], 1),
        ([i64(2), f32(3)], 0),
    ),
)


# --- stacks -------------------------------------------------------------------------------------


def _stack_dim(tensors: Sequence[Any], dim: int) -> int:
    if not tensors:
        raise ShapeError("stack: expected at least one tensor, got an empty list")
    shapes = {tuple(t.shape) for t in tensors}
    if len(shapes) > 1:
        raise ShapeError(f"stack: shapes must be equal, got {' and '.join(map(str, shapes))}")
    return wrap_dim("stack", dim, len(tensors[0].shape) + 1)


def _stack(tensors: Sequence[Array], dim: int) -> Array:
    axis = _stack_dim(tensors, dim)
    dtype = result_dtype(*tensors).numpy
    return np.stack([t.astype(dtype) for t in tensors], axis)


def _infer_stack(tensors: Sequence[TensorType], dim: int) -> TensorType:
    axis = _stack_dim(tensors, dim)
    shape = tensors[0].sizes
    return tensor(result_dtype(*tensors), (*shape[:axis], len(tensors), *shape[axis:]))


def _decompose_stack(emit: Emitter, tensors: Sequence[Any], dim: int) -> Any:
    axis = _stack_dim([emit.type(t) for t in tensors], dim)
    return emit(cat, [emit("unsqueeze", t, axis) for t in tensors], axis)


stack = op(
    "aten::stack(Tensor[] tensors, int dim=0) -> Tensor",
    reference=_stack,
    infer=_infer_stack,
    lower=Decompose(_decompose_stack),
    tolerance=EXACT,
    samples=(
        ([f32(2, 3), f32(2, 3)], 0),
        ([f32(2, 3), f32(2, 3)], -1),
        ([f32(), f32()], 0),
        ([i64(2), f32(2)], 1),
        ([f32(0, 2)], 1),
    ),
)


def _joined(schema: str, lead: Any, samples: tuple[tuple[Any, ...], ...]) -> None:
    """A concatenation of reshaped tensors: ``lead(shape) -> (shape, dim)``."""

    def shapes(tensors: Sequence[Any]) -> tuple[list[tuple[int, ...]], int]:
        if not tensors:
            raise ShapeError("cat: expected at least one tensor, got an empty list")
        pairs = [lead(tuple(t.shape)) for t in tensors]
        return [s for s, _ in pairs], pairs[0][1]

    def reference(tensors: Sequence[Array]) -> Array:
        found, dim = shapes(tensors)
        return _cat([t.reshape(s) for t, s in zip(tensors, found, strict=True)], dim)

    def infer(tensors: Sequence[TensorType]) -> TensorType:
        found, dim = shapes(tensors)
        return _infer_cat([tensor(t.element, s) for t, s in zip(tensors, found, strict=True)], dim)

    def build(emit: Emitter, tensors: Sequence[Any]) -> Any:
        found, dim = shapes([emit.type(t) for t in tensors])
        return emit(
            cat, [emit("view", t, list(s)) for t, s in zip(tensors, found, strict=True)], dim
        )

    op(
        schema,
        reference=reference,
        infer=infer,
        lower=Decompose(build),
        tolerance=EXACT,
        samples=samples,
    )


def _horizontal(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    return (shape or (1,), 0) if len(shape) < 2 else (shape, 1)


def _vertical(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    return (shape if len(shape) > 1 else (1, *(shape or (1,)))), 0


_joined(
    "aten::hstack(Tensor[] tensors) -> Tensor",
    _horizontal,
    (([f32(2), f32(3)],), ([f32(2, 1), f32(2, 3)],), ([f32(), f32()],)),
)
_joined(
    "aten::vstack(Tensor[] tensors) -> Tensor",
    _vertical,
    (([f32(3), f32(3)],), ([f32(2, 3), f32(1, 3)],), ([f32(), f32()],)),
)
for _name in ("concat", "concatenate"):
    op(
        f"aten::{_name}(Tensor[] tensors, int dim=0) -> Tensor",
        reference=_cat,
        infer=_infer_cat,
        lower=Concat(_cat_dim),
        tolerance=EXACT,
        samples=(([f32(2, 3), f32(2, 5)], 1),),
    )
