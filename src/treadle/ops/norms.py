"""Norms, logarithms of sums of exponentials, counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ops.expr import (
    add,
    call,
    cast,
    compare,
    const,
    dtype_of,
    infinite,
    mul,
    select,
    sub,
)
from treadle.ops.lowering import RowBuilder
from treadle.ops.reduced_dtypes import made_floating, magnitude, position
from treadle.ops.reduction import DIMS, Options, reduction
from treadle.ops.samples import boolean, f32, i64

Array = np.ndarray[Any, Any]


# --- norms --------------------------------------------------------------------------------------


def _order(options: Options) -> float:
    order = options.get("p", options.get("ord"))
    return 2.0 if order is None else float(order)


def _norm(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    order, magnitude = _order(options), np.abs(x)
    if math.isinf(order):
        if order > 0:
            return np.max(magnitude, dims, initial=-np.inf)
        return np.min(magnitude, dims, initial=np.inf)
    if order == 0:
        return np.sum(x != 0, axis=dims)
    return np.sum(magnitude**order, axis=dims) ** (1 / order)


def _norm_rows(rows: RowBuilder, x: Expr, options: Options) -> Expr:
    order, dtype, magnitude = _order(options), dtype_of(x), call("abs", x)
    if math.isinf(order):
        return rows.reduce("max" if order > 0 else "min", magnitude)
    if order == 0:
        one, zero = const(1, dtype), const(0, dtype)
        return rows.reduce("sum", select(compare("ne", x, zero), one, zero))
    if order == 1:
        return rows.reduce("sum", magnitude)
    if order == 2:
        return call("sqrt", rows.reduce("sum", mul(x, x)))
    total = rows.reduce("sum", call("pow", magnitude, const(order, dtype)))
    return call("pow", total, const(1 / order, dtype))


_ORDERS = (2, 1, 0, 3.0, math.inf, -math.inf)
norm = reduction(
    "aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor",
    _norm,
    _norm_rows,
    magnitude,
    tuple((f32(3, 5), p) for p in _ORDERS),
)
norm_dim = reduction(
    "aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor",
    _norm,
    _norm_rows,
    magnitude,
    tuple((f32(3, 5), p, [1], k) for p in (None, 1, 2) for k in (False, True)),
)
norm_dtype = reduction(
    "aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, "
    "ScalarType dtype) -> Tensor",
    _norm,
    _norm_rows,
    magnitude,
    ((f32(3, 5), 2, [0], False, 7),),
)
vector_norm = reduction(
    "aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool "
    "keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    _norm,
    _norm_rows,
    magnitude,
    tuple((f32(3, 5), p, [-1], False, None) for p in _ORDERS),
)


# --- the rest -----------------------------------------------------------------------------------


def _logsumexp(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    top = np.max(x.real, axis=dims, keepdims=True, initial=-np.inf)
    top = np.where(np.isinf(top), 0, top)
    return np.log(np.sum(np.exp(x - top), axis=dims)) + top.reshape(np.sum(x, axis=dims).shape)


def _logsumexp_rows(rows: RowBuilder, x: Expr, options: Options) -> Expr:
    top = rows.reduce("max", x)
    top = select(infinite(top), const(0, dtype_of(x)), top)
    return add(call("log", rows.reduce("sum", call("exp", sub(x, top)))), top)


logsumexp = reduction(
    "aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor",
    _logsumexp,
    _logsumexp_rows,
    made_floating,
    (*DIMS, (i64(2, 3), [1], False)),
)


def _count(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    return np.sum(x != 0, axis=dims)


def _count_rows(rows: RowBuilder, x: Expr, options: Options) -> Expr:
    zero = const(0, dtype_of(x))
    return rows.reduce("sum", cast(compare("ne", x, zero), i64_dtype))


count_nonzero = reduction(
    "aten::count_nonzero(Tensor self, int? dim=None) -> Tensor",
    _count,
    _count_rows,
    position,
    ((i64(3, 4), None), (boolean(3, 4), 1)),
)
count_nonzero_dims = reduction(
    "aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor",
    _count,
    _count_rows,
    position,
    ((i64(3, 4), [0]), (f32(3, 4), [0, 1])),
)
