"""Products of tensors beyond the matrix product: inner, outer, of Kronecker, over chosen dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import i32
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite
from treadle.ops.contraction import matrix_product, product
from treadle.ops.declare import op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import MatrixProduct
from treadle.ops.promotion import dtype_of, promote
from treadle.ops.samples import f32, f64, given, i64, u8
from treadle.ops.shapes import expect_rank, numel, tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _inner(a: Operand, b: Operand) -> Any:
    if not a.shape or not b.shape:
        return a * b
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"inner: last dims of {list(a.shape)} and {list(b.shape)} differ")
    return _tensordot(a, b, [-1], [-1])


def _tensordot(a: Operand, b: Operand, dims_a: Sequence[int], dims_b: Sequence[int]) -> Any:
    """The product summed over pairs of dims, which must be of equal size or 1."""
    over_a = [wrap_dim("tensordot", d, len(a.shape)) for d in dims_a]
    over_b = [wrap_dim("tensordot", d, len(b.shape)) for d in dims_b]
    for i, j in zip(over_a, over_b, strict=True):
        if b.shape[j] == 1:
            a = a.sum(i, keepdim=True).to(a.dtype)
        elif a.shape[i] == 1:
            b = b.sum(j, keepdim=True).to(b.dtype)
        elif a.shape[i] != b.shape[j]:
            raise ShapeError(
                f"tensordot: dim {i} of {list(a.shape)} and dim {j} of {list(b.shape)} differ"
            )
    rest_a = [d for d in range(len(a.shape)) if d not in over_a]
    rest_b = [d for d in range(len(b.shape)) if d not in over_b]
    shape = [a.shape[d] for d in rest_a] + [b.shape[d] for d in rest_b]
    k = numel([a.shape[d] for d in over_a])
    left = a.op("permute", rest_a + over_a).op("reshape", [numel(shape[: len(rest_a)]), k])
    right = b.op("permute", over_b + rest_b).op("reshape", [k, numel(shape[len(rest_a) :])])
    return left.op("mm", right).op("reshape", shape)


def _kron(a: Operand, b: Operand) -> Any:
    rank = max(len(a.shape), len(b.shape))
    x, y = ((1,) * (rank - len(t.shape)) + t.shape for t in (a, b))
    left = a.reshape(*(d for n in x for d in (n, 1)))
    right = b.reshape(*(d for n in y for d in (1, n)))
    return (left * right).reshape(*(m * n for m, n in zip(x, y, strict=True)))


def _addr(x: Operand, a: Operand, b: Operand, beta: float, alpha: float) -> Any:
    outer = a.op("outer", b)
    dtype = promote(x.dtype, outer.dtype)
    return _mixed(x.to(dtype), outer.to(dtype), beta, alpha)


def _addbmm(x: Operand, a: Operand, b: Operand, beta: float, alpha: float) -> Any:
    return _mixed(x, a.op("bmm", b).sum(0).to(a.dtype), beta, alpha)


def _mixed(x: Operand, y: Operand, beta: float, alpha: float) -> Operand:
    """``beta * x + alpha * y``; a beta of 0 leaves `x` out, NaN and all."""
    if not y.dtype.is_floating and not y.dtype.is_complex:
        alpha, beta = int(alpha), int(beta)
    y = (y if alpha == 1 else y * alpha).to(y.dtype)
    if beta == 0:
        return y
    return (x if beta == 1 else (x * beta).to(x.dtype)) + y


def _chain(tensors: Sequence[Operand]) -> Any:
    """Matrices multiplied one after another; a vector may stand at either end."""
    if len(tensors) < 1:
        raise ShapeError("multi_dot: needs matrices")
    result = tensors[0]
    for x in tensors[1:]:
        result = result.op("matmul", x)
    return result


def _vecdot(x: Operand, y: Operand, dim: int) -> Any:
    return (x.op("conj_physical") * y).sum(dim)


def _bilinear(a: Operand, b: Operand, weight: Operand, bias: Operand | None) -> Any:
    """``y[k] = sum over i, j of a[i] * weight[k, i, j] * b[j]``."""
    if len(weight.shape) != 3 or (a.shape[-1], b.shape[-1]) != weight.shape[1:]:
        raise ShapeError(
            f"bilinear: inputs {list(a.shape)}, {list(b.shape)} for weight {list(weight.shape)}"
        )
    k, i, j = weight.shape
    matrix = weight.op("permute", [1, 0, 2]).op("reshape", [i, k * j])
    partial = a.op("matmul", matrix).op("reshape", [*a.shape[:-1], k, j])
    y = (partial * b.op("unsqueeze", -2)).sum(-1).to(a.dtype)
    return y if bias is None else y + bias


def _infer_grouped(
    rows: TensorType, matrices: TensorType, ends: TensorType | None, bias: Any, dtype: int | None
) -> TensorType:
    expect_rank("_grouped_mm", "mat2", matrices, 3)
    groups = None if ends is None else ends.sizes
    if len(rows.sizes) != (3 if groups is None else 2):
        raise ShapeError(
            f"_grouped_mm: self {list(rows.sizes)} and mat2 {list(matrices.sizes)}; allowed: rows "
            "[n, k] with offs, or [g, m, k], times [g, k, n]"
        )
    count = rows.sizes[:1] if groups is None else groups
    if rows.sizes[-1] != matrices.sizes[1] or count != matrices.sizes[:1]:
        raise ShapeError(
            f"_grouped_mm: self {list(rows.sizes)}, mat2 {list(matrices.sizes)} and offs "
            f"{groups} do not fit"
        )
    if bias is not None or dtype not in (None, rows.element.code):
        raise UnsupportedError("_grouped_mm with a bias or another dtype")
    return tensor(rows.element, (*rows.sizes[:-1], matrices.sizes[2]))


def _grouped(rows: Array, matrices: Array, ends: Array | None, *_: Any) -> Array:
    """Each group of rows times its own matrix, as a mixture of experts needs it."""
    if ends is None:
        return np.asarray(rows @ matrices)
    y = np.zeros((rows.shape[0], matrices.shape[2]), rows.dtype)
    for start, end, matrix in zip((0, *ends[:-1]), ends, matrices, strict=True):
        y[start:end] = rows[start:end] @ matrix
    return y


composite(
    "aten::inner(Tensor self, Tensor other) -> Tensor",
    _inner,
    samples=((f32(2, 3, 5), f32(4, 5)), (f32(5), f32(5)), (f32(), f32(3))),
    kinds="ifc",
)
composite(
    "aten::tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor",
    _tensordot,
    samples=(
        (f32(2, 3, 4), f32(4, 3, 5), [1, 2], [1, 0]),
        (f32(2, 3), f32(4), [], []),
        (f64(3), f64(3), [0], [0]),
        (u8(2, 3), u8(1, 4), [1], [0]),
    ),
    kinds="ifc",
)
composite(
    "aten::kron(Tensor self, Tensor other) -> Tensor",
    _kron,
    samples=((f32(2, 3), f32(3, 2)), (f32(2), f32(3, 2, 2)), (f32(), f32(2))),
)
addr = composite(
    "aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    _addr,
    samples=(
        (f32(3, 4), f32(3), f32(4), 1, 1),
        (f32(3, 4), f32(3), f32(4), 0.5, 2.0),
        (f32(2, 3), i64(2), i64(3), 0.5, 0.5),
    ),
)
addbmm = composite(
    "aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> "
    "Tensor",
    _addbmm,
    samples=(
        (f32(3, 4), f32(2, 3, 5), f32(2, 5, 4), 1, 1),
        (f32(3, 4), f32(2, 3, 5), f32(2, 5, 4), 0, 0.5),
        (u8(3, 4), u8(2, 3, 5), u8(2, 5, 4), 1, 2),
    ),
    kinds="ifc",
)
for _name, _argument in (("linalg_multi_dot", "tensors"), ("chain_matmul", "matrices")):
    composite(
        f"aten::{_name}(Tensor[] {_argument}) -> Tensor",
        _chain,
        samples=(([f32(2, 3), f32(3, 5), f32(5, 4)],),),
    )
composite(
    "aten::linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor",
    _vecdot,
    samples=((f32(3, 4), f32(4), -1), (f32(3, 4), f32(3, 4), 0)),
    kinds="fc",
)
op(
    "aten::_grouped_mm(Tensor self, Tensor mat2, Tensor? offs=None, Tensor? bias=None, "
    "ScalarType? out_dtype=None) -> Tensor",
    reference=_grouped,
    infer=_infer_grouped,
    samples=(
        (f32(6, 8), f32(3, 8, 4), given([2, 2, 6], i32), None, None),
        (f32(2, 3, 8), f32(2, 8, 4), None, None, None),
    ),
    doc="Groups of rows end where `offs` says; of rows and columns both grouped nothing is known.",
    kinds="f",
)
composite(
    "aten::bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor",
    _bilinear,
    samples=(
        (f32(2, 3), f32(2, 4), f32(5, 3, 4), f32(5)),
        (f32(2, 7, 3), f32(2, 7, 4), f32(5, 3, 4), None),
    ),
    kinds="ifc",
)
inplace(addr, addbmm)


def _infer_by_rows(a: TensorType, b: TensorType) -> TensorType:
    assert matrix_product.infer is not None
    turned = tensor(b.element, (*b.sizes[:-2], *reversed(b.sizes[-2:])))
    result: TensorType = matrix_product.infer(a, turned)
    return result


def _by_rows(a: Array, b: Array) -> Array:
    _infer_by_rows(*(tensor(dtype_of(t), t.shape) for t in (a, b)))
    return product(a, np.swapaxes(b, -1, -2))


product_by_rows = op(
    "treadle::product_by_rows(Tensor a, Tensor b) -> Tensor",
    reference=_by_rows,
    infer=_infer_by_rows,
    lower=MatrixProduct(transpose_b=True),
    samples=(
        (f32(2, 3, 4, 5), f32(2, 3, 6, 5)), (f32(4, 20, 5), f32(1, 7, 5)), (f32(3, 0), f32(2, 0)),
    ),
    doc="``a @ b.mT`` of operands with at least two dims, whose rows are multiplied as they lie.",
)  # fmt: skip
