"""Variances and standard deviations, alone and with the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.schema import parse_schema
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import (
    call,
    cast,
    const,
    div,
    dtype_of,
    mul,
    sub,
)
from treadle.ops.lowering import Decompose, Emitter, RowBuilder
from treadle.ops.reduced_dtypes import magnitude
from treadle.ops.reduction import Options, Samples, mean_dim, reduction
from treadle.ops.samples import c64, c128, f16, f32, f64
from treadle.ops.shapes import numel

Array = np.ndarray[Any, Any]


def _correction(options: Options) -> float:
    given_correction = options.get("correction")
    if given_correction is not None:
        return float(given_correction)
    return float(options.get("unbiased", True))


def _var(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    count = numel([x.shape[d] for d in dims])
    mean_of = np.sum(x, axis=dims, keepdims=True) / x.dtype.type(count)
    total = np.sum(np.square(np.abs(x - mean_of)), axis=dims)
    return total / total.dtype.type(max(count - _correction(options), 0.0))


def _var_rows(rows: RowBuilder, x: Expr, options: Options) -> Expr:
    dtype = dtype_of(x)
    count = cast(rows.count(), dtype)
    centred = sub(x, div(rows.reduce("sum", x), count))
    left = call("max", sub(count, const(_correction(options), dtype)), const(0, dtype))
    return div(rows.reduce("sum", mul(centred, centred)), left)


def _std(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    return np.sqrt(_var(x, dims, options))


def _std_rows(rows: RowBuilder, x: Expr, options: Options) -> Expr:
    return call("sqrt", _var_rows(rows, x, options))


_VAR_FULL: Samples = (
    (f32(2, 7), True),
    (c64(6), True),
    (f32(5), False),
    (f32(1), True),
    (f64(4), True),
)
_VAR_DIM: Samples = ((f32(2, 7), [1], True, False), (f32(2, 7, 3), [0, 2], False, True))
_VAR_CORRECTION: Samples = (
    (f32(2, 7), [1], 0, False),
    (f32(3, 5), None, None, True),
    (f16(4, 9), [0], 2, False),
    (c128(3, 4), [1], 1, False),
)


def _define_variance(
    name: str, numpy: Any, rows: Any, schemas: tuple[str, str, str], pairs: tuple[str, str, str]
) -> None:
    """``var`` or ``std`` in three forms each, alone and with the mean."""
    all_samples = (_VAR_FULL, _VAR_DIM, _VAR_CORRECTION)
    for schema, pair, samples in zip(schemas, pairs, all_samples, strict=True):
        alone = reduction(schema, numpy, rows, magnitude, samples)
        _with_mean(pair, alone, samples)


def _with_mean(schema: str, alone: OpDef, samples: Samples) -> None:
    parsed = parse_schema(schema)
    names = [a.name for a in parsed.arguments[1:]]

    def mean_arguments(args: tuple[Any, ...]) -> tuple[Any, ...]:
        options = dict(zip(names, args, strict=True))
        return options.get("dim"), bool(options.get("keepdim")), None

    def reference(x: Array, *args: Any) -> tuple[Array, Array]:
        assert alone.reference is not None
        assert mean_dim.reference is not None
        return alone.reference(x, *args), mean_dim.reference(x, *mean_arguments(args))

    def infer(x: TensorType, *args: Any) -> tuple[TensorType, TensorType]:
        assert alone.infer is not None
        assert mean_dim.infer is not None
        return alone.infer(x, *args), mean_dim.infer(x, *mean_arguments(args))

    def build(emit: Emitter, x: Any, *args: Any) -> tuple[Any, Any]:
        return emit(alone, x, *args), emit(mean_dim, x, *mean_arguments(args))

    op(schema, reference=reference, infer=infer, lower=Decompose(build), samples=samples)


_define_variance(
    "var",
    _var,
    _var_rows,
    (
        "aten::var(Tensor self, bool unbiased=True) -> Tensor",
        "aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
        "aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
        "keepdim=False) -> Tensor",
    ),
    (
        "aten::var_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)",
        "aten::var_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) "
        "-> (Tensor, Tensor)",
        "aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, "
        "bool keepdim=False) -> (Tensor, Tensor)",
    ),
)
_define_variance(
    "std",
    _std,
    _std_rows,
    (
        "aten::std(Tensor self, bool unbiased=True) -> Tensor",
        "aten::std.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
        "aten::std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
        "keepdim=False) -> Tensor",
    ),
    (
        "aten::std_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)",
        "aten::std_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) "
        "-> (Tensor, Tensor)",
        "aten::std_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, "
        "bool keepdim=False) -> (Tensor, Tensor)",
    ),
)
