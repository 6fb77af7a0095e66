"""Elements chosen or filled by a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import bool_, u8
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite, made_of
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import compare, const, select
from treadle.ops.expr import dtype_of as dtype_of_expr
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Pointwise
from treadle.ops.pointwise import pointwise
from treadle.ops.promotion import check_number, dtype_of, result_dtype
from treadle.ops.samples import SPECIAL, boolean, f16, f32, f64, given, i64
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]


def _where(f: Any, condition: Any, a: Any, b: Any) -> Any:
    truth = condition != 0 if f.dtype(condition) == u8 else condition
    return f.where(truth, a, b)


def _check_condition(condition: Any, *_: Any) -> None:
    if dtype_of(condition) not in (bool_, u8):
        raise ShapeError(f"where: a condition is of bools, got {dtype_of(condition)}")


where = pointwise(
    "aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor",
    _where,
    operands=(1, 2),
    check=_check_condition,
    tolerance=EXACT,
    samples=(
        (boolean(2, 3), f32(2, 3), f32(2, 3)),
        (boolean(3), f32(2, 1), f32()),
        (boolean(), i64(2), f32(2)),
        (boolean(0, 2), f32(2), f32(2)),
        (boolean(4), boolean(4), boolean(1)),
        (given([0, 1, 2, 255], u8), f32(4), f32(4)),
        (boolean(3), f16(3), f16(3)),
    ),
)
where_other = pointwise(
    "aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor",
    _where,
    operands=(1, 2),
    check=_check_condition,
    tolerance=EXACT,
    samples=((boolean(2, 3), f32(3), -1.5), (boolean(3), i64(3), 2)),
)
where_self = pointwise(
    "aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor",
    _where,
    operands=(1, 2),
    check=_check_condition,
    tolerance=EXACT,
    samples=((boolean(2, 3), 0.5, f32(3)), (boolean(3), 1.5, i64(3))),
)


def _masked_fill(f: Any, x: Any, mask: Any, value: Any) -> Any:
    return f.where(mask, value, x)


masked_fill_scalar = pointwise(
    "aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor",
    _masked_fill,
    operands=(0,),
    check=lambda x, mask, value: check_number("masked_fill", value, dtype_of(x)),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), boolean(3), -1e9),
        (f32(2, 3), boolean(2, 1), float("-inf")),
        (i64(4), boolean(4), 7),
        (f16(3), boolean(3), 0.5),
        (f32(0), boolean(0), 1.0),
        (SPECIAL, boolean(9), 0),
    ),
)


def _masked_fill_tensor(x: Operand, mask: Operand, value: Operand) -> Any:
    if value.shape:
        raise ShapeError(f"masked_fill: value must have no dims, got {value.type}")
    if value.dtype.is_complex and not x.dtype.is_complex:
        raise ShapeError(f"masked_fill: a value of {value.dtype} does not fit into {x.dtype}")
    return value.to(x.dtype).where(mask, x)


masked_fill_tensor = composite(
    "aten::masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor",
    _masked_fill_tensor,
    tolerance=EXACT,
    samples=((f32(2, 3), boolean(3), f32()), (f32(4), boolean(4), f64())),
)
inplace(masked_fill_scalar, masked_fill_tensor)


def _where_numbers(condition: Any, a: Any, b: Any) -> Any:
    _check_condition(condition)
    return np.where(condition, a, b).astype(result_dtype(a, b).numpy)


def _build_where_numbers(result: TensorType, condition: Expr, a: Any, b: Any) -> Expr:
    truth = compare("ne", condition, const(0, u8)) if dtype_of_expr(condition) == u8 else condition
    return select(truth, const(a, result.element), const(b, result.element))


def _infer_numbers(condition: TensorType, a: Any, b: Any) -> TensorType:
    _check_condition(condition)
    return tensor(result_dtype(a, b), condition.sizes)


where_scalars = op(
    "aten::where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor",
    reference=_where_numbers,
    infer=_infer_numbers,
    lower=Pointwise(_build_where_numbers),
    tolerance=EXACT,
    samples=((boolean(2, 3), 1.5, 0), (boolean(3), 1, 2), (given([0, 1, 255], u8), 1, 2)),
)


def _masked_scatter(x: Array, mask: Array, source: Array) -> Array:
    shape = broadcast("masked_scatter", x.shape, mask.shape)
    result, chosen = np.array(np.broadcast_to(x, shape)), np.broadcast_to(mask, shape)
    count = int(chosen.sum())
    if source.size < count or source.dtype != x.dtype:
        raise ShapeError(
            f"masked_scatter: {source.size} {source.dtype} elements for {count} places"
        )
    result[chosen] = source.reshape(-1)[:count]
    return result


def _by_count(x: Operand, mask: Operand, source: Operand) -> Any:
    """Each place takes the element whose number is the count of the mask before it."""
    shape = list(broadcast("masked_scatter", x.shape, mask.shape))
    flat = mask.op("expand", shape).op("reshape", [-1])
    elements = source.reshape(-1)
    if not flat.shape[0] or not elements.shape[0]:
        return x.op("expand", shape).op("clone")
    place = flat.op("cumsum", 0) - 1
    place = place.where(flat, place.given(0))
    return elements.op("index_select", 0, place).reshape(*shape).where(mask, x)


masked_scatter = op(
    "aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor",
    reference=_masked_scatter,
    lower=made_of(_by_count),
    tolerance=EXACT,
    infer=lambda x, mask, _: tensor(x.element, broadcast("masked_scatter", x.sizes, mask.sizes)),
    samples=((f32(2, 3), boolean(2, 3), f32(6)), (f32(2, 3), boolean(3), f32(9))),
)
inplace(masked_scatter)
