"""Running extrema and logarithms of running sums."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import cast
from treadle.ops.lowering import Scan
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import boolean, f32, f64, given, i64
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]
_NAN = math.nan
_ROWS = given([[1.0, _NAN, 3.0], [4.0, 5.0, _NAN]])


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


# --- running extrema ----------------------------------------------------------------------------


def _scan(name: str, function: str, reference: Any, samples: tuple[tuple[Any, ...], ...]) -> None:
    """A running reduction along a dim, of the dtype of what it runs over."""

    def infer(x: TensorType, dim: int) -> TensorType:
        wrap_dim(name, dim, len(x.sizes))
        if function == "logsumexp" and not x.element.is_floating:
            raise ShapeError(f"logcumsumexp: input must be floating, got {x.element}")
        return x

    def run(x: Array, dim: int) -> Array:
        infer(_type(x), dim)
        wide = x.astype(accumulation(dtype_of(x)).numpy).reshape(x.shape or (1,))
        with np.errstate(all="ignore"):
            result = reference.accumulate(wide, axis=dim).reshape(x.shape)
        return np.asarray(result.astype(x.dtype))

    op(
        f"treadle::{name}(Tensor self, int dim) -> Tensor",
        reference=run,
        infer=infer,
        lower=Scan(
            lambda result, x, dim: wrap_dim(name, dim, len(x.sizes)),
            lambda result, x, dim: cast(x, accumulation(result.element)),
            function,
        ),
        samples=samples,
    )


_SCANNED = ((f32(3, 7), 1), (f64(9, high=20.0), 0), (f32(2, 40, 3), 1), (f32(), 0), (f32(0, 2), 0))
_WHOLE = ((i64(9, low=0, high=4), 0), (boolean(20), 0))
_scan("running_max", "max", np.maximum, (*_SCANNED, *_WHOLE))
_scan("running_min", "min", np.minimum, (*_SCANNED, *_WHOLE))
_scan("running_logsumexp", "logsumexp", np.logaddexp, _SCANNED)


def _running(x: Operand, dim: int, larger: bool) -> tuple[Operand, Operand]:
    """Of equal values the last counts, NaN beats all."""
    axis = wrap_dim("cummax", dim, len(x.shape))
    if not x.shape or 0 in x.shape:
        return x.op("clone"), x.op("zeros_like", dtypes.i64.code)
    places: Array = np.arange(int(x.shape[axis]))
    places = places.reshape([-1 if d == axis else 1 for d in range(len(x.shape))])
    index = x.given(places, dtypes.i64).op("expand", list(x.shape))
    best = x.op("running_max" if larger else "running_min", axis)
    found = x.op("eq.Tensor", best)
    if x.dtype.is_floating:
        found = found.op("logical_or", x.op("isnan"))
    return best, index.where(found, -1).op("running_max", axis)


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


composite(
    "aten::logcumsumexp(Tensor self, int dim) -> Tensor",
    lambda x, dim: x.op("running_logsumexp", dim),
    samples=((f32(3, 7), 1), (f32(9, high=20.0), 0), (f64(2, 5), -1), (f32(), 0)),
)
