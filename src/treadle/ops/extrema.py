"""Extrema over dims, and where they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.reduced_dtypes import kept, position
from treadle.ops.reduction import (
    DIM,
    DIMS,
    FILLED,
    INTEGERS,
    Options,
    Samples,
    by_numpy,
    by_rows,
    reduction,
)
from treadle.ops.registry import OPS
from treadle.ops.samples import f32, given, i64
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


_MAX, _MIN = (by_numpy(np.max), by_rows("max")), (by_numpy(np.min), by_rows("min"))
amax = reduction(
    "aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor",
    *_MAX,
    kept,
    (*DIMS, (i64(2, 3), [], False)),
    needs_elements=True,
    kinds="bif",
)
amin = reduction(
    "aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor",
    *_MIN,
    kept,
    (*DIMS, (i64(2, 3), [], False)),
    needs_elements=True,
    kinds="bif",
)
max_ = reduction(
    "aten::max(Tensor self) -> Tensor",
    *_MAX,
    kept,
    (*FILLED, *INTEGERS),
    needs_elements=True,
    kinds="bif",
)
min_ = reduction(
    "aten::min(Tensor self) -> Tensor",
    *_MIN,
    kept,
    (*FILLED, *INTEGERS),
    needs_elements=True,
    kinds="bif",
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
    *DIM,
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
        position,
        _ARG_SAMPLES,
        needs_elements=True,
        lower=_arg(name),
        kinds="if",
    )
    reduction(
        f"treadle::{name}_row(Tensor self, int dim, bool keepdim) -> Tensor",
        _argument(function),
        by_rows(name),
        position,
        DIM,
        needs_elements=True,
        kinds="bif",
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
        samples=(*DIM, (i64(3, 4), 0, False)),
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
