"""Other dtypes, and copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import cast, const
from treadle.ops.inplace import FUNCTIONAL, inplace
from treadle.ops.lowering import Decompose, Emitter, Pointwise, Reshape
from treadle.ops.promotion import check_number, dtype_of
from treadle.ops.samples import bf16, boolean, f16, f32, f64, i64, u8
from treadle.ops.shapes import broadcast, dtype_from_code, tensor

Array = np.ndarray[Any, Any]
CAST = Pointwise(lambda result, x, *_: cast(x, result.element))


# --- dtypes -------------------------------------------------------------------------------------


def converted(x: Array, dtype: DType, copy: bool = False) -> Array:
    """`x` itself if it has that dtype and no copy is asked for."""
    return np.asarray(x.astype(dtype.numpy, copy=copy))


def _conversion(schema: str, rule: Any, samples: tuple[tuple[Any, ...], ...]) -> OpDef:
    """``rule(x, *args) -> (dtype, copy)``."""

    def reference(x: Array, *args: Any) -> Array:
        return converted(x, *rule(x, *args))

    def infer(x: TensorType, *args: Any) -> TensorType:
        return tensor(rule(x, *args)[0], x.sizes)

    def as_other(emit: Emitter, x: Any, other: Any, *rest: Any) -> Any:
        """A conversion to the dtype of `other`, whose elements and shape play no part."""
        dtype, copy = rule(emit.type(x), emit.type(other), *rest)
        return emit("to.dtype", x, dtype.code, False, copy, rest[-1] if rest else None)

    lower = Decompose(as_other) if "Tensor other" in schema else CAST
    return op(
        schema, reference=reference, infer=infer, lower=lower, tolerance=EXACT, samples=samples
    )


def _optional(x: Any, code: int | None) -> DType:
    return dtype_from_code("to", code, dtype_of(x))


_TO = (False, False, None)
to_dtype = _conversion(
    "aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool "
    "copy=False, MemoryFormat? memory_format=None) -> Tensor(a)",
    lambda x, dtype, _, copy, __: (_optional(x, dtype), copy),
    (
        (f32(2, 3), 6, *_TO),
        (f32(2, 3), 4, *_TO),
        (i64(3), 6, *_TO),
        (boolean(4), 6, *_TO),
        (f32(5), 11, *_TO),
        (f64(), 5, *_TO),
        (f32(3), 15, *_TO),
        (f16(0, 2), 6, *_TO),
        (f32(3), 6, False, True, None),
        (bf16(4), 7, *_TO),
        (u8(3), 3, *_TO),
        (f32(2, high=50.0), 0, *_TO),
    ),
)
to_device = _conversion(
    "aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool "
    "non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)",
    lambda x, _, dtype, __, copy, ___: (_optional(x, dtype), copy),
    ((f32(2), "cpu", 7, *_TO),),
)
to_other = _conversion(
    "aten::to.other(Tensor(a) self, Tensor other, bool non_blocking=False, bool "
    "copy=False, MemoryFormat? memory_format=None) -> Tensor(a)",
    lambda x, other, _, copy, __: (dtype_of(other), copy),
    ((f32(2), i64(1), *_TO), (f32(2), f32(1), *_TO)),
)
to_layout = _conversion(
    "aten::to.dtype_layout(Tensor(a) self, *, ScalarType? dtype=None, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, "
    "bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)",
    lambda x, dtype, _, __, ___, ____, copy, _____: (_optional(x, dtype), copy),
    ((f32(2), 7, None, None, None, *_TO), (f32(2), None, None, None, None, *_TO)),
)
to_prim_device = _conversion(
    "aten::to.prim_Device(Tensor(a) self, Device? device, int? dtype=None, bool "
    "non_blocking=False, bool copy=False) -> Tensor(b|a)",
    lambda x, _, dtype, __, copy: (_optional(x, dtype), copy),
    (),
)
to_prim_dtype = _conversion(
    "aten::to.prim_dtype(Tensor(a) self, int? dtype=None, bool non_blocking=False, bool "
    "copy=False) -> Tensor(b|a)",
    lambda x, dtype, _, copy: (_optional(x, dtype), copy),
    (),
)
to_prim_other = _conversion(
    "aten::to.prim_other(Tensor(a) self, bool non_blocking=False, bool copy=False) -> Tensor(b|a)",
    lambda x, _, copy: (dtype_of(x), copy),
    (),
)
type_as = _conversion(
    "aten::type_as(Tensor self, Tensor other) -> Tensor",
    lambda x, other: (dtype_of(other), False),
    ((f32(2), i64(1)), (f32(2, 2), f32(1))),
)
cpu = _conversion("aten::cpu(Tensor(a) self) -> Tensor(b|a)", lambda x: (dtype_of(x), False), ())


# --- copies -------------------------------------------------------------------------------------

clone = op(
    "aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor",
    reference=lambda x, _: x.copy(order="K"),
    infer=lambda x, _: x,
    lower=Reshape(),
    tolerance=EXACT,
    samples=((f32(2, 3), None), (f32(), None), (i64(0, 2), 0), (f32(3, 4, layout="transposed"), 1)),
)


def _filled(schema: str, value: Any, samples: tuple[tuple[Any, ...], ...]) -> OpDef:
    """``value(args)`` is what fills the tensor: a number or a tensor."""

    def reference(x: Array, *args: Any) -> Array:
        infer(tensor(dtype_of(x), x.shape), *args)
        wide = np.asarray(value(*args)).astype(x.dtype)
        return np.array(np.broadcast_to(wide, x.shape))

    def infer(x: TensorType, *args: Any) -> TensorType:
        source = value(*args)
        if isinstance(source, bool | int | float | complex):
            check_number("fill", source, x.element)
            return x
        shape = tuple(source.shape)
        if broadcast("copy", x.sizes, shape) != x.sizes:
            raise ShapeError(f"copy: a source of shape {list(shape)} does not broadcast to {x}")
        return x

    def build(result: TensorType, x: Expr, *args: Any) -> Expr:
        source = value(*args)
        if isinstance(source, bool | int | float):
            return const(source, result.element)
        return cast(source, result.element)

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Pointwise(build),
        tolerance=EXACT,
        samples=samples,
    )


fill_scalar = _filled(
    "aten::fill.Scalar(Tensor self, Scalar value) -> Tensor",
    lambda value: value,
    ((f32(2, 3), 2.5), (i64(0), 1), (i64(), 3)),
)
fill_tensor = _filled(
    "aten::fill.Tensor(Tensor self, Tensor value) -> Tensor",
    lambda value: value,
    ((f32(2, 3), f32()), (i64(4), f32())),
)
copy = _filled(
    "aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor",
    lambda source, _: source,
    (
        (f32(2, 3), f32(2, 3), False),
        (f32(2, 3), i64(3), False),
        (i64(4), f32(1), False),
        (f32(3, 2, layout="transposed"), f64(3, 2), False),
    ),
)
zero = _filled("aten::zero(Tensor self) -> Tensor", lambda: 0, ((f32(2, 3),), (i64(),)))
inplace(fill_scalar, fill_tensor, copy, zero)


def _copy_number(schema: str, samples: tuple[tuple[Any, ...], ...]) -> None:
    def reference(x: Array, value: Any) -> Array:
        x[...] = value
        return x

    twin = op(schema, reference=reference, infer=lambda x, _: x, samples=samples, tolerance=EXACT)
    FUNCTIONAL[twin.name] = fill_scalar.name


_copy_number("aten::copy_.int(Tensor(a!) self, int other) -> Tensor(a!)", ((f32(2), 3),))
_copy_number("aten::copy_.float(Tensor(a!) self, float other) -> Tensor(a!)", ((f32(2), 0.5),))
