"""Questions about a tensor, answered by plain Python values, and conversions of single elements.

`infer` of a question answers it from the type alone; it is None where the answer is in the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.declare import EXACT, op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, given, i64
from treadle.ops.shapes import numel, tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _size(x: Any) -> list[int]:
    return list(x.shape)


def _size_of(x: Any, dim: int) -> int:
    if not len(x.shape):
        raise ShapeError(f"size: dim {dim} of a tensor without dims")
    return int(x.shape[wrap_dim("size", dim, len(x.shape))])


def _length(x: Any) -> int:
    if not len(x.shape):
        raise ShapeError("len() of a tensor without dims")
    return int(x.shape[0])


def _rank(x: Any) -> int:
    return len(x.shape)


def _only(op_name: str, x: Array) -> Any:
    if x.size != 1:
        raise ShapeError(f"{op_name}: a tensor of {x.size} elements is not a single number")
    return x.reshape(()).item()


size = op(
    "aten::size(Tensor self) -> int[]",
    reference=_size,
    infer=_size,
    samples=((f32(2, 3),), (f32(),), (f32(0, 1),)),
)
size_int = op(
    "aten::size.int(Tensor self, int dim) -> int",
    reference=_size_of,
    infer=_size_of,
    samples=((f32(2, 3), -1), (f32(0, 1), 0)),
)
dim = op(
    "aten::dim(Tensor self) -> int", reference=_rank, infer=_rank, samples=((f32(2, 3),), (f32(),))
)
len_ = op(
    "aten::len.Tensor(Tensor t) -> int",
    reference=_length,
    infer=_length,
    samples=((f32(2, 3),), (f32(0),)),
)
numel_ = op(
    "aten::numel(Tensor self) -> int",
    reference=lambda x: int(numel(x.shape)),
    infer=lambda x: numel(x.sizes),
    samples=((f32(2, 3),), (f32(),), (f32(0, 2),)),
)

int_ = op(
    "aten::Int.Tensor(Tensor a) -> int",
    reference=lambda x: int(_only("Int", x)),
    samples=((given(3.7),), (i64(1),)),
)
float_ = op(
    "aten::Float.Tensor(Tensor a) -> float",
    reference=lambda x: float(_only("Float", x)),
    samples=((f32(),), (i64(1, 1),)),
)
bool_of = op(
    "aten::Bool.Tensor(Tensor a) -> bool",
    reference=lambda x: bool(_only("Bool", x)),
    samples=((f32(),), (i64(1),)),
)

number_to_tensor = op(
    "prim::NumToTensor.Scalar(Scalar a) -> Tensor",
    reference=lambda a: np.asarray(a, dtype_of(a).numpy),
    infer=lambda a: tensor(dtype_of(a), ()),
    tolerance=EXACT,
    samples=((3,), (2.5,), (True,)),
)
