"""Reductions into places that an index tells: scatter_reduce, index_reduce."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Scatter
from treadle.ops.samples import boolean, f32, i64
from treadle.ops.scatter import (
    check_scatter,
    infer_scatter,
    scatter_domain,
    scatter_element,
    scatter_places,
)
from treadle.ops.shapes import wrap_dim

Array = np.ndarray[Any, Any]
_UFUNCS: dict[str, Any] = {"amax": np.maximum, "amin": np.minimum}
_CODES = {"amax": "max", "amin": "min"}


def _extreme(name: str) -> None:
    """``treadle::scatter_amax``: the larger of what is there and what is written."""

    def reference(x: Array, dim: int, index: Array, src: Array) -> Array:
        result: Array = x.copy()
        check_scatter(x, dim, index, src)
        if index.size:
            _UFUNCS[name].at(result, *scatter_places(x, dim, index, src))
        return result

    op(
        f"treadle::scatter_{name}(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
        reference=reference,
        infer=infer_scatter,
        lower=Scatter(scatter_domain, scatter_element, lambda *_: _CODES[name]),
        samples=((f32(4, 3), 0, i64(5, 3, low=0, high=4), f32(5, 3)),),
    )


_extreme("amax")
_extreme("amin")


def _neutral(x: Operand, reduce: str) -> float:
    """What leaves any value as it is."""
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if x.dtype.is_floating:
        return -math.inf if reduce == "amax" else math.inf
    if x.dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(x.dtype.numpy)
    return int(limits.min if reduce == "amax" else limits.max)


def _reduced(
    x: Operand, dim: int, index: Operand, src: Operand, reduce: str, include_self: bool
) -> Any:
    """Without `include_self`, places that are written to start from nothing."""
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise ShapeError(f"scatter_reduce: reduce {reduce!r}; allowed: sum, prod, mean, amax, amin")
    start = x if include_self else x.op("scatter.value", dim, index, _neutral(x, reduce))
    if reduce in ("sum", "mean"):
        total = start.op("scatter_add", dim, index, src)
    elif reduce == "prod":
        total = start.op("scatter.reduce", dim, index, src, "multiply")
    else:
        total = start.op(f"scatter_{reduce}", dim, index, src)
    if reduce != "mean":
        return total
    count = x.op("ones_like" if include_self else "zeros_like")
    count = count.op("scatter_add", dim, index, src.op("ones_like")).clamp_min(1)
    if x.dtype.is_floating:
        return total / count
    return total.op("div.Tensor_mode", count, "floor")


def _index_reduced(
    x: Operand, dim: int, index: Operand, source: Operand, reduce: str, include_self: bool
) -> Any:
    """As a scatter whose index is the same for each slice."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise ShapeError(f"index_reduce: reduce {reduce!r}; allowed: prod, mean, amax, amin")
    axis = wrap_dim("index_reduce", dim, len(x.shape))
    shape = [-1 if d == axis else 1 for d in range(len(x.shape))]
    spread = index.to(dtypes.i64).reshape(*shape).op("expand", list(source.shape))
    return _reduced(x, axis, spread, source, reduce, include_self)


_INDEX = i64(5, 3, low=0, high=4)
_SAMPLES = tuple(
    (f32(4, 3), 0, _INDEX, f32(5, 3), reduce, own)
    for reduce in ("sum", "prod", "mean", "amax", "amin")
    for own in (True, False)
)
scatter_reduce = composite(
    "aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool "
    "include_self=True) -> Tensor",
    _reduced,
    samples=(
        *_SAMPLES,
        (i64(4), 0, i64(9, low=0, high=4), i64(9), "amax", False),
        (boolean(4), 0, i64(9, low=0, high=4), boolean(9), "amin", False),
    ),
)
index_reduce = composite(
    "aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool "
    "include_self=True) -> Tensor",
    _index_reduced,
    samples=tuple(
        (f32(2, 4), 1, i64(6, low=0, high=4), f32(2, 6), reduce, own)
        for reduce in ("prod", "mean", "amax", "amin")
        for own in (True, False)
    ),
    kinds="if",
)
inplace(scatter_reduce, index_reduce)
