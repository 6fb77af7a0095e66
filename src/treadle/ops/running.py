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
        if function == "logsumexp" and not (x.element.is_floating or x.element.is_complex):
            raise ShapeError(f"logcumsumexp: input must be floating or complex, got {x.element}")
        return x

    def run(x: Array, dim: int) -> Array:
        infer(_type(x), dim)
        wide = x.astype(accumulation(dtype_of(x)).numpy).reshape(x.shape or (1,))
        if x.dtype.kind == "c":
            result = _accumulated(wide, dim).reshape(x.shape)
        else:
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


def _accumulated(x: Array, dim: int) -> Array:
    """Logarithms of running sums of the exponentials of complex numbers."""
    result = x.copy()
    steps = np.moveaxis(result, dim, 0)
    for i in range(1, len(steps)):
        steps[i] = _log_sum(steps[i - 1], steps[i])
    return np.asarray(result)


def _log_sum(a: Array, b: Array) -> Array:
    """``log(exp(a) + exp(b))``; NaN in any part is NaN in both.

    Source: torch.logcumsumexp; of two that are exp(-inf) the second stays.
    """
    is_less = a.real < b.real
    low, high = np.where(is_less, a, b), np.where(is_less, b, a)
    total = high + np.log1p(np.exp(low - high))
    both = np.isinf(low.real) & (low.real == high.real)
    at_ends = np.where(low.real < 0, low, np.log(np.exp(low) + np.exp(high)))
    result = np.where(both, at_ends, total)
    return np.where(np.isnan(a) | np.isnan(b), complex(_NAN, _NAN), result)


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
        kinds="bif",
    )  # fmt: skip


composite(
    "aten::logcumsumexp(Tensor self, int dim) -> Tensor",
    lambda x, dim: x.op("running_logsumexp", dim),
    samples=((f32(3, 7), 1), (f32(9, high=20.0), 0), (f64(2, 5), -1), (f32(), 0)),
)
