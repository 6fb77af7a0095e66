"""Reductions over dims: sums, means, extrema, variance, norms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ir.dtypes import DType, bool_, u8
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.schema import Schema, parse_schema
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import (
    add,
    call,
    cast,
    compare,
    const,
    div,
    dtype_of,
    infinite,
    mul,
    select,
    sub,
)
from treadle.ops.lowering import Decompose, Emitter, RowBuilder, Rows
from treadle.ops.promotion import accumulation, floating
from treadle.ops.promotion import dtype_of as tensor_dtype
from treadle.ops.registry import OPS
from treadle.ops.samples import SPECIAL, Draw, bf16, boolean, f16, f32, f64, given, i32, i64
from treadle.ops.samples import u8 as u8_sample
from treadle.ops.shapes import dtype_from_code, numel, reduced_shape, tensor, wrap_dims

Array = np.ndarray[Any, Any]
Options = Mapping[str, Any]
Samples = tuple[tuple[Any, ...], ...]
DTypeRule = Callable[[str, DType, "int | None"], tuple[DType, DType]]


# --- dtype rules: the dtype of the computation and of the result --------------------------------


def _summed(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    default = dtype if dtype.is_floating or dtype.is_complex else i64_dtype
    final = dtype_from_code(name, code, default)
    return accumulation(final), final


def _averaged(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    final = dtype_from_code(name, code, dtype)
    if not (final.is_floating or final.is_complex):
        raise ShapeError(f"{name}: input must be floating, got {final}")
    return accumulation(final), final


def _kept(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    return accumulation(dtype), dtype


def _made_floating(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    final = dtype_from_code(name, code, floating(dtype))
    return accumulation(final), final


def _truth(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    return accumulation(dtype), u8 if dtype == u8 else bool_


def _position(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    return accumulation(dtype), i64_dtype


# --- the family ---------------------------------------------------------------------------------


class _Reduction:
    """The rules of one reduction, from its NumPy function and its rows."""

    __slots__ = ("dtypes", "name", "names", "needs_elements", "numpy", "rows")

    def __init__(
        self, schema: Schema, numpy: Any, rows: Any, dtypes: DTypeRule, needs_elements: bool
    ) -> None:
        self.name, self.numpy, self.rows, self.dtypes = schema.base, numpy, rows, dtypes
        self.names = tuple(a.name for a in schema.arguments[1:])
        self.needs_elements = needs_elements

    def options(self, args: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self.names, args, strict=True))

    def dims(self, shape: tuple[int, ...], options: Options) -> tuple[int, ...]:
        dims = wrap_dims(self.name, options.get("dim"), len(shape))
        if self.needs_elements and any(shape[d] == 0 for d in dims):
            raise IndexOutOfRange(f"{self.name}: no elements to reduce in {list(shape)}")
        return dims

    def infer(self, x: TensorType, *args: Any) -> TensorType:
        options = self.options(args)
        _, final = self.dtypes(self.name, x.element, options.get("dtype"))
        dims = self.dims(x.sizes, options)
        return tensor(final, reduced_shape(x.sizes, dims, bool(options.get("keepdim"))))

    def reference(self, x: Array, *args: Any) -> Array:
        options = self.options(args)
        compute, final = self.dtypes(self.name, tensor_dtype(x), options.get("dtype"))
        dims = self.dims(x.shape, options)
        with np.errstate(all="ignore"):
            value = self.numpy(x.astype(compute.numpy), dims, options)
        shape = reduced_shape(x.shape, dims, bool(options.get("keepdim")))
        return np.asarray(value).reshape(shape).astype(final.numpy)

    def row_dims(self, result: TensorType, x: TensorType, *args: Any) -> tuple[int, ...]:
        return self.dims(x.sizes, self.options(args))

    def build(self, rows: RowBuilder, result: TensorType, x: Expr, *args: Any) -> Expr:
        options = self.options(args)
        compute, final = self.dtypes(self.name, dtype_of(x), options.get("dtype"))
        return cast(self.rows(rows, cast(x, compute), options), final)


def reduction(
    schema: str,
    numpy: Any,
    rows: Any,
    dtypes: DTypeRule,
    samples: Samples,
    *,
    needs_elements: bool = False,
    lower: Any = None,
) -> OpDef:
    """Define a reduction.

    Args:
        schema: its schema; arguments named dim, keepdim and dtype mean what they do in torch.
        numpy: ``numpy(x, dims, options)``, the array of values, in any shape of right order.
        rows: ``rows(rows, x, options)``, the same as an expression, see `lowering.Rows`.
        dtypes: the dtype rule.
        samples: as in `OpDef`.
        needs_elements: whether a row must not be empty.
        lower: another lowering than by `rows`.
    """
    rule = _Reduction(parse_schema(schema), numpy, rows, dtypes, needs_elements)
    return op(
        schema,
        reference=rule.reference,
        infer=rule.infer,
        samples=samples,
        lower=lower or Rows(rule.row_dims, rule.build, reduces=True),
    )


def _numpy(function: Any) -> Any:
    return lambda x, dims, options: function(x, axis=dims)


def _rows(function: str) -> Any:
    return lambda rows, x, options: rows.reduce(function, x)


_SHAPES = (
    f32(2, 3), f32(7, 33), f32(), f32(0, 3), f32(3, 5, layout="transposed"),
    f64(3, 1, 5), f16(3, 5),
)  # fmt: skip
_FULL = tuple((x,) for x in (*_SHAPES, SPECIAL, bf16(9)))
_INTEGERS = ((i64(3, 4),), (i32(5),), (boolean(2, 3),), (u8_sample(4),))
_FILLED = tuple(s for s in _FULL if not (isinstance(s[0], Draw) and 0 in s[0].shape))
_DIMS: Samples = (
    (f32(2, 3, 4, 5), [2, 3], False), (f32(2, 3), [0], True), (f32(7, 33), [-1], False),
    (f32(), [0], False), (f32(4, 2, 3), [0], False), (f32(3, 5, layout="transposed"), [1], False),
    (f64(3, 1, 5), [0, 2], True), (f16(3, 5), [1], False), (SPECIAL, [0], True),
)  # fmt: skip
_DIM: Samples = tuple((x, d[0], keep) for x, d, keep in _DIMS if len(d) == 1)


def _and(samples: Samples, *rest: Any) -> Samples:
    return tuple((*s, *rest) for s in samples)


# --- sums, products, means ----------------------------------------------------------------------


def _sum(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    return np.sum(x, axis=dims, dtype=x.dtype)


def _prod(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    return np.prod(x, axis=dims, dtype=x.dtype)


def _mean(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    return np.sum(x, axis=dims, dtype=x.dtype) / x.dtype.type(numel([x.shape[d] for d in dims]))


def _mean_rows(rows: RowBuilder, x: Expr, options: Options) -> Expr:
    return div(rows.reduce("sum", x), cast(rows.count(), dtype_of(x)))


sum_ = reduction(
    "aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor",
    _sum,
    _rows("sum"),
    _summed,
    _and((*_FULL, *_INTEGERS), None),
)
sum_dim = reduction(
    "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? "
    "dtype=None) -> Tensor",
    _sum,
    _rows("sum"),
    _summed,
    (
        *_and(_DIMS, None),
        (f32(2, 3), None, False, 7),
        (i64(2, 3), [1], True, None),
        (f32(4, 0, 3), [1], False, None),
    ),
)
prod = reduction(
    "aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor",
    _prod,
    _rows("prod"),
    _summed,
    _and((*_FULL, *_INTEGERS), None),
)
prod_dim = reduction(
    "aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? "
    "dtype=None) -> Tensor",
    _prod,
    _rows("prod"),
    _summed,
    _and(_DIM, None),
)
mean = reduction(
    "aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor",
    _mean,
    _mean_rows,
    _averaged,
    (*_and(_FULL, None), (i64(3), 6)),
)
mean_dim = reduction(
    "aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? "
    "dtype=None) -> Tensor",
    _mean,
    _mean_rows,
    _averaged,
    (
        *_and(_DIMS, None),
        (f32(3, 5, layout="transposed"), None, False, None),
        (f32(4, 0, 3), [0], False, None),
        (f32(4, 0, 3), [1], False, None),
        (f64(3, 1, 5), [0, 2], True, 6),
    ),
)


# --- extrema ------------------------------------------------------------------------------------

_MAX, _MIN = (_numpy(np.max), _rows("max")), (_numpy(np.min), _rows("min"))
amax = reduction(
    "aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor",
    *_MAX,
    _kept,
    (*_DIMS, (i64(2, 3), [], False)),
    needs_elements=True,
)
amin = reduction(
    "aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor",
    *_MIN,
    _kept,
    (*_DIMS, (i64(2, 3), [], False)),
    needs_elements=True,
)
max_ = reduction(
    "aten::max(Tensor self) -> Tensor", *_MAX, _kept, (*_FILLED, *_INTEGERS), needs_elements=True
)
min_ = reduction(
    "aten::min(Tensor self) -> Tensor", *_MIN, _kept, (*_FILLED, *_INTEGERS), needs_elements=True
)


def _argument(function: Any) -> Any:
    def numpy(x: Array, dims: tuple[int, ...], options: Options) -> Any:
        return function(x, axis=dims[0] if len(dims) == 1 else None)

    return numpy


def _arg(name: str) -> Any:
    """Over one dim by rows; over all, of the flattened tensor."""

    def build(emit: Emitter, x: Any, dim: int | None, keepdim: bool) -> Any:
        if dim is not None:
            return emit(f"{name}_row", x, dim, keepdim)
        flat = emit("reshape", x, [-1])
        y = emit(f"{name}_row", flat, 0, False)
        return emit("view", y, [1] * len(emit.type(x).sizes)) if keepdim else y

    return Decompose(build)


_ARG_SAMPLES: Samples = (
    *_DIM,
    (f32(3, 4), None, False),
    (f32(3, 4), None, True),
    (i64(3, 7), 1, False),
    (given([1.0, 3.0, 3.0]), 0, False),
)


def _define_arg(schema: str, name: str, function: Any) -> None:
    """An argmax or argmin, with the operator over one dim that it decomposes to."""
    reduction(
        schema,
        _argument(function),
        None,
        _position,
        _ARG_SAMPLES,
        needs_elements=True,
        lower=_arg(name),
    )
    reduction(
        f"treadle::{name}_row(Tensor self, int dim, bool keepdim) -> Tensor",
        _argument(function),
        _rows(name),
        _position,
        _DIM,
        needs_elements=True,
    )


_define_arg(
    "aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", "argmax", np.argmax
)
_define_arg(
    "aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", "argmin", np.argmin
)


def _with_positions(schema: str, values: OpDef, positions: str) -> OpDef:
    """``max.dim`` and ``min.dim``: the values and where they are."""

    def reference(x: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
        from_values = values.reference
        from_positions = OPS[positions].reference
        assert from_values is not None
        assert from_positions is not None
        return from_values(x, [dim], keepdim), from_positions(x, dim, keepdim)

    def infer(x: TensorType, dim: int, keepdim: bool) -> tuple[TensorType, TensorType]:
        assert values.infer is not None
        result = values.infer(x, [dim], keepdim)
        return result, tensor(i64_dtype, result.sizes)

    def build(emit: Emitter, x: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
        return emit(values, x, [dim], keepdim), emit(positions, x, dim, keepdim)

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Decompose(build),
        samples=(*_DIM, (i64(3, 4), 0, False)),
    )


# --- truth --------------------------------------------------------------------------------------


def _truth_rows(function: str) -> Any:
    def rows(rows: RowBuilder, x: Expr, options: Options) -> Expr:
        return rows.reduce(function, compare("ne", x, const(0, dtype_of(x))))

    return rows


_ANY, _ALL = (_numpy(np.any), _truth_rows("any")), (_numpy(np.all), _truth_rows("all"))
_TRUTHS: Samples = ((boolean(2, 3),), (boolean(0, 2),), (f32(3),), (i64(4),), (u8_sample(3),))
any_ = reduction("aten::any(Tensor self) -> Tensor", *_ANY, _truth, _TRUTHS)
any_dim = reduction(
    "aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor",
    *_ANY,
    _truth,
    ((boolean(2, 3), 1, False), (i64(2, 3), 0, True)),
)
any_dims = reduction(
    "aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
    *_ANY,
    _truth,
    ((boolean(2, 3, 4), [0, 2], False),),
)
all_ = reduction("aten::all(Tensor self) -> Tensor", *_ALL, _truth, _TRUTHS)
all_dim = reduction(
    "aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor",
    *_ALL,
    _truth,
    ((boolean(2, 3), 1, False), (i64(2, 3), 0, True)),
)
all_dims = reduction(
    "aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
    *_ALL,
    _truth,
    ((boolean(2, 3, 4), [0, 2], False),),
)


# --- variance -----------------------------------------------------------------------------------


def _correction(options: Options) -> float:
    given_correction = options.get("correction")
    if given_correction is not None:
        return float(given_correction)
    return float(options.get("unbiased", True))


def _var(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    count = numel([x.shape[d] for d in dims])
    mean_of = np.sum(x, axis=dims, keepdims=True) / x.dtype.type(count)
    total = np.sum(np.square(x - mean_of), axis=dims)
    return total / x.dtype.type(max(count - _correction(options), 0.0))


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


_VAR_FULL: Samples = ((f32(2, 7), True), (f32(5), False), (f32(1), True), (f64(4), True))
_VAR_DIM: Samples = ((f32(2, 7), [1], True, False), (f32(2, 7, 3), [0, 2], False, True))
_VAR_CORRECTION: Samples = (
    (f32(2, 7), [1], 0, False),
    (f32(3, 5), None, None, True),
    (f16(4, 9), [0], 2, False),
)


def _define_variance(
    name: str, numpy: Any, rows: Any, schemas: tuple[str, str, str], pairs: tuple[str, str, str]
) -> None:
    """``var`` or ``std`` in three forms each, alone and with the mean."""
    all_samples = (_VAR_FULL, _VAR_DIM, _VAR_CORRECTION)
    for schema, pair, samples in zip(schemas, pairs, all_samples, strict=True):
        alone = reduction(schema, numpy, rows, _averaged, samples)
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


# --- norms --------------------------------------------------------------------------------------


def _order(options: Options) -> float:
    order = options.get("p", options.get("ord"))
    return 2.0 if order is None else float(order)


def _norm(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    order, magnitude = _order(options), np.abs(x)
    if math.isinf(order):
        return np.max(magnitude, dims) if order > 0 else np.min(magnitude, dims)
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
    _averaged,
    tuple((f32(3, 5), p) for p in _ORDERS),
)
norm_dim = reduction(
    "aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor",
    _norm,
    _norm_rows,
    _averaged,
    tuple((f32(3, 5), p, [1], k) for p in (None, 1, 2) for k in (False, True)),
)
norm_dtype = reduction(
    "aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, "
    "ScalarType dtype) -> Tensor",
    _norm,
    _norm_rows,
    _averaged,
    ((f32(3, 5), 2, [0], False, 7),),
)
vector_norm = reduction(
    "aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool "
    "keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    _norm,
    _norm_rows,
    _averaged,
    tuple((f32(3, 5), p, [-1], False, None) for p in _ORDERS),
)


# --- the rest -----------------------------------------------------------------------------------


def _logsumexp(x: Array, dims: tuple[int, ...], options: Options) -> Any:
    top = np.max(x, axis=dims, keepdims=True)
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
    _made_floating,
    (*_DIMS, (i64(2, 3), [1], False)),
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
    _position,
    ((i64(3, 4), None), (boolean(3, 4), 1)),
)
count_nonzero_dims = reduction(
    "aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor",
    _count,
    _count_rows,
    _position,
    ((i64(3, 4), [0]), (f32(3, 4), [0, 1])),
)

max_dim = _with_positions(
    "aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    amax,
    "argmax_row",
)
min_dim = _with_positions(
    "aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    amin,
    "argmin_row",
)
