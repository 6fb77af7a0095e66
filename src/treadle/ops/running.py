"""Running extrema and logarithms of running sums."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, f64, given, i64
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]
_NAN = math.nan
_ROWS = given([[1.0, _NAN, 3.0], [4.0, 5.0, _NAN]])


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


# --- running extrema ----------------------------------------------------------------------------


def _lowest(dtype: dtypes.DType, sign: int) -> float:
    """The value that any other beats: the least if `sign` is 1, else the greatest."""
    if dtype.is_floating:
        return -math.inf * sign
    if dtype.kind == "b":
        return int(sign < 0)
    limits = np.iinfo(dtype.numpy)
    return int(limits.min if sign > 0 else limits.max)


def _running(x: Operand, dim: int, larger: bool) -> tuple[Operand, Operand]:
    """By doubling; of equal values the last counts, NaN beats all."""
    axis = wrap_dim("cummax", dim, len(x.shape))
    if not x.shape or 0 in x.shape:
        return x.op("clone"), x.op("zeros_like", dtypes.i64.code)
    size, sides = x.shape[axis], [0] * (2 * (len(x.shape) - axis))
    places = np.arange(int(size)).reshape([-1 if d == axis else 1 for d in range(len(x.shape))])
    index = x.given(places, dtypes.i64).op("expand", list(x.shape))
    outside = _lowest(x.dtype, 1 if larger else -1)
    step = 1
    while step < size:
        sides[-2] = step
        value = x.op("narrow", axis, 0, size - step).op("constant_pad_nd", list(sides), outside)
        place = index.op("narrow", axis, 0, size - step).op("constant_pad_nd", list(sides), 0)
        better = value > x if larger else value < x
        if x.dtype.is_floating:
            new = value.op("isnan").op("logical_and", x.op("isnan").op("logical_not"))
            better = better.op("logical_or", new)
        x, index = value.where(better, x), place.where(better, index)
        step *= 2
    return x, index


for _name, _larger in (("cummax", True), ("cummin", False)):

    def _body(x: Operand, dim: int, larger: bool = _larger) -> tuple[Operand, Operand]:
        return _running(x, dim, larger)

    composite(
        f"aten::{_name}(Tensor self, int dim) -> (Tensor values, Tensor indices)",
        _body,
        samples=(
            (f32(3, 7), 1), (i64(9, low=0, high=4), 0), (f32(), 0), (f32(4, 3), -2), (_ROWS, 1),
            (given([1.0, 3.0, 3.0, 2.0]), 0),
        ),
        tolerance=EXACT,
    )  # fmt: skip


def _log_running(x: Operand, dim: int) -> Operand:
    axis = wrap_dim("logcumsumexp", dim, len(x.shape))
    if not x.dtype.is_floating:
        raise ShapeError(f"logcumsumexp: input must be floating, got {x.dtype}")
    if not x.shape or 0 in x.shape:
        return x.op("clone")  # type: ignore[no-any-return]
    size, sides = x.shape[axis], [0] * (2 * (len(x.shape) - axis))
    step = 1
    while step < size:
        sides[-2] = step
        behind = x.op("narrow", axis, 0, size - step)
        x = x.op("logaddexp", behind.op("constant_pad_nd", list(sides), -math.inf))
        step *= 2
    return x


composite(
    "aten::logcumsumexp(Tensor self, int dim) -> Tensor",
    _log_running,
    samples=((f32(3, 7), 1), (f32(9, high=20.0), 0), (f64(2, 5), -1), (f32(), 0)),
)
