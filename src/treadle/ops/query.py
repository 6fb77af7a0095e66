"""Questions about a tensor, answered by plain Python values, and conversions of single elements.

`infer` of a question answers it from the type alone; it is None where the answer is in the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType, c64, c128, f64
from treadle.ir.dtypes import f32 as f32_dtype
from treadle.ir.symbols import as_int
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import const
from treadle.ops.lowering import Elements
from treadle.ops.promotion import dtype_of, result_dtype
from treadle.ops.samples import boolean, f32, given, i64
from treadle.ops.shapes import numel, tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _size(x: Any) -> list[int]:
    return list(x.shape)


def _size_of(x: Any, dim: int) -> int:
    if not len(x.shape):
        raise ShapeError(f"size: dim {dim} of a tensor without dims")
    return as_int(x.shape[wrap_dim("size", dim, len(x.shape))])


def _length(x: Any) -> int:
    if not len(x.shape):
        raise ShapeError("len() of a tensor without dims")
    return as_int(x.shape[0])


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


def _dtype_of_number(a: Any) -> DType:
    """The widest dtype of its kind, unlike that of `torch.tensor`."""
    found = dtype_of(a)
    return {f32_dtype: f64, c64: c128}.get(found, found)


number_to_tensor = op(
    "prim::NumToTensor.Scalar(Scalar a) -> Tensor",
    reference=lambda a: np.asarray(a, _dtype_of_number(a).numpy),
    infer=lambda a: tensor(_dtype_of_number(a), ()),
    lower=Elements(lambda load, positions, result, a: const(a, result.element)),
    tolerance=EXACT,
    samples=((3,), (2.5,), (True,)),
)
item = op(
    "aten::item(Tensor self) -> Scalar",
    reference=lambda x: _only("item", x),
    samples=((f32(1),), (i64(),), (boolean(1),)),
)


def _implicit(name: str, x: Array) -> Any:
    """The element of a tensor without dims, where a script has the tensor for a number."""
    if x.ndim:
        raise ShapeError(f"{name}: a tensor of {x.ndim} dims stands for a number")
    return x[()].item()


def _integral(x: Array) -> int:
    if x.dtype.kind not in "iu":
        raise ShapeError(f"IntImplicit: a tensor of {dtype_of(x)} stands for an integer")
    return int(_implicit("IntImplicit", x))


int_implicit = op(
    "aten::IntImplicit(Tensor a) -> int",
    reference=_integral,
    samples=((i64(),),),
)
float_implicit = op(
    "aten::FloatImplicit(Tensor a) -> float",
    reference=lambda x: float(_implicit("FloatImplicit", x)),
    samples=((f32(),),),
)
scalar_implicit = op(
    "aten::ScalarImplicit(Tensor a) -> Scalar",
    reference=lambda x: _implicit("ScalarImplicit", x),
    samples=((f32(),),),
)


# --- dtype and memory ---------------------------------------------------------------------------


def _strides(x: Array) -> list[int]:
    return [s // x.itemsize for s in x.strides]


def _is_contiguous(x: Array, memory_format: int = 0) -> bool:
    if memory_format == 0:
        return bool(x.flags.c_contiguous)
    order = (0, 2, 3, 1) if x.ndim == 4 else (0, 2, 3, 4, 1)
    return x.ndim in (4, 5) and bool(x.transpose(order).flags.c_contiguous)


def _answer(schema: str, rule: Any, samples: tuple[tuple[Any, ...], ...] = ((f32(2, 3),),)) -> None:
    """A question whose answer is in the type."""
    op(schema, reference=rule, infer=rule, samples=samples)


_answer(
    "aten::is_floating_point(Tensor self) -> bool",
    lambda x: dtype_of(x).is_floating,
    ((f32(2),), (i64(2),)),
)
_answer("aten::is_complex(Tensor self) -> bool", lambda x: dtype_of(x).is_complex)
_answer(
    "aten::is_signed(Tensor self) -> bool",
    lambda x: dtype_of(x).kind not in "bu",
    ((f32(2),), (boolean(2),)),
)
for _question in ("is_conj", "is_neg", "is_inference"):
    _answer(f"aten::{_question}(Tensor self) -> bool", lambda x: False)
_answer("aten::element_size(Tensor self) -> int", lambda x: dtype_of(x).itemsize)
_answer("prim::dtype(Tensor a) -> int", lambda x: dtype_of(x).code)
_answer("prim::layout(Tensor a) -> Layout", lambda x: 0)
_answer("prim::is_cuda(Tensor a) -> bool", lambda x: False)
_answer("prim::grad(Tensor a) -> Tensor(*)", lambda x: None)
_answer("prim::requires_grad(Tensor a) -> bool", lambda x: False)
_answer("prim::is_cpu(Tensor a) -> bool", lambda x: True)
_answer("aten::is_leaf(Tensor self) -> bool", lambda x: True)
_answer("prim::itemsize(Tensor a) -> int", lambda x: dtype_of(x).itemsize)
_answer("prim::nbytes(Tensor a) -> int", lambda x: numel(x.shape) * dtype_of(x).itemsize)
_answer("prim::is_sparse(Tensor a) -> bool", lambda x: False)
_answer("prim::is_quantized(Tensor a) -> bool", lambda x: False)
_answer(
    "aten::result_type.Tensor(Tensor tensor, Tensor other) -> ScalarType",
    lambda a, b: result_dtype(a, b).code,
    (),
)
_answer(
    "aten::result_type.Scalar_Tensor(Scalar scalar, Tensor tensor) -> ScalarType",
    lambda a, b: result_dtype(a, b).code,
    (),
)
_answer(
    "aten::result_type.Scalar(Tensor tensor, Scalar other) -> ScalarType",
    lambda a, b: result_dtype(a, b).code,
    (),
)
stride = op(
    "aten::stride(Tensor self) -> int[]",
    reference=_strides,
    samples=((f32(2, 3),), (f32(2, 3, layout="transposed"),)),
)
stride_of = op(
    "aten::stride.int(Tensor self, int dim) -> int",
    reference=lambda x, dim: _strides(x)[wrap_dim("stride", dim, x.ndim)],
    samples=((f32(2, 3), 0),),
)
is_contiguous = op(
    "aten::is_contiguous(Tensor self) -> bool",
    reference=_is_contiguous,
    samples=((f32(2, 3),), (f32(2, 3, layout="transposed"),)),
)
is_contiguous_format = op(
    "aten::is_contiguous.memory_format(Tensor self, MemoryFormat memory_format) -> bool",
    reference=_is_contiguous,
    samples=((f32(2, 3), 0),),
)
