"""Typical elements of rows, found in their order: medians that leave out NaN, and modes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange
from treadle.ir import dtypes
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT
from treadle.ops.samples import boolean, f32, given, i32, i64, u8
from treadle.ops.shapes import numel, wrap_dim

_NAN = math.nan
_ROWS = given([[1.0, _NAN, 3.0], [4.0, 5.0, _NAN]])


def _along(name: str, x: Operand, dim: int) -> tuple[Operand, int]:
    """The tensor with a dim at least, and which one is asked for.

    Raises:
        IndexOutOfRange: if there is nothing along it.
    """
    axis = wrap_dim(name, dim, len(x.shape))
    rows = x if x.shape else x.reshape(1)
    if not rows.shape[axis]:
        raise IndexOutOfRange(f"{name}: no elements")
    return rows, axis


def _picked(
    x: Operand, ordered: tuple[Operand, Operand], places: Operand, axis: int, keepdim: bool
) -> tuple[Any, Any]:
    """Values and indices of a sorted tensor at one place of each row, in the rank of `x`."""
    found = (part.op("gather", axis, places) for part in ordered)
    if not x.shape:
        values, indices = (part.reshape() for part in found)
    elif keepdim:
        values, indices = found
    else:
        values, indices = (part.op("squeeze.dim", axis) for part in found)
    return values, indices


def _nanmedian(x: Operand, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The lower of two in the middle of the numbers; of NaN alone, one of them."""
    rows, axis = _along("nanmedian", x, dim)
    size = int(rows.shape[axis])
    numbers = rows.op("isnan").op("logical_not").sum(axis, keepdim=True)
    counted = numbers.where(numbers > 0, numbers.given(size))
    middle = (counted - 1).op("floor_divide.Scalar", 2)
    return _picked(x, rows.op("sort", axis), middle, axis, keepdim)


composite(
    "aten::nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
    "indices)",
    _nanmedian,
    tolerance=EXACT,
    samples=((_ROWS, 1, False), (f32(3, 7), 0, True), (i64(5), 0, False), (f32(), -1, True)),
    kinds="if",
)


def _of_all(name: str) -> Callable[[Operand], Any]:
    """The median of all elements; of none what torch has in the place of NaN."""

    def body(x: Operand) -> Any:
        if numel(x.shape):
            return x.reshape(-1).op(f"{name}.dim", 0, False)[0]
        if x.dtype.is_floating:
            return x.op("new_full", [], _NAN)
        least = np.iinfo(x.dtype.numpy).min if x.dtype.itemsize >= 4 else 0
        return x.op("new_full", [], int(least))

    return body


_ALL = ((_ROWS,), (f32(4),), (given([_NAN, _NAN]),), (f32(3, 7),), (i64(4),), (f32(2, 0),),
        (i64(0),), (i32(0),), (u8(0),))  # fmt: skip
for _name in ("median", "nanmedian"):
    composite(
        f"aten::{_name}(Tensor self) -> Tensor",
        _of_all(_name),
        tolerance=EXACT,
        samples=_ALL,
        kinds="if",
    )


def _mode(x: Operand, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The most frequent value, the least of several, and the last place where it is.

    Where a run of equal elements ends in the stable order, it is as long as its value is frequent.
    """
    rows, axis = _along("mode", x, dim)
    ordered = rows.op("sort", axis)
    values, size = ordered[0], int(rows.shape[axis])
    shape = [size if i == axis else 1 for i in range(len(rows.shape))]
    place = x.given(np.arange(size).reshape(shape), dtypes.i64)
    changes = values.op("ne.Tensor", values.op("roll", [1], [axis]))
    start = place.op("mul.Tensor", changes).op("cummax", axis)[0]
    longest = (place - start).op("argmax", axis, True)
    return _picked(x, ordered, longest, axis, keepdim)


composite(
    "aten::mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
    _mode,
    tolerance=EXACT,
    samples=(
        (i64(3, 7, low=0, high=3), 1, False),
        (given([2.0, 1.0, 2.0, 1.0]), 0, True),
        (i64(4, 2, low=0, high=2), 0, True),
        (boolean(5), -1, False),
        (f32(), 0, False),
    ),
    kinds="bif",
)
