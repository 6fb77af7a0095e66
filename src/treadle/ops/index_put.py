"""Elements written by tensors as indices: index_put, put, masked_scatter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import bool_, u8
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import op
from treadle.ops.expr import extent
from treadle.ops.gather import check_index_dtype
from treadle.ops.index import index_places, index_shape, numpy_index
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter, Loader, Scatter
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, f32, given, i64
from treadle.ops.scatter import add_at, adding
from treadle.ops.shapes import broadcast

Array = np.ndarray[Any, Any]


def _index_put(x: Array, indices: Sequence[Array | None], values: Array, accumulate: bool) -> Array:
    place = numpy_index("index_put", x, indices)
    if values.dtype != x.dtype:
        raise ShapeError(f"index_put: values must be {dtype_of(x)}, got {dtype_of(values)}")
    result: Array = x.copy()
    target = result[place].shape
    if broadcast("index_put", target, values.shape) != target:
        raise ShapeError(f"index_put: values {list(values.shape)} do not fit {list(target)}")
    if accumulate:
        add_at(result, place, values)
    else:
        result[place] = values
    return result


def _infer_put(x: TensorType, indices: Any, values: TensorType, accumulate: bool) -> TensorType:
    if values.element != x.element:
        raise ShapeError(f"index_put: values must be {x.element}, got {values.element}")
    if not any(t is not None and t.element in (bool_, u8) for t in indices):
        for index in indices:
            if index is not None:
                check_index_dtype("index_put", index)
        shape = index_shape(x, indices)[0]
        if broadcast("index_put", shape, values.sizes) != shape:
            raise ShapeError(f"index_put: values {values} do not fit {list(shape)}")
    return x


def _put_domain(
    result: TensorType, x: TensorType, indices: Sequence[TensorType | None], *_: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape, first, count = index_shape(x, indices)
    return shape, tuple(range(first, first + count))


def _put_element(
    load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType,
    indices: Sequence[TensorType | None], values: TensorType, accumulate: bool,
) -> tuple[Sequence[Expr], Expr]:  # fmt: skip
    places = index_places(load, positions, x, indices)
    tail = positions[len(positions) - len(values.sizes) :]
    chosen = [extent(0) if d == 1 else p for p, d in zip(tail, values.sizes, strict=True)]
    return places, load(2, chosen)


def _combined(
    result: TensorType, x: TensorType, indices: Any, values: TensorType, accumulate: bool
) -> str | None:
    return adding(result) if accumulate else None


_at_indices = op(
    "treadle::put_at(Tensor self, Tensor?[] indices, Tensor values, bool accumulate) -> Tensor",
    reference=_index_put,
    infer=_infer_put,
    lower=Scatter(_put_domain, _put_element, _combined),
    doc="index_put by integers.",
)


def _decompose_put(
    emit: Emitter, x: Any, indices: Sequence[Any], values: Any, accumulate: bool
) -> Any:
    """By integers as a Scatter; by one mask as a choice between old and new elements."""
    types = [None if t is None else emit.type(t) for t in indices]
    masks = [i for i, t in enumerate(types) if t is not None and t.element in (bool_, u8)]
    target, given_type = emit.type(x), emit.type(values)
    if not masks:
        shape = index_shape(target, types)[0]
        if broadcast("index_put", shape, given_type.sizes) != shape:
            raise ShapeError(f"index_put: values {given_type} do not fit {list(shape)}")
        return emit(_at_indices, x, list(indices), values, accumulate)
    mask = types[masks[0]]
    assert mask is not None
    rest = len(target.sizes) - masks[0] - len(mask.sizes)
    single = [d for d in given_type.sizes[: len(given_type.sizes) - rest] if d != 1]
    if sum(t is not None for t in types) > 1 or single or rest < 0:
        raise UnsupportedError("index_put by a mask with values for each place")
    if mask.sizes != target.sizes[masks[0] : masks[0] + len(mask.sizes)]:
        raise ShapeError(f"index_put: a mask {mask} does not fit {target}")
    condition = indices[masks[0]]
    if mask.element != bool_:
        condition = emit("to.dtype", condition, bool_.code, False, False, None)
    condition = emit("reshape", condition, [*mask.sizes, *[1] * rest])
    kept = given_type.sizes[max(len(given_type.sizes) - rest, 0) :]
    values = emit("reshape", values, list(kept))
    new = emit("add.Tensor", x, values, 1) if accumulate else values
    return emit("where.self", condition, new, x)


def _put(schema: str, *more: tuple[Any, ...]) -> OpDef:
    return op(
        schema,
        reference=_index_put,
        infer=_infer_put,
        lower=Decompose(_decompose_put),
        samples=(
            (f32(5, 3), [given([3, 0], i64_dtype)], f32(2, 3), False),
            (f32(5), [i64(9, low=-5, high=5)], f32(9), True),
            (f32(4, 3), [boolean(4, 3)], f32(), False),
            (f32(4, 3), [boolean(4)], f32(3), True),
            (f32(4, 3), [given([1, 2], i64_dtype), given([0, 2], i64_dtype)], f32(1), False),
            *more,
        ),
    )


index_put = _put(
    "aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool "
    "accumulate=False) -> Tensor",
    (f32(2, 4, 3), [i64(5, low=0, high=2), None, i64(5, low=-3, high=3)], f32(5, 4), True),
    (f32(2, 4, 3), [None, i64(2, 2, low=0, high=4)], f32(2, 2, 3), True),
)
index_put_twin = _put(
    "aten::index_put.hacked_twin(Tensor self, Tensor[] indices, Tensor values, bool "
    "accumulate=False) -> Tensor"
)
inplace(index_put, index_put_twin)


def _put_flat(x: Operand, index: Operand, source: Operand, accumulate: bool) -> Any:
    """Into the elements in row-major order."""
    flat = x.reshape(-1)
    done = flat.op("index_put", [index.reshape(-1)], source.reshape(-1), accumulate)
    return done.op("reshape", list(x.shape))


def _take(x: Operand, index: Operand) -> Any:
    return x.reshape(-1).op("index.Tensor", [index])


put = composite(
    "aten::put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
    _put_flat,
    samples=((f32(3, 4), i64(2, 3, low=-12, high=12), f32(6), True),),
)
inplace(put)
composite(
    "aten::take(Tensor self, Tensor index) -> Tensor",
    _take,
    samples=((f32(3, 4), i64(2, 3, low=-12, high=12)), (f32(3, layout="strided"), i64(0))),
)
