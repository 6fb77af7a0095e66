"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter, MatrixProduct
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f16, f32, f64, i64
from treadle.ops.shapes import broadcast, expect_rank, tensor

Array = np.ndarray[Any, Any]


def same_dtype(op_name: str, *operands: Any) -> None:
    """Check that operands have one dtype.

    Raises:
        ShapeError: if not.
    """
    names = [dtype_of(o).name for o in operands if o is not None]
    if len(set(names)) > 1:
        raise ShapeError(f"{op_name}: operands must have one dtype, got {' and '.join(names)}")


def product(a: Array, b: Array) -> Array:
    """The matrix product in the dtype of the computation, then in that of `a`."""
    wide = accumulation(dtype_of(a)).numpy
    return np.asarray(np.matmul(a.astype(wide), b.astype(wide))).astype(a.dtype)


def _type(x: Any) -> TensorType:
    return x if isinstance(x, TensorType) else tensor(dtype_of(x), x.shape)


# --- linear -------------------------------------------------------------------------------------


def _infer_linear(x: TensorType, weight: TensorType, bias: TensorType | None) -> TensorType:
    same_dtype("linear", x, weight, bias)
    expect_rank("linear", "weight", weight, 1, 2)
    if not x.sizes or x.sizes[-1] != weight.sizes[-1]:
        raise ShapeError(f"linear needs [..., k] and a weight [n, k], got {x} and {weight}")
    shape = (*x.sizes[:-1], *weight.sizes[:-1])
    if bias is not None and broadcast("linear", shape, bias.sizes) != shape:
        raise ShapeError(f"linear: bias {bias} does not broadcast to the result {list(shape)}")
    return tensor(x.element, shape)


def _linear(x: Array, weight: Array, bias: Array | None) -> Array:
    _infer_linear(_type(x), _type(weight), None if bias is None else _type(bias))
    y = product(x, weight.T)
    return y if bias is None else np.asarray(y + bias)


linear = op(
    "aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor",
    reference=_linear,
    infer=_infer_linear,
    lower=MatrixProduct(transpose_b=True, bias=2),
    doc="`lower` covers an input of one dim too: it is one row.",
    samples=(
        (f32(3, 5), f32(7, 5), f32(7)),
        (f32(2, 4, 16), f32(33, 16), None),
        (f32(5), f32(7, 5), f32(7)),
        (f32(1, 1), f32(1, 1), f32(1)),
        (f32(0, 5), f32(7, 5), f32(7)),
        (f32(3, 0), f32(7, 0), f32(7)),
        (f32(6, 5, layout="transposed"), f32(7, 5, layout="transposed"), f32(7)),
        (f64(3, 9), f64(2, 9), f64(2)),
        (f16(3, 8), f16(4, 8), f16(4)),
    ),
)


# --- matmul -------------------------------------------------------------------------------------


def _infer_product(a: TensorType, b: TensorType) -> TensorType:
    same_dtype("matmul", a, b)
    if len(a.sizes) < 2 or len(b.sizes) < 2 or a.sizes[-1] != b.sizes[-2]:
        raise ShapeError(f"matmul needs [..., m, k] and [..., k, n], got {a} and {b}")
    batch = broadcast("matmul", a.sizes[:-2], b.sizes[:-2])
    return tensor(a.element, (*batch, a.sizes[-2], b.sizes[-1]))


def _infer_matmul(a: TensorType, b: TensorType) -> TensorType:
    if not a.sizes or not b.sizes:
        raise ShapeError(f"matmul: both operands need at least 1 dim, got {a} and {b}")
    row, column = len(a.sizes) == 1, len(b.sizes) == 1
    wide_a = tensor(a.element, (1, *a.sizes)) if row else a
    wide_b = tensor(b.element, (*b.sizes, 1)) if column else b
    shape = _infer_product(wide_a, wide_b).sizes
    shape = (*shape[:-2], shape[-1]) if row else shape
    return tensor(a.element, shape[:-1] if column else shape)


def _matmul(a: Array, b: Array) -> Array:
    _infer_matmul(_type(a), _type(b))
    return product(a, b)


def _decompose_matmul(emit: Emitter, a: Any, b: Any) -> Any:
    row, column = len(emit.type(a).sizes) == 1, len(emit.type(b).sizes) == 1
    if row:
        a = emit("unsqueeze", a, 0)
    if column:
        b = emit("unsqueeze", b, 1)
    y = emit("matrix_product", a, b)
    if column:
        y = emit("squeeze.dim", y, -1)
    return emit("squeeze.dim", y, -1 if column else -2) if row else y


_MATRICES = (
    (f32(3, 5), f32(5, 7)), (f32(1, 1), f32(1, 1)), (f32(0, 3), f32(3, 2)), (f32(2, 0), f32(0, 3)),
    (f32(7, 16, layout="transposed"), f32(16, 5)), (f64(4, 9), f64(9, 33)), (f16(2, 8), f16(8, 3)),
)  # fmt: skip
_BATCHES = (
    (f32(2, 3, 4, 5), f32(2, 3, 5, 6)), (f32(4, 1, 3, 5), f32(2, 5, 1)), (f32(3, 2, 5), f32(5, 2)),
)  # fmt: skip
_VECTORS = ((f32(5), f32(5)), (f32(5), f32(2, 5, 3)), (f32(2, 3, 5), f32(5)), (f32(5), f32(5, 3)))

matrix_product = op(
    "treadle::matrix_product(Tensor a, Tensor b) -> Tensor",
    reference=_matmul,
    infer=_infer_product,
    lower=MatrixProduct(),
    samples=(*_MATRICES, *_BATCHES),
    doc="matmul of operands with at least two dims.",
)
matmul = op(
    "aten::matmul(Tensor self, Tensor other) -> Tensor",
    reference=_matmul,
    infer=_infer_matmul,
    lower=Decompose(_decompose_matmul),
    samples=(*_MATRICES, *_BATCHES, *_VECTORS, (i64(2, 3), i64(3, 2))),
)
