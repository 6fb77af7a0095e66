"""Reductions over dims: the family; sums, products, means, truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange
from treadle.ir.dtypes import bool_
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.schema import Schema, parse_schema
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import (
    cast,
    compare,
    const,
    div,
    dtype_of,
)
from treadle.ops.lowering import RowBuilder, Rows
from treadle.ops.promotion import KINDS
from treadle.ops.promotion import dtype_of as tensor_dtype
from treadle.ops.reduced_dtypes import DTypeRule, averaged, summed, truth
from treadle.ops.samples import SPECIAL, Draw, bf16, boolean, f16, f32, f64, i32, i64
from treadle.ops.samples import u8 as u8_sample
from treadle.ops.shapes import numel, reduced_shape, tensor, wrap_dims

Array = np.ndarray[Any, Any]
Options = Mapping[str, Any]
Samples = tuple[tuple[Any, ...], ...]


def _asks_for_truth(options: Options) -> bool:
    """Whether the operand is to be converted to bool, whose numbers 0.5 is 1 of, not 0."""
    return options.get("dtype") == bool_.code


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
        operand = x.astype(bool) if _asks_for_truth(options) else x
        value = self.numpy(operand.astype(compute.numpy), dims, options)
        shape = reduced_shape(x.shape, dims, bool(options.get("keepdim")))
        return np.asarray(value).reshape(shape).astype(final.numpy)

    def row_dims(self, result: TensorType, x: TensorType, *args: Any) -> tuple[int, ...]:
        return self.dims(x.sizes, self.options(args))

    def build(self, rows: RowBuilder, result: TensorType, x: Expr, *args: Any) -> Expr:
        options = self.options(args)
        compute, final = self.dtypes(self.name, dtype_of(x), options.get("dtype"))
        operand = cast(x, bool_) if _asks_for_truth(options) else x
        return cast(self.rows(rows, cast(operand, compute), options), final)


def reduction(
    schema: str,
    numpy: Any,
    rows: Any,
    dtypes: DTypeRule,
    samples: Samples,
    *,
    needs_elements: bool = False,
    lower: Any = None,
    kinds: str = KINDS,
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
        kinds: of numbers that it takes, as of `op`.
    """
    rule = _Reduction(parse_schema(schema), numpy, rows, dtypes, needs_elements)
    return op(
        schema,
        reference=rule.reference,
        infer=rule.infer,
        samples=samples,
        lower=lower or Rows(rule.row_dims, rule.build, reduces=True),
        kinds=kinds,
    )


def by_numpy(function: Any) -> Any:
    """A NumPy reduction as the family calls it."""
    return lambda x, dims, options: function(x, axis=dims)


def by_rows(function: str) -> Any:
    """A reduction of rows by its name in the loop IR."""
    return lambda rows, x, options: rows.reduce(function, x)


_SHAPES = (
    f32(2, 3), f32(7, 33), f32(), f32(0, 3), f32(3, 5, layout="transposed"),
    f64(3, 1, 5), f16(3, 5),
)  # fmt: skip
_FULL = tuple((x,) for x in (*_SHAPES, SPECIAL, bf16(9)))
INTEGERS = ((i64(3, 4),), (i32(5),), (boolean(2, 3),), (u8_sample(4),))
FILLED = tuple(s for s in _FULL if not (isinstance(s[0], Draw) and 0 in s[0].shape))
DIMS: Samples = (
    (f32(2, 3, 4, 5), [2, 3], False), (f32(2, 3), [0], True), (f32(7, 33), [-1], False),
    (f32(), [0], False), (f32(4, 2, 3), [0], False), (f32(3, 5, layout="transposed"), [1], False),
    (f64(3, 1, 5), [0, 2], True), (f16(3, 5), [1], False), (SPECIAL, [0], True),
)  # fmt: skip
DIM: Samples = tuple((x, d[0], keep) for x, d, keep in DIMS if len(d) == 1)


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
    by_rows("sum"),
    summed,
    _and((*_FULL, *INTEGERS), None),
)
sum_dim = reduction(
    "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? "
    "dtype=None) -> Tensor",
    _sum,
    by_rows("sum"),
    summed,
    (
        *_and(DIMS, None),
        (f32(2, 3), None, False, 7),
        (i64(2, 3), [1], True, None),
        (f32(4, 0, 3), [1], False, None),
    ),
)
prod = reduction(
    "aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor",
    _prod,
    by_rows("prod"),
    summed,
    _and((*_FULL, *INTEGERS), None),
)
prod_dim = reduction(
    "aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? "
    "dtype=None) -> Tensor",
    _prod,
    by_rows("prod"),
    summed,
    _and(DIM, None),
)
mean = reduction(
    "aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor",
    _mean,
    _mean_rows,
    averaged,
    (*_and(_FULL, None), (i64(3), 6)),
)
mean_dim = reduction(
    "aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? "
    "dtype=None) -> Tensor",
    _mean,
    _mean_rows,
    averaged,
    (
        *_and(DIMS, None),
        (f32(3, 5, layout="transposed"), None, False, None),
        (f32(4, 0, 3), [0], False, None),
        (f32(4, 0, 3), [1], False, None),
        (f64(3, 1, 5), [0, 2], True, 6),
    ),
)


# --- truth --------------------------------------------------------------------------------------


def _truth_rows(function: str) -> Any:
    def rows(rows: RowBuilder, x: Expr, options: Options) -> Expr:
        return rows.reduce(function, compare("ne", x, const(0, dtype_of(x))))

    return rows


_ANY, _ALL = (by_numpy(np.any), _truth_rows("any")), (by_numpy(np.all), _truth_rows("all"))
_TRUTHS: Samples = ((boolean(2, 3),), (boolean(0, 2),), (f32(3),), (i64(4),), (u8_sample(3),))
any_ = reduction("aten::any(Tensor self) -> Tensor", *_ANY, truth, _TRUTHS)
any_dim = reduction(
    "aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor",
    *_ANY,
    truth,
    ((boolean(2, 3), 1, False), (i64(2, 3), 0, True)),
)
any_dims = reduction(
    "aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
    *_ANY,
    truth,
    ((boolean(2, 3, 4), [0, 2], False),),
)
all_ = reduction("aten::all(Tensor self) -> Tensor", *_ALL, truth, _TRUTHS)
all_dim = reduction(
    "aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor",
    *_ALL,
    truth,
    ((boolean(2, 3), 1, False), (i64(2, 3), 0, True)),
)
all_dims = reduction(
    "aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
    *_ALL,
    truth,
    ((boolean(2, 3, 4), [0, 2], False),),
)
