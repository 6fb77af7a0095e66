"""Statistics and order: extremes, quantiles, sums without NaN, covariances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir import dtypes
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT
from treadle.ops.samples import f32, given, i64
from treadle.ops.shapes import wrap_dim

Array = np.ndarray[Any, Any]
_NAN = math.nan
_ROWS = given([[1.0, _NAN, 3.0], [4.0, 5.0, _NAN]])


# --- extremes and order -------------------------------------------------------------------------


def _aminmax(x: Operand, dim: int | None, keepdim: bool) -> tuple[Any, Any]:
    dims = [] if dim is None else [dim]
    return x.op("amin", dims, keepdim), x.op("amax", dims, keepdim)


composite(
    "aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)",
    _aminmax,
    samples=((f32(3, 7), 1, False), (f32(3, 7), None, False), (i64(4), 0, True)),
    tolerance=EXACT,
    kinds="bif",
)
composite(
    "aten::msort(Tensor self) -> Tensor",
    lambda x: x.op("sort", 0, False)[0],
    samples=((f32(5, 3),), (i64(9),)),
    tolerance=EXACT,
    kinds="bif",
)


_BETWEEN = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    x: Operand, q: Operand, dim: int | None, keepdim: bool, how: str, skip: bool
) -> Operand:
    """Between the two nearest of the sorted elements; NaN if there is one, or left out if `skip`.

    Source: torch.quantile; `how` is linear, lower, higher, midpoint or nearest.
    """
    if how not in _BETWEEN:
        raise ShapeError(f"quantile: interpolation {how!r}; allowed: {', '.join(_BETWEEN)}")
    if x.dtype != q.dtype or not x.dtype.is_floating or len(q.shape) > 1:
        raise ShapeError(f"quantile: {x.dtype} input and {q.dtype} q of {len(q.shape)} dims")
    rank = len(x.shape)
    if dim is not None:
        wrap_dim("quantile", dim, rank)
    rows = x.reshape(-1) if dim is None else x.op("movedim.int", dim, -1) if rank else x.reshape(1)
    if rows.shape[-1] == 0:
        raise IndexOutOfRange("quantile: no elements")
    ordered = rows.op("sort", -1, False)[0]
    nans = rows.op("isnan")
    count = nans.op("logical_not").sum(-1, keepdim=True).to(x.dtype)
    last = count - 1 if skip else (count * 0 + (rows.shape[-1] - 1))
    flat_q = q.reshape(-1)
    place = last * flat_q if skip else (count * 0 + 1) * (flat_q * (rows.shape[-1] - 1))
    below, above = place.op("floor"), place.op("ceil")
    if how == "nearest":
        below = above = place.op("round")
    low, high = (ordered.op("gather", -1, p.clamp_min(0).to(dtypes.i64)) for p in (below, above))
    share = {"lower": 0.0, "higher": 1.0, "midpoint": 0.5, "nearest": 0.0}.get(how)
    found = (
        low.op("lerp.Scalar", high, share)
        if share is not None
        else low.op("lerp.Tensor", high, place - below)
    )
    bad = (count <= 0) if skip else nans.op("any.dim", -1, True)
    found = found.op("masked_fill.Scalar", bad, _NAN)
    if keepdim and dim is not None and rank:
        found = found.op("unsqueeze", wrap_dim("quantile", dim, rank))
    elif keepdim:
        found = found.reshape(*[1] * rank, q.shape[0] if q.shape else 1)
    found = found.op("movedim.int", -1, 0)
    return found if q.shape else found.op("squeeze.dim", 0)  # type: ignore[no-any-return]


def _define_quantile(name: str, skip: bool) -> None:
    rest = 'int? dim=None, bool keepdim=False, *, str interpolation="linear") -> Tensor'
    composite(
        f"aten::{name}(Tensor self, Tensor q, {rest}",
        lambda x, q, dim, keepdim, how: _quantile(x, q, dim, keepdim, how, skip),
        samples=(
            (f32(3, 7), given([0.0, 0.3, 1.0]), 1, False, "linear"),
            (f32(3, 7), given(0.5), 0, True, "linear"),
            (f32(9), given([0.6]), None, False, "nearest"),
            (_ROWS, given([0.25, 0.5]), 1, False, "linear"),
        ),
        kinds="d",
    )
    composite(
        f"aten::{name}.scalar(Tensor self, float q, {rest}",
        lambda x, q, dim, keepdim, how: _quantile(x, x.given(q), dim, keepdim, how, skip),
        samples=(
            *((f32(4, 5), 0.3, 1, False, how) for how in _BETWEEN),
            (f32(7), 0.5, None, True, "linear"),
        ),
        kinds="d",
    )


_define_quantile("quantile", False)
_define_quantile("nanquantile", True)


# --- sums that leave out NaN --------------------------------------------------------------------


def _nansum(x: Operand, dim: Sequence[int] | None, keepdim: bool, dtype: int | None) -> Any:
    if x.dtype.is_floating:
        x = x.op("masked_fill.Scalar", x.op("isnan"), 0)
    return x.op("sum.dim_IntList", None if dim is None else list(dim), keepdim, dtype)


def _nanmean(x: Operand, dim: Sequence[int] | None, keepdim: bool, dtype: int | None) -> Any:
    if not x.dtype.is_floating:
        raise ShapeError(f"nanmean: input must be floating, got {x.dtype}")
    dims = None if dim is None else list(dim)
    counted = x.op("isnan").op("logical_not")
    total = _nansum(x, dim, keepdim, dtype)
    return total / counted.op("sum.dim_IntList", dims, keepdim).to(total.dtype)


_TAIL = "(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
for _name, _skipping in (("nansum", _nansum), ("nanmean", _nanmean)):
    composite(
        f"aten::{_name}{_TAIL}",
        _skipping,
        samples=((_ROWS, [1], False, None), (_ROWS, None, False, None), (f32(3, 4), [0], True, 7)),
        kinds="bif",
    )


# --- covariances --------------------------------------------------------------------------------


def _check_frequencies(name: str, x: Operand, weights: Operand | None, *, integral: bool) -> None:
    """Check that `weights` has one number for each observation, whole ones if `integral`.

    Raises:
        ShapeError: if not.
    """
    if weights is None:
        return
    count = x.shape[-1] if x.shape else 1
    if len(weights.shape) > 1 or (weights.shape or (1,))[0] != count:
        raise ShapeError(f"cov: {name} must have shape [{count}], got {list(weights.shape)}")
    if weights.dtype.is_complex or weights.dtype.is_integral != integral:
        wanted = "integers" if integral else "floats"
        raise ShapeError(f"cov: {name} must be {wanted}, got {weights.dtype}")


def _cov(x: Operand, correction: int, frequencies: Operand | None, weights: Operand | None) -> Any:
    """Of variables in rows, observations in columns."""
    if len(x.shape) > 2:
        raise ShapeError(f"cov: input must have at most 2 dims, got {list(x.shape)}")
    _check_frequencies("fweights", x, frequencies, integral=True)
    _check_frequencies("aweights", x, weights, integral=False)
    rows = x.reshape(1, -1) if len(x.shape) < 2 else x
    rows = rows.to(dtypes.f32) if rows.dtype.is_integral or rows.dtype.kind == "b" else rows
    count = rows.shape[1]
    if frequencies is None and weights is None:
        centred = rows - rows.op("mean.dim", [1], True)
        divisor: Any = max(count - correction, 0) or _NAN
        result = centred.op("matmul", centred.op("t").op("conj_physical")) / float(divisor)
    else:
        w = frequencies if weights is None else weights
        w = w * frequencies if weights is not None and frequencies is not None else w
        assert w is not None
        w = w if w.dtype.is_floating else w.to(rows.dtype)
        total = w.sum()
        centred = rows - (rows * w).sum(1, keepdim=True) / total
        norm = total - correction
        if weights is not None:
            spread = (w * weights).sum() / total
            norm = total - spread * correction
        result = (centred * w).op("matmul", centred.op("t").op("conj_physical")) / norm
    return result if len(x.shape) == 2 and x.shape[0] != 1 else result.op("squeeze")


def _corrcoef(x: Operand) -> Any:
    found = _cov(x, 1, None, None)
    if not found.shape:
        return found / found
    deviation = found.op("diagonal").op("sqrt")
    scaled = found / deviation.reshape(-1, 1) / deviation
    if scaled.dtype.is_complex:
        low, high = (p.op("clamp", -1, 1) for p in (scaled.op("real"), scaled.op("imag")))
        return low.op("complex", high)
    return scaled.op("clamp", -1, 1)


composite(
    "aten::cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> "
    "Tensor",
    _cov,
    samples=(
        (f32(3, 7), 1, None, None),
        (f32(9), 0, None, None),
        (f32(3, 4), 1, given([1, 2, 1, 3], dtypes.i64), None),
        (f32(3, 4), 1, None, f32(4, low=0.1)),
    ),
    kinds="ifc",
)
composite(
    "aten::corrcoef(Tensor self) -> Tensor",
    _corrcoef,
    samples=((f32(3, 7),), (f32(9),)),
    kinds="ifc",
)
