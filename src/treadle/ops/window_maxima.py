"""Maxima of windows of several sizes, or that begin anywhere, with their positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType, i64
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import cast, checked_index, extent
from treadle.ops.gather import checked_positions
from treadle.ops.lowering import Fold, Loader
from treadle.ops.promotion import accumulation
from treadle.ops.samples import f32, given
from treadle.ops.scalar_math import LOOPS, Element
from treadle.ops.shapes import numel, tensor

Array = np.ndarray[Any, Any]
_NONE = np.iinfo(np.int64).max
"""Larger than any position."""


def window_maxima(x: Operand, first: Any, last: Any, kernel: Sequence[int]) -> tuple[Any, Any]:
    """The maxima over windows of the last dims and their positions in the flattened dims.

    For each dim `first` and `last` have the ends of its windows, of which none has more elements
    than `kernel` says: [planes or 1, windows]. Of several NaN the last counts, of equal maxima the
    first.
    """
    count = len(kernel)
    planes = x.reshape(numel(x.shape[:-count]), *x.shape[-count:])
    best = planes.op("window_maxima", first, last, list(kernel))
    places = planes.op("window_places", best, first, last, list(kernel))
    shape = (*x.shape[:-count], *best.shape[1:])
    return best.reshape(*shape), places.reshape(*shape)


def _check(x: Any, first: Sequence[Any], last: Sequence[Any], kernel: Sequence[int]) -> None:
    if not len(first) == len(last) == len(kernel) == len(x.shape) - 1 or min(kernel) < 1:
        raise ShapeError(f"window_maxima: windows of {list(kernel)} over {list(x.shape)}")
    for a, b in zip(first, last, strict=True):
        if a.shape != b.shape or len(a.shape) != 2 or a.shape[0] not in (1, x.shape[0]):
            raise ShapeError(f"window_maxima: {list(a.shape)} and {list(b.shape)} are no ends")


def _taps(x: Array, first: Sequence[Array], last: Sequence[Array], kernel: Sequence[int]) -> Any:
    """The elements of all windows, and their flattened positions: [planes, windows..., taps]."""
    _check(x, first, last, kernel)
    place: Any = 0
    for dim, (a, b, k, size) in enumerate(zip(first, last, kernel, x.shape[1:], strict=True)):
        at = checked_positions(
            "window_maxima", np.minimum(a[..., None] + np.arange(k), b[..., None]), size
        )
        shape = [1] * (2 * len(kernel))
        shape[dim], shape[len(kernel) + dim] = at.shape[1:]
        place = place * size + at.reshape(len(at), *shape)
    place = place.reshape(*place.shape[: len(kernel) + 1], -1)
    place = np.broadcast_to(place, (len(x), *place.shape[1:]))
    flat = x.reshape(len(x), *[1] * len(kernel), -1)
    return np.take_along_axis(flat, place, -1), place


def _places(x: Array, best: Array, *windows: Any) -> Array:
    values, place = _taps(x, *windows)
    keys = np.where(values == best[..., None], place, _NONE)
    found = np.where(values != values, ~place, keys).min(-1)
    return np.asarray(np.where(found < 0, ~found, found))


def _infer(
    dtype: DType, x: TensorType, first: Sequence[TensorType], last: Any, kernel: Sequence[int]
) -> TensorType:
    _check(x, first, last, kernel)
    return tensor(dtype, (x.sizes[0], *(a.sizes[1] for a in first)))


def _load(
    load: Loader, positions: Sequence[Expr], index: Expr, x: TensorType,
    first: Sequence[TensorType], kernel: Sequence[int], ends: int,
) -> tuple[Element, Element]:  # fmt: skip
    """The element at tap `index` and its flattened position; `ends` is the argument `first`."""
    at, place, rest = [positions[0]], Element(extent(0)), Element(index)
    for dim in reversed(range(len(kernel))):
        plane = positions[0] if first[dim].sizes[0] != 1 else extent(0)
        begin, end = (Element(load(n, (plane, positions[dim + 1]), dim)) for n in (ends, ends + 1))
        before = LOOPS.floordiv(rest, kernel[dim])
        position = LOOPS.minimum(begin + (rest - before * kernel[dim]), end)
        at.insert(1, checked_index(position.expr, x.sizes[dim + 1]))
        rest = before
    for position_, size in zip(at[1:], x.sizes[1:], strict=True):
        place = place * Element(extent(size)) + Element(position_)
    return Element(load(0, at)), place


def _bounds(load: Loader, positions: Any, result: Any, *args: Any) -> tuple[Expr, Expr]:
    return extent(0), extent(numel(args[-1]))


def _value(
    load: Loader, positions: Sequence[Expr], index: Expr, result: TensorType, x: TensorType,
    first: Any, last: Any, kernel: Sequence[int],
) -> Expr:  # fmt: skip
    value, _ = _load(load, positions, index, x, first, kernel, 1)
    return cast(value.expr, accumulation(x.element) if x.element.is_floating else x.element)


def _key(
    load: Loader, positions: Sequence[Expr], index: Expr, result: TensorType, x: TensorType,
    best: Any, first: Any, last: Any, kernel: Sequence[int],
) -> Expr:  # fmt: skip
    """The position of a maximum; of NaN its complement, which is the smaller the later it is."""
    value, place = _load(load, positions, index, x, first, kernel, 2)
    key = LOOPS.where(value == Element(load(1, positions)), place, _NONE)
    found: Element = LOOPS.where(value != value, -1 - place, key)
    return found.expr


def _place(total: Expr, *_: Any) -> Expr:
    found = Element(total)
    place: Element = LOOPS.where(found < 0, -1 - found, found)
    return place.expr


_WINDOWS = (
    [given([[0, 1, 3]], i64), given([[0, 2], [1, 1]], i64)],
    [given([[1, 3, 3]], i64), given([[1, 3], [2, 3]], i64)],
    [3, 2],
)
_ENDS = "Tensor[] first, Tensor[] last, int[] kernel) -> Tensor"
op(
    f"treadle::window_maxima(Tensor self, {_ENDS}",
    reference=lambda x, *windows: _taps(x, *windows)[0].max(-1),
    infer=lambda x, *windows: _infer(x.element, x, *windows),
    lower=Fold(_bounds, _value, lambda total, *_: total, lambda *_: "max"),
    tolerance=EXACT,
    samples=((f32(2, 4, 4), *_WINDOWS),),
)
op(
    f"treadle::window_places(Tensor self, Tensor best, {_ENDS}",
    reference=_places,
    infer=lambda x, best, *windows: _infer(i64, x, *windows),
    lower=Fold(_bounds, _key, _place, lambda *_: "min"),
    tolerance=EXACT,
)
