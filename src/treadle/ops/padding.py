"""Padding by a constant, by reflection, replication and wrapping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.moves import moving, type_of
from treadle.ops.samples import boolean, f16, f32, i64

Array = np.ndarray[Any, Any]


def _sides(
    name: str, x: TensorType, pad: Sequence[int], count: int | None = None
) -> list[tuple[int, int]]:
    """What is added before and after each dim; `pad` starts from the last dim."""
    rank = len(x.sizes)
    if len(pad) % 2 or len(pad) > 2 * rank or (count is not None and len(pad) != 2 * count):
        raise ShapeError(f"{name}: {len(pad)} numbers of padding for {x}")
    pairs = [(pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)]
    return [(0, 0)] * (rank - len(pairs)) + pairs[::-1]


def _padded_shape(name: str, count: int | None = None) -> Callable[..., tuple[int, ...]]:
    def shape(x: TensorType, pad: Sequence[int], *_: Any) -> tuple[int, ...]:
        sides = _sides(name, x, pad, count)
        result = tuple(d + a + b for d, (a, b) in zip(x.sizes, sides, strict=True))
        if min(result, default=0) < 0:
            raise ShapeError(f"{name}: padding {list(pad)} leaves a negative size of {x}")
        if name.startswith("reflection") and any(
            max(a, b) >= d for d, (a, b) in zip(x.sizes, sides, strict=True) if a or b
        ):
            raise ShapeError(f"{name}: padding {list(pad)} must be less than the sizes of {x}")
        if name.startswith("circular") and any(
            d + min(a, 0) + min(b, 0) < 1 <= n
            for d, (a, b), n in zip(x.sizes, sides, result, strict=True) if a or b
        ):  # fmt: skip
            raise ShapeError(f"{name}: padding {list(pad)} leaves nothing of {x} to repeat")
        return result

    return shape


def _constant_pad(f: Any, positions: list[Any], x: TensorType, pad: Sequence[int], *_: Any) -> Any:
    sides = _sides("constant_pad_nd", x, pad)
    return [f.affine(p, 1, -a) for p, (a, _) in zip(positions, sides, strict=True)]


def _replicate(f: Any, positions: list[Any], x: TensorType, pad: Sequence[int]) -> Any:
    sides = _sides("replication_pad", x, pad)
    return [
        f.clamp(f.affine(p, 1, -a), d) if a or b else p
        for p, (a, b), d in zip(positions, sides, x.sizes, strict=True)
    ]


def _reflect(f: Any, positions: list[Any], x: TensorType, pad: Sequence[int]) -> Any:
    sides = _sides("reflection_pad", x, pad)
    return [
        f.affine(f.magnitude(f.affine(f.magnitude(f.affine(p, 1, -a)), 1, 1 - d)), -1, d - 1)
        if a or b
        else p
        for p, (a, b), d in zip(positions, sides, x.sizes, strict=True)
    ]


def _circle(f: Any, positions: list[Any], x: TensorType, pad: Sequence[int]) -> Any:
    """Around in what is left of the dim after negative padding."""
    sides = _sides("circular_pad", x, pad)
    places = []
    for p, (a, b), d in zip(positions, sides, x.sizes, strict=True):
        first = max(-a, 0)
        kept = max(d - first - max(-b, 0), 1)
        around = f.remainder(f.affine(p, 1, -max(a, 0) % kept), kept)
        places.append(f.affine(around, 1, first) if a or b else p)
    return places


constant_pad = moving(
    "aten::constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor",
    _padded_shape("constant_pad_nd"),
    _constant_pad,
    (
        (f32(2, 3), [1, 2], 0),
        (f32(2, 3), [1, 0, 0, 2], 1.5),
        (i64(3), [2, 2], 7),
        (f32(4, 5), [-1, -1], 0),
        (f32(0, 2), [1, 1, 1, 1], 3),
        (f32(3, 4, layout="transposed"), [1, 1], 0),
        (f16(3), [0, 1], 0.5),
    ),
    fill=lambda pad, value: value,
)
replication_pad1d = moving(
    "aten::replication_pad1d(Tensor self, int[2] padding) -> Tensor",
    _padded_shape("replication_pad1d", 1),
    _replicate,
    ((f32(2, 3), [1, 2]), (f32(2, 3, 4), [0, 5])),
    kinds="ifc",
)
replication_pad2d = moving(
    "aten::replication_pad2d(Tensor self, int[4] padding) -> Tensor",
    _padded_shape("replication_pad2d", 2),
    _replicate,
    ((f32(2, 3, 4), [1, 2, 0, 1]), (f32(1, 2, 3, 4), [2, 0, 3, 1])),
    kinds="ifc",
)
reflection_pad1d = moving(
    "aten::reflection_pad1d(Tensor self, int[2] padding) -> Tensor",
    _padded_shape("reflection_pad1d", 1),
    _reflect,
    ((f32(2, 4), [1, 2]), (f32(2, 3, 4), [3, 0])),
    kinds="ifc",
)
reflection_pad2d = moving(
    "aten::reflection_pad2d(Tensor self, int[4] padding) -> Tensor",
    _padded_shape("reflection_pad2d", 2),
    _reflect,
    ((f32(2, 3, 4), [1, 2, 0, 1]), (f32(1, 2, 3, 4), [2, 0, 2, 1])),
    kinds="ifc",
)
replication_pad3d = moving(
    "aten::replication_pad3d(Tensor self, int[6] padding) -> Tensor",
    _padded_shape("replication_pad3d", 3),
    _replicate,
    ((f32(1, 2, 3, 4, 5), [1, 2, 0, 1, 1, 0]),),
    kinds="ifc",
)
reflection_pad3d = moving(
    "aten::reflection_pad3d(Tensor self, int[6] padding) -> Tensor",
    _padded_shape("reflection_pad3d", 3),
    _reflect,
    ((f32(1, 2, 3, 4, 5), [1, 2, 0, 1, 1, 0]),),
    kinds="ifc",
)
circular_pad = moving(
    "treadle::circular_pad(Tensor self, int[] pad) -> Tensor",
    _padded_shape("circular_pad"),
    _circle,
    ((f32(2, 4), [1, 2]), (f32(2, 5), [-1, 2]), (f32(3, 4), [1, 0, 2, -1])),
)
_PAD_MODES = {"reflect": "reflection_pad", "replicate": "replication_pad"}


def _pad_operator(
    x: TensorType, pad: Sequence[int], mode: str, value: float | None
) -> tuple[Any, ...]:
    """The operator that pads in that mode, and its arguments."""
    if mode == "constant":
        return constant_pad, (pad, value or 0.0)
    if mode == "circular":
        return circular_pad, (pad,)
    if mode not in _PAD_MODES:
        raise InputError(f"pad: mode {mode!r}; allowed: constant, reflect, replicate, circular")
    ops = {
        "reflect": (reflection_pad1d, reflection_pad2d, reflection_pad3d),
        "replicate": (replication_pad1d, replication_pad2d, replication_pad3d),
    }
    if len(pad) not in (2, 4, 6):
        raise UnsupportedError(f"pad: mode {mode!r} over {len(pad) // 2} dims")
    return ops[mode][len(pad) // 2 - 1], (pad,)


def _pad(x: Array, pad: Sequence[int], mode: str, value: float | None) -> Array:
    function, args = _pad_operator(type_of(x), pad, mode, value)
    return np.asarray(function.reference(x, *args))


def _infer_pad(x: TensorType, pad: Sequence[int], mode: str, value: float | None) -> TensorType:
    function, args = _pad_operator(x, pad, mode, value)
    result = function.infer(x, *args)
    assert isinstance(result, TensorType)
    return result


def _decompose_pad(
    emit: Emitter, x: Any, pad: Sequence[int], mode: str, value: float | None
) -> Any:
    function, args = _pad_operator(emit.type(x), pad, mode, value)
    return emit(function, x, *args)


pad_ = op(
    'aten::pad(Tensor self, int[] pad, str mode="constant", float? value=None) -> Tensor',
    reference=_pad,
    infer=_infer_pad,
    lower=Decompose(_decompose_pad),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), [1, 2], "constant", None),
        (f32(1, 2, 3, 4), [1, 1, 1, 1], "reflect", None),
        (f32(1, 2, 3), [2, 1], "replicate", None),
        (f32(1, 2, 3), [2, 1], "circular", None),
        (f32(3), [1, 1], "constant", 2.5),
        (boolean(3), [1, 1], "constant", None),
    ),
)
