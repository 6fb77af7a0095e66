"""Resizing of images of bytes: in whole numbers, one dim after the other, rounded after each.

Source: torch's kernels for uint8, which follow Pillow (behaviour read off torch 2.13).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from treadle.ir.dtypes import i32, i64, u8
from treadle.ir.op import OpDef
from treadle.ops.composite import Operand, composite
from treadle.ops.resize import resized_shape
from treadle.ops.samples import u8 as bytes_

Array = np.ndarray[Any, Any]
Mixture: TypeAlias = Callable[[int, int, bool, float | None], Array]
"""``mixture(size, out, align, factor)``: the share of each input in each output, [out, size]."""
SAMPLES = (
    (bytes_(1, 3, 5, 7, low=0, high=256), [9, 4], False, None, None),
    (bytes_(2, 5, 4, 6, low=0, high=256), [4, 11], True, None, None),
    (bytes_(1, 1, 1, 8, low=0, high=256), [2, 3], False, 2.0, 0.45),
)
_MAX_BITS = 22
_MAX_SHARE = 1 << 15
"""Shares are whole numbers below it."""


def floats_or_bytes(
    schema: str,
    floats: OpDef,
    mixture: Mixture,
    samples: tuple[tuple[Any, ...], ...],
) -> OpDef:
    """Define resizing by `schema`: as `floats` does it, but of bytes by `mixture`."""
    name = schema.removeprefix("aten::").partition("(")[0]

    def body(x: Operand, size: Sequence[int], align: bool, *factors: float | None) -> Any:
        if x.dtype != u8:
            return x.op(floats.name, size, align, *factors)
        resized_shape(name, x.type, size)
        sides = zip(x.shape[2:], size, factors, strict=True)
        return resized_bytes(x, [mixture(int(n), int(out), align, f) for n, out, f in sides])

    return composite(schema, body, samples=(*floats.samples, *samples))


def resized_bytes(x: Operand, mixtures: Sequence[Array]) -> Operand:
    """`x` resized along its last dims, the last one first, by a mixture for each."""
    for back, mixture in enumerate(reversed(mixtures), 1):
        x = _mixed(x, len(x.shape) - back, mixture)
    return x


def shares_of_taps(places: Sequence[Array], weights: Sequence[Array], size: int) -> Array:
    """A mixture in which each output takes `weights` of what is at `places`."""
    out = len(places[0])
    mixture = np.zeros((out, size))
    for place, weight in zip(places, weights, strict=True):
        np.add.at(mixture, (np.arange(out), place), weight)
    return mixture


def _mixed(x: Operand, dim: int, mixture: Array) -> Operand:
    bits = _bits(float(mixture.max()))
    places, shares = _taps(mixture, bits)
    total: Any = 1 << (bits - 1)
    for place, share in zip(places, shares, strict=True):
        column = x.given(share, i32).reshape(*(-1 if d == dim else 1 for d in range(len(x.shape))))
        part = x.op("index_select", dim, x.given(place, i64)).to(i32)
        total = part * column + total
    rounded = total.op("bitwise_right_shift.Tensor_Scalar", bits)
    return rounded.op("clamp", 0, 255).to(u8)  # type: ignore[no-any-return]


def _bits(largest: float) -> int:
    """How many binary digits behind the point shares have, of which `largest` is the largest."""
    return next(
        (b for b in range(_MAX_BITS) if int(0.5 + largest * (2 << b)) >= _MAX_SHARE), _MAX_BITS
    )


def _taps(mixture: Array, bits: int) -> tuple[Array, Array]:
    """The inputs that matter to each output, and their shares in whole numbers: [tap, out]."""
    size, used = mixture.shape[1], mixture != 0
    first = used.argmax(1)
    count = int((size - used[:, ::-1].argmax(1) - first).max())
    places = np.minimum(first + np.arange(count)[:, None], size - 1)
    inside = first + np.arange(count)[:, None] < size
    weights = np.where(inside, np.take_along_axis(mixture, places.T, 1).T, 0.0)
    return places, np.trunc(weights * (1 << bits) + np.copysign(0.5, weights)).astype(np.int32)
