"""Elements moved by position: flips, rolls, triangles, shuffles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import compare, const, extent, select, sub
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Elements, Emitter, Loader
from treadle.ops.moves import moving
from treadle.ops.samples import boolean, f32, i64
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]


# --- flip and roll ------------------------------------------------------------------------------


def _flip_dims(x: TensorType, dims: Sequence[int]) -> list[int]:
    wrapped = [wrap_dim("flip", d, len(x.sizes)) for d in dims]
    if len(set(wrapped)) < len(wrapped):
        raise ShapeError(f"flip: a dim occurs twice in {list(dims)}")
    return wrapped


def _flip(f: Any, positions: list[Any], x: TensorType, dims: Sequence[int]) -> Any:
    gone = _flip_dims(x, dims)
    return [f.affine(p, -1, x.sizes[i] - 1) if i in gone else p for i, p in enumerate(positions)]


def _flip_shape(x: TensorType, dims: Sequence[int]) -> tuple[int, ...]:
    _flip_dims(x, dims)
    return x.sizes


flip = moving(
    "aten::flip(Tensor self, int[] dims) -> Tensor",
    _flip_shape,
    _flip,
    (
        (f32(3, 4), [0]),
        (f32(3, 4), [0, 1]),
        (f32(5), [-1]),
        (f32(2, 3), []),
        (f32(0, 3), [1]),
        (f32(3, 4, layout="transposed"), [1]),
    ),
)


def _shifts(x: TensorType, shifts: Sequence[int], dims: Sequence[int]) -> list[int]:
    if len(shifts) != len(dims):
        raise ShapeError(f"roll: {len(shifts)} shifts for {len(dims)} dims")
    if not x.sizes:
        raise ShapeError("roll: a tensor without dims has none to roll")
    total = [0] * len(x.sizes)
    for s, d in zip(shifts, dims, strict=True):
        total[wrap_dim("roll", d, len(x.sizes))] += s
    return total


def _roll(
    f: Any, positions: list[Any], x: TensorType, shifts: Sequence[int], dims: Sequence[int]
) -> Any:
    total = _shifts(x, shifts, dims)
    return [
        f.remainder(f.affine(p, 1, (-s) % max(d, 1)), d) if s else p
        for p, s, d in zip(positions, total, x.sizes, strict=True)
    ]


def _roll_shape(x: TensorType, shifts: Sequence[int], dims: Sequence[int]) -> tuple[int, ...]:
    _shifts(x, shifts, dims)
    return x.sizes


roll_dims = moving(
    "treadle::roll_dims(Tensor self, int[] shifts, int[] dims) -> Tensor",
    _roll_shape,
    _roll,
    (
        (f32(3, 4), [1], [0]),
        (f32(3, 4), [-1, 2], [0, 1]),
        (f32(5), [7], [0]),
        (f32(0, 3), [1], [0]),
    ),
)


def _roll_any(x: Array, shifts: Sequence[int], dims: Sequence[int]) -> Array:
    assert roll_dims.reference is not None
    if not dims:
        flat = roll_dims.reference(x.reshape(-1), shifts, [0])
        return np.reshape(flat, x.shape)
    return np.asarray(roll_dims.reference(x, shifts, dims))


def _infer_roll(x: TensorType, shifts: Sequence[int], dims: Sequence[int]) -> TensorType:
    _shifts(x, shifts, dims) if dims else _shifts(tensor(x.element, (1,)), shifts, [0])
    return x


def _decompose_roll(emit: Emitter, x: Any, shifts: Sequence[int], dims: Sequence[int]) -> Any:
    if dims:
        return emit(roll_dims, x, shifts, dims)
    flat = emit(roll_dims, emit("reshape", x, [-1]), shifts, [0])
    return emit("view", flat, list(emit.type(x).sizes))


roll = op(
    "aten::roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor",
    reference=_roll_any,
    infer=_infer_roll,
    lower=Decompose(_decompose_roll),
    tolerance=EXACT,
    samples=(
        (f32(3, 4), [1], [0]),
        (f32(3, 4), [-1, 2], [0, 1]),
        (f32(3, 4), [5], []),
        (f32(2), [1], [0]),
    ),
)


# --- triangles ----------------------------------------------------------------------------------


def _check_matrix(name: str, x: Any) -> None:
    if len(x.shape) < 2:
        raise ShapeError(f"{name}: expected at least 2 dims, got {list(x.shape)}")


def _triangle(schema: str, name: str, keep: str, function: Any) -> OpDef:
    """``keep`` compares column - row with the diagonal."""

    def reference(x: Array, diagonal: int) -> Array:
        _check_matrix(name, x)
        return np.asarray(function(x, diagonal)).astype(x.dtype)

    def infer(x: TensorType, diagonal: int) -> TensorType:
        _check_matrix(name, x)
        return x

    def build(
        load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, diagonal: int
    ) -> Expr:
        kept = compare(keep, sub(positions[-1], positions[-2]), extent(diagonal))
        return select(kept, load(0, positions), const(0, result.element))

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Elements(build),
        tolerance=EXACT,
        samples=(
            (f32(3, 4), 0),
            (f32(4, 3), 1),
            (f32(2, 3, 3), -1),
            (i64(3, 3), 5),
            (f32(0, 2), 0),
            (boolean(3, 3), 0),
        ),
    )


triu = _triangle("aten::triu(Tensor self, int diagonal=0) -> Tensor", "triu", "ge", np.triu)
tril = _triangle("aten::tril(Tensor self, int diagonal=0) -> Tensor", "tril", "le", np.tril)
inplace(triu, tril)


# --- shuffles -----------------------------------------------------------------------------------


def _pixel_shape(x: TensorType, factor: int) -> tuple[int, ...]:
    if len(x.sizes) < 3 or factor <= 0 or x.sizes[-3] % factor**2:
        raise ShapeError(f"pixel_shuffle: {x} needs a multiple of {factor}² channels in dim -3")
    *batch, c, h, w = x.sizes
    return (*batch, c // factor**2, h * factor, w * factor)


def _pixel_shuffle(f: Any, positions: list[Any], x: TensorType, factor: int) -> Any:
    *batch, c, h, w = positions
    row, column = f.remainder(h, factor), f.remainder(w, factor)
    channel = f.plus(f.affine(c, factor * factor, 0), f.plus(f.affine(row, factor, 0), column))
    return [*batch, channel, f.quotient(h, factor), f.quotient(w, factor)]


pixel_shuffle = moving(
    "aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor",
    _pixel_shape,
    _pixel_shuffle,
    ((f32(1, 8, 2, 3), 2), (f32(9, 1, 1), 3)),
)


def _channel_shuffle(f: Any, positions: list[Any], x: TensorType, groups: int) -> Any:
    n, c, *rest = positions
    each = x.sizes[1] // groups
    first = f.affine(f.remainder(c, groups), each, 0)
    return [n, f.plus(first, f.quotient(c, groups)), *rest]


def _channel_shape(x: TensorType, groups: int) -> tuple[int, ...]:
    if len(x.sizes) < 3 or groups <= 0 or x.sizes[1] % groups:
        raise ShapeError(f"channel_shuffle: {x} needs a multiple of {groups} channels in dim 1")
    return x.sizes


channel_shuffle = moving(
    "aten::channel_shuffle(Tensor self, int groups) -> Tensor",
    _channel_shape,
    _channel_shuffle,
    ((f32(2, 6, 3, 2), 3),),
)
