"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter, MatrixProduct
from treadle.ops.promotion import accumulation, dtype_of, result_dtype
from treadle.ops.samples import f16, f32, f64, i32, i64
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
    kinds="ifc",
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


def _decompose_product(emit: Emitter, a: Any, b: Any) -> Any:
    """A contraction of floats; of integers, products that are summed."""
    dtype = emit.type(a).element
    if not dtype.is_integral:
        return emit(matrix_product, a, b)
    terms = emit("mul.Tensor", emit("unsqueeze", a, -1), emit("unsqueeze", b, -3))
    total = emit("sum.dim_IntList", terms, [-2], False, None)
    return emit("to.dtype", total, dtype.code, False, False, None)


def _decompose_matmul(emit: Emitter, a: Any, b: Any) -> Any:
    row, column = len(emit.type(a).sizes) == 1, len(emit.type(b).sizes) == 1
    if row:
        a = emit("unsqueeze", a, 0)
    if column:
        b = emit("unsqueeze", b, 1)
    y = _decompose_product(emit, a, b)
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
    kinds="ifc",
)


# --- by rank ------------------------------------------------------------------------------------


def _ranked(schema: str, name: str, ranks: tuple[int, int], samples: Any) -> OpDef:
    """A matmul of operands of fixed ranks."""

    def infer(a: TensorType, b: TensorType) -> TensorType:
        expect_rank(name, "the first operand", a, ranks[0])
        expect_rank(name, "the second operand", b, ranks[1])
        same_dtype(name, a, b)
        if len(a.sizes) == 3 and a.sizes[0] != b.sizes[0]:
            raise ShapeError(f"{name}: batches {a.sizes[0]} and {b.sizes[0]} differ")
        return _infer_matmul(a, b)

    def reference(a: Array, b: Array) -> Array:
        infer(_type(a), _type(b))
        return product(a, b)

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Decompose(_decompose_matmul),
        samples=samples,
        kinds="ifc",
    )


_INTEGERS = ((i64(2, 3), i64(3, 2)), (i32(2, 0), i32(0, 3)))
mm = _ranked("aten::mm(Tensor self, Tensor mat2) -> Tensor", "mm", (2, 2), (*_MATRICES, *_INTEGERS))
bmm = _ranked(
    "aten::bmm(Tensor self, Tensor mat2) -> Tensor",
    "bmm",
    (3, 3),
    ((f32(2, 3, 4), f32(2, 4, 5)), (f32(0, 3, 4), f32(0, 4, 5)), (f64(1, 1, 1), f64(1, 1, 1))),
)
mv = _ranked(
    "aten::mv(Tensor self, Tensor vec) -> Tensor",
    "mv",
    (2, 1),
    ((f32(3, 5), f32(5)), (f32(0, 5), f32(5))),
)
dot = _ranked(
    "aten::dot(Tensor self, Tensor tensor) -> Tensor",
    "dot",
    (1, 1),
    ((f32(5), f32(5)), (f64(0), f64(0))),
)


def _conjugated(a: Array, b: Array) -> Array:
    assert dot.reference is not None
    return np.asarray(dot.reference(np.conj(a) if a.dtype.kind == "c" else a, b))


vdot = op(
    "aten::vdot(Tensor self, Tensor other) -> Tensor",
    reference=_conjugated,
    infer=dot.infer,
    lower=dot.lower,
    samples=((f32(5), f32(5)),),
    kinds="ifc",
)


def _infer_outer(a: TensorType, b: TensorType) -> TensorType:
    expect_rank("outer", "self", a, 1)
    expect_rank("outer", "vec2", b, 1)
    return tensor(result_dtype(a, b), (a.sizes[0], b.sizes[0]))


def _outer(a: Array, b: Array) -> Array:
    final = _infer_outer(_type(a), _type(b)).element
    wide = accumulation(final).numpy
    return np.asarray(np.multiply.outer(a.astype(wide), b.astype(wide))).astype(final.numpy)


def _decompose_outer(emit: Emitter, a: Any, b: Any) -> Any:
    return emit("mul.Tensor", emit("unsqueeze", a, 1), b)


_OUTERS = ((f32(3), f32(4)), (f32(0), f32(2)), (i64(2), f32(3)))
outer = op(
    "aten::outer(Tensor self, Tensor vec2) -> Tensor",
    reference=_outer,
    infer=_infer_outer,
    lower=Decompose(_decompose_outer),
    samples=_OUTERS,
)
ger = op(
    "aten::ger(Tensor self, Tensor vec2) -> Tensor",
    reference=_outer,
    infer=_infer_outer,
    lower=Decompose(_decompose_outer),
    samples=_OUTERS,
)


# --- with an addend -----------------------------------------------------------------------------


def _scales(x: TensorType, beta: float, alpha: float) -> tuple[float, float]:
    """Both factors; whole numbers for integers."""
    is_whole = x.element.is_integral
    return (int(beta), int(alpha)) if is_whole else (beta, alpha)


def _added(schema: str, name: str, inner: OpDef, samples: Any) -> OpDef:
    """``beta * addend + alpha * (a @ b)``; with beta 0 the addend does not matter, even NaN."""

    def infer(
        addend: TensorType, a: TensorType, b: TensorType, beta: float, alpha: float
    ) -> TensorType:
        assert inner.infer is not None
        result = inner.infer(a, b)
        assert isinstance(result, TensorType)
        same_dtype(name, addend, a)
        if broadcast(name, result.sizes, addend.sizes) != result.sizes:
            raise ShapeError(f"{name}: {addend} does not broadcast to the product {result}")
        return result

    def reference(addend: Array, a: Array, b: Array, beta: float, alpha: float) -> Array:
        shape = infer(_type(addend), _type(a), _type(b), beta, alpha).sizes
        wide = accumulation(dtype_of(a)).numpy
        beta, alpha = _scales(_type(a), beta, alpha)
        y = np.matmul(a.astype(wide), b.astype(wide)) * alpha
        y = y if beta == 0 else y + addend.astype(wide) * beta
        return np.asarray(np.broadcast_to(y, shape)).astype(a.dtype)

    def build(emit: Emitter, addend: Any, a: Any, b: Any, beta: float, alpha: float) -> Any:
        y = emit(inner, a, b)
        beta, alpha = _scales(emit.type(a), beta, alpha)
        y = y if alpha == 1 else emit("mul.Scalar", y, alpha)
        return y if beta == 0 else emit("add.Tensor", y, addend, beta)

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Decompose(build),
        samples=samples,
        kinds="ifc",
    )


addmm = _added(
    "aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) "
    "-> Tensor",
    "addmm",
    mm,
    (
        (f32(4), f32(3, 5), f32(5, 4), 1, 1),
        (f32(3, 4), f32(3, 5), f32(5, 4), 0.5, 2),
        (f64(1), f64(2, 3), f64(3, 2), 0, 1),
    ),
)
baddbmm = _added(
    "aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar "
    "alpha=1) -> Tensor",
    "baddbmm",
    bmm,
    ((f32(2, 3, 5), f32(2, 3, 4), f32(2, 4, 5), 1, 0.5),),
)
addmv = _added(
    "aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    "addmv",
    mv,
    (
        (f32(3), f32(3, 5), f32(5), 1, 1),
        (f32(1), f32(3, 5), f32(5), 2, 0.5),
        (i64(3), i64(3, 5), i64(5), 2.5, 1.5),
    ),
)
inplace(addmm, baddbmm, addmv)
