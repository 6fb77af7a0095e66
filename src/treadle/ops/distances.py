"""Distances, norms of slices, differences and integrals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.inplace import inplace
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, f32, given, u8
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]
_NAN = math.nan
_ROWS = given([[1.0, _NAN, 3.0], [4.0, 5.0, _NAN]])


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


# --- differences and integrals ------------------------------------------------------------------


def _diff(x: Operand, n: int, dim: int, before: Operand | None, after: Operand | None) -> Operand:
    if not x.shape or n < 0:
        raise ShapeError(f"diff: needs dims and n at least 0, got {list(x.shape)} and {n}")
    axis = wrap_dim("diff", dim, len(x.shape))
    parts = [p for p in (before, x, after) if p is not None and n]
    x = x.apply("cat", parts, axis) if len(parts) > 1 else x
    for _ in range(min(n, int(x.shape[axis]))):
        size = x.shape[axis]
        later, earlier = (x.op("narrow", axis, first, size - 1) for first in (1, 0))
        different = x.dtype.kind == "b"
        x = later.op("logical_xor", earlier) if different else later - earlier
    return x


composite(
    "aten::diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> "
    "Tensor",
    _diff,
    samples=(
        (f32(3, 7), 1, -1, None, None),
        (f32(5, 2), 2, 0, f32(1, 2), f32(2, 2)),
        (boolean(5), 1, 0, None, None),
        (f32(2), 5, 0, None, None),
    ),
)


def _trapezoid(y: Operand, width: Any, dim: int) -> Any:
    axis = wrap_dim("trapezoid", dim, len(y.shape))
    size = y.shape[axis] if y.shape else 0
    if size == 0:
        return y.sum(*[axis] if y.shape else []).to(y.dtype)
    pairs = y.op("narrow", axis, 1, size - 1) + y.op("narrow", axis, 0, size - 1)
    return (pairs * width).sum(axis) / 2.0


def _trapezoid_of_steps(y: Operand, step: complex, dim: int) -> Any:
    """Of integers: the ends are added in their dtype, as PyTorch does it, all others in i64."""
    axis = wrap_dim("trapezoid", dim, len(y.shape))
    if not y.dtype.is_integral or not y.shape or y.shape[axis] == 0:
        return _trapezoid(y, step, dim)
    ends = y.op("select.int", axis, 0) + y.op("select.int", axis, -1)
    return (y.sum(axis) - ends * 0.5) * step


def _widths(y: Operand, x: Operand, dim: int) -> Any:
    """The distances of neighbours in `x`, which is one line or as many as `y` has."""
    axis = wrap_dim("trapezoid", dim, len(y.shape))
    if not y.shape or (len(x.shape) != 1 and len(x.shape) < len(y.shape) - axis):
        raise ShapeError(f"trapezoid: y {list(y.shape)} and x {list(x.shape)} must have dim {dim}")
    if len(x.shape) == 1:
        x = x.reshape(*[-1 if d == axis else 1 for d in range(len(y.shape))])
    axis_x = axis - len(y.shape)
    size = x.shape[axis_x]
    return x.op("narrow", axis_x, 1, size - 1) - x.op("narrow", axis_x, 0, size - 1)


def _trapezoid_at(y: Operand, x: Operand, dim: int) -> Any:
    return _trapezoid(y, _widths(y, x, dim), dim)


for _name in ("trapezoid", "trapz"):
    composite(
        f"aten::{_name}.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor",
        _trapezoid_at,
        samples=((f32(3, 5), f32(5), -1), (f32(3, 5), f32(3, 5), 0)),
    )
composite(
    "aten::trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
    _trapezoid_of_steps,
    samples=((f32(3, 5), 2.0, -1), (f32(3, 5), 1, 0), (u8(3, 5, high=200), 0.5, 1), (u8(3), 1, 0)),
    kinds="ifc",
)
composite(
    "aten::trapz.dx(Tensor y, *, float dx=1., int dim=-1) -> Tensor",
    _trapezoid_of_steps,
    samples=((f32(3, 5), 2.0, -1),),
    kinds="ifc",
)


# --- distances ----------------------------------------------------------------------------------


def _dist(x: Operand, other: Operand, p: float) -> Any:
    return (x - other).op("norm.Scalar", p)


def _renorm(x: Operand, p: float, dim: int, limit: float) -> Any:
    axis = wrap_dim("renorm", dim, len(x.shape))
    others = [d for d in range(len(x.shape)) if d != axis]
    if len(x.shape) < 2 or p <= 0 or limit < 0:
        raise ShapeError(f"renorm: p {p}, maxnorm {limit} and dims {list(x.shape)}")
    size = x.op("norm.ScalarOpt_dim", p, others, True)
    scale = (size * 0 + limit) / (size + 1e-7)
    return x * scale.where(size > limit, 1.0)


def _pdist(x: Operand, p: float) -> Operand:
    if len(x.shape) != 2:
        raise ShapeError(f"pdist: expected 2 dims, got {list(x.shape)}")
    n = int(x.shape[0])
    i, j = np.triu_indices(n, 1)
    a, b = (x.op("index_select", 0, x.given(k, dtypes.i64)) for k in (i, j))
    return (a - b).op("norm.ScalarOpt_dim", p, [1])  # type: ignore[no-any-return]


composite(
    "aten::dist(Tensor self, Tensor other, Scalar p=2) -> Tensor",
    _dist,
    samples=((f32(3, 4), f32(4), 2), (f32(5), f32(5), 1)),
)
for _name in ("pdist", "_pdist_forward"):
    composite(
        f"aten::{_name}(Tensor self, float p=2.) -> Tensor",
        _pdist,
        samples=((f32(5, 3), 2.0), (f32(4, 2), 1.0), (f32(1, 3), 2.0)),
        kinds="f",
    )
renorm = composite(
    "aten::renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor",
    _renorm,
    samples=((f32(3, 4), 2, 0, 1.0), (f32(2, 3, 4), 1, -1, 2.0)),
)
inplace(renorm)


def _running_area(y: Operand, width: Any, dim: int) -> Any:
    axis = wrap_dim("cumulative_trapezoid", dim, len(y.shape))
    size = y.shape[axis] if y.shape else 0
    if size == 0:
        raise ShapeError(f"cumulative_trapezoid: no elements along dim {dim} of {list(y.shape)}")
    pairs = y.op("narrow", axis, 1, size - 1) + y.op("narrow", axis, 0, size - 1)
    return (pairs * width / 2.0).op("cumsum", axis)


def _running_area_at(y: Operand, x: Operand, dim: int) -> Any:
    return _running_area(y, _widths(y, x, dim), dim)


composite(
    "aten::cumulative_trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor",
    _running_area_at,
    samples=((f32(3, 5), f32(5), -1), (f32(3, 5), f32(3, 5), 0)),
    kinds="ifc",
)
composite(
    "aten::cumulative_trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
    _running_area,
    samples=((f32(3, 5), 2.0, -1), (f32(3, 5), 1, 0)),
    kinds="ifc",
)
