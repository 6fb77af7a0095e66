"""Tensors of one number, and literals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType
from treadle.ir.dtypes import f32 as f32_dtype
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import const
from treadle.ops.lowering import Elements
from treadle.ops.promotion import dtype_of, promote
from treadle.ops.samples import f32, f64, i64
from treadle.ops.shapes import dtype_from_code, tensor

Array = np.ndarray[Any, Any]
Samples = tuple[tuple[Any, ...], ...]
REST = (None, None, None)


def checked_size(op_name: str, size: Sequence[int]) -> tuple[int, ...]:
    """`size` as a tuple.

    Raises:
        ShapeError: if one is negative.
    """
    for d in size:
        if d < 0:
            raise ShapeError(f"{op_name}: sizes must not be negative, got {list(size)}")
    return tuple(size)


# --- one number ---------------------------------------------------------------------------------


def _constant(
    schema: str, rule: Callable[..., tuple[Sequence[int], DType, Any]], samples: Samples
) -> OpDef:
    """``rule(*args) -> (size, dtype, value)``."""

    def reference(*args: Any) -> Array:
        size, dtype, value = rule(*args)
        return np.full(checked_size("full", size), value).astype(dtype.numpy)

    def infer(*args: Any) -> TensorType:
        size, dtype, _ = rule(*args)
        return tensor(dtype, checked_size("full", size))

    def build(load: Any, positions: Any, result: TensorType, *args: Any) -> Expr:
        return const(rule(*args)[2], result.element)

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Elements(build),
        tolerance=EXACT,
        samples=samples,
    )


def default(code: int | None) -> DType:
    """The dtype that `code` means; f32 for None."""
    return dtype_from_code("full", code, f32_dtype)


def _sized(schema: str, value: int, *rest: Any) -> OpDef:
    return _constant(
        schema,
        lambda size, dtype, *_: (size, default(dtype), value),
        (
            ([2, 3], 6, *REST, *rest),
            ([], None, *REST, *rest),
            ([0, 2], 4, *REST, *rest),
            ([3], 11, *REST, *rest),
        ),
    )


def _like(schema: str, value: int) -> OpDef:
    def rule(x: Any, dtype: int | None, *_: Any) -> Any:
        return x.shape, dtype_from_code("full", dtype, dtype_of(x)), value

    return _constant(
        schema,
        rule,
        ((f32(2, 3), None, *REST, None), (i64(), 6, *REST, None), (f32(0), None, *REST, None)),
    )


def _new(schema: str, value: int) -> OpDef:
    def rule(x: Any, size: Sequence[int], dtype: int | None, *_: Any) -> Any:
        return size, dtype_from_code("full", dtype, dtype_of(x)), value

    return _constant(schema, rule, ((f64(2), [2, 3], None, *REST), (i64(), [], 6, *REST)))


def _full(size: Sequence[int], value: Any, dtype: int | None, *_: Any) -> Any:
    return size, dtype_from_code("full", dtype, dtype_of(value)), value


def _full_like(x: Any, value: Any, dtype: int | None, *_: Any) -> Any:
    return x.shape, dtype_from_code("full", dtype, dtype_of(x)), value


def _new_full(x: Any, size: Sequence[int], value: Any, dtype: int | None, *_: Any) -> Any:
    return size, dtype_from_code("full", dtype, dtype_of(x)), value


def _scalar_tensor(value: Any, dtype: int | None, *_: Any) -> Any:
    return (), default(dtype), value


zeros = _sized(
    "aten::zeros(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    0,
)
ones = _sized(
    "aten::ones(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    1,
)
zeros_like = _like(
    "aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, "
    "Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> "
    "Tensor",
    0,
)
ones_like = _like(
    "aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
    1,
)
new_zeros = _new(
    "aten::new_zeros(Tensor self, int[] size, *, ScalarType? dtype=None, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    0,
)
new_ones = _new(
    "aten::new_ones(Tensor self, int[] size, *, ScalarType? dtype=None, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    1,
)
full = _constant(
    "aten::full(int[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    _full,
    (
        ([2, 3], 2.5, None, *REST),
        ([], 3, None, *REST),
        ([2], True, None, *REST),
        ([0], 1, 7, *REST),
    ),
)
full_like = _constant(
    "aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? "
    "memory_format=None) -> Tensor",
    _full_like,
    ((f32(2, 3), 1.5, None, *REST, None), (i64(2), 3, 6, *REST, None)),
)
new_full = _constant(
    "aten::new_full(Tensor self, int[] size, Scalar fill_value, *, ScalarType? "
    "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> "
    "Tensor",
    _new_full,
    ((f32(2), [3], 1.5, None, *REST), (i64(2), [2, 2], 3, 6, *REST)),
)
scalar_tensor = _constant(
    "aten::scalar_tensor(Scalar s, *, ScalarType? dtype=None, Layout? layout=None, "
    "Device? device=None, bool? pin_memory=None) -> Tensor",
    _scalar_tensor,
    ((2.5, None, *REST), (3, 4, *REST)),
)


# --- memory of any content: zeros, so that results do not depend on what was there -------------

empty = _constant(
    "aten::empty.memory_format(int[] size, *, ScalarType? dtype=None, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? "
    "memory_format=None) -> Tensor",
    lambda size, dtype, *_: (size, default(dtype), 0),
    (),
)
empty_like = _constant(
    "aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, "
    "Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> "
    "Tensor",
    lambda x, dtype, *_: (x.shape, dtype_from_code("empty_like", dtype, dtype_of(x)), 0),
    (),
)
new_empty = _constant(
    "aten::new_empty(Tensor self, int[] size, *, ScalarType? dtype=None, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    lambda x, size, dtype, *_: (size, dtype_from_code("new_empty", dtype, dtype_of(x)), 0),
    (),
)


# --- literals -----------------------------------------------------------------------------------


def _leaves(data: Any) -> list[Any]:
    return [leaf for d in data for leaf in _leaves(d)] if isinstance(data, list) else [data]


def _shape(data: Any) -> tuple[int, ...]:
    if not isinstance(data, list):
        return ()
    shapes = {_shape(d) for d in data}
    if len(shapes) > 1:
        raise ShapeError("tensor: the nested lists have different lengths")
    return (len(data), *(shapes.pop() if shapes else ()))


def _literal_type(data: Any, dtype: int | None, *_: Any) -> TensorType:
    found: DType | None = None
    for leaf in _leaves(data):
        kind = dtype_of(leaf.reshape(()).item() if isinstance(leaf, np.ndarray) else leaf)
        found = kind if found is None else promote(found, kind)
    return tensor(dtype_from_code("tensor", dtype, found or f32_dtype), _shape(data))


def _tensor(data: Any, dtype: int | None, *_: Any) -> Array:
    type_ = _literal_type(data, dtype)
    values = [leaf.item() if isinstance(leaf, np.ndarray) else leaf for leaf in _leaves(data)]
    return np.array(values, type_.element.numpy).reshape(type_.sizes)


for _name, _value in (("float", 2.5), ("int", 3), ("bool", True), ("complex", 1j)):
    op(
        f"aten::tensor.{_name}({_name} t, *, ScalarType? dtype=None, Device? device=None,"
        " bool requires_grad=False) -> Tensor",
        reference=_tensor,
        infer=_literal_type,
        tolerance=EXACT,
        samples=()
        if _name == "complex"
        else ((_value, None, None, False), (_value, 7, None, False)),
    )
tensor_list = op(
    "aten::tensor(t[] data, *, ScalarType? dtype=None, Device? device=None, bool "
    "requires_grad=False) -> Tensor",
    reference=_tensor,
    infer=_literal_type,
    tolerance=EXACT,
    samples=(),
)


def _as_tensor(x: Any, dtype: int | None, _: Any) -> Array:
    if not isinstance(x, np.ndarray):
        return _tensor(x, dtype)
    return x.astype(dtype_from_code("as_tensor", dtype, dtype_of(x)).numpy, copy=False)


def _infer_as_tensor(x: Any, dtype: int | None, _: Any) -> TensorType:
    if not isinstance(x, TensorType):
        return _literal_type(x, dtype)
    return tensor(dtype_from_code("as_tensor", dtype, x.element), x.sizes)


as_tensor = op(
    "aten::as_tensor(Tensor(a) data, *, ScalarType? dtype=None, Device? device=None) -> "
    "Tensor(b|a)",
    reference=_as_tensor,
    infer=_infer_as_tensor,
    tolerance=EXACT,
    samples=(),
)
for _name, _value in (("bool", True), ("float", 2.5), ("int", 3), ("complex", 1j)):
    op(
        f"aten::as_tensor.{_name}({_name} t, *, ScalarType? dtype=None, Device? device=None)"
        " -> Tensor",
        reference=_as_tensor,
        infer=_infer_as_tensor,
        tolerance=EXACT,
        samples=() if _name == "complex" else ((_value, None, None),),
    )
op(
    "aten::as_tensor.list(t[] data, *, ScalarType? dtype=None, Device? device=None) -> Tensor",
    reference=_as_tensor,
    infer=_infer_as_tensor,
    tolerance=EXACT,
)
