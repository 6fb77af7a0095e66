"""Further questions, and what exporters ask where sizes are symbols: here plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.composite import alias
from treadle.ops.declare import op
from treadle.ops.query import item, numel_, size, size_int, stride, stride_of
from treadle.ops.samples import f32
from treadle.ops.storage import storage_of

Array = np.ndarray[Any, Any]


def _offset(x: Array) -> int:
    """Elements of the storage before the first of `x`."""
    return (x.ctypes.data - storage_of(x).ctypes.data) // x.itemsize if x.size else 0


alias(item, "aten::_local_scalar_dense(Tensor self) -> Scalar")
alias(size, "aten::sym_size(Tensor self) -> int[]")
alias(size_int, "aten::sym_size.int(Tensor self, int dim) -> int")
alias(numel_, "aten::sym_numel(Tensor self) -> int")
alias(stride, "aten::sym_stride(Tensor self) -> int[]")
alias(stride_of, "aten::sym_stride.int(Tensor self, int dim) -> int")


def _is_nonzero(x: Array) -> bool:
    if x.size != 1:
        raise ShapeError(f"is_nonzero: a tensor of {x.size} elements is neither true nor false")
    return bool(x.reshape(()))


op("aten::is_nonzero(Tensor self) -> bool", reference=_is_nonzero, samples=((f32(1),),))
op(
    "aten::is_same_size(Tensor self, Tensor other) -> bool",
    reference=lambda x, other: tuple(x.shape) == tuple(other.shape),
    infer=lambda x, other: tuple(x.shape) == tuple(other.shape),
    samples=((f32(2, 3), f32(2, 3)), (f32(2), f32(3))),
)
for _name in ("storage_offset", "sym_storage_offset"):
    op(f"aten::{_name}(Tensor self) -> int", reference=_offset, samples=((f32(2, 3),), (f32(0),)))
