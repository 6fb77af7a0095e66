"""Distances, cross products, diagonals and traces."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.composite import alias
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, f64, i64, u8
from treadle.ops.shapes import broadcast, tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


# --- distances ----------------------------------------------------------------------------------


def _infer_cdist(a: TensorType, b: TensorType, p: float, mode: int | None) -> TensorType:
    same_dtype("cdist", a, b)
    if len(a.sizes) < 2 or len(b.sizes) < 2 or a.sizes[-1] != b.sizes[-1] or p < 0:
        raise ShapeError(f"cdist needs [..., n, d], [..., m, d] and p >= 0, got {a}, {b} and {p}")
    batch = broadcast("cdist", a.sizes[:-2], b.sizes[:-2])
    return tensor(a.element, (*batch, a.sizes[-2], b.sizes[-2]))


def _cdist(a: Array, b: Array, p: float, mode: int | None) -> Array:
    result = _infer_cdist(_type(a), _type(b), p, mode)
    gap = np.abs(a[..., :, None, :] - b[..., None, :, :]).astype(np.float64)
    if p == 0:
        total = (gap != 0).sum(-1)
    elif math.isinf(p):
        total = gap.max(-1, initial=0)
    else:
        total = (gap**p).sum(-1) ** (1 / p)
    return np.asarray(total).astype(result.element.numpy)


def _decompose_cdist(emit: Emitter, a: Any, b: Any, p: float, mode: int | None) -> Any:
    gap = emit("sub.Tensor", emit("unsqueeze", a, -2), emit("unsqueeze", b, -3), 1)
    return emit("linalg_vector_norm", gap, p, [-1], False, None)


cdist = op(
    "aten::cdist(Tensor x1, Tensor x2, float p=2., int? compute_mode=None) -> Tensor",
    reference=_cdist,
    infer=_infer_cdist,
    lower=Decompose(_decompose_cdist),
    samples=(
        (f32(3, 4), f32(5, 4), 2.0, None),
        (f32(2, 3, 4), f32(2, 5, 4), 1.0, None),
        (f64(3, 2), f64(1, 2), 3.0, None),
    ),
    kinds="d",
)
alias(
    cdist,
    "aten::_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor",
)


# --- cross product ------------------------------------------------------------------------------


def _cross_dim(a: Any, b: Any, dim: int | None) -> int:
    shape = broadcast("cross", tuple(a.shape), tuple(b.shape))
    axis = (
        next((i for i, d in enumerate(shape) if d == 3), -1)
        if dim is None
        else wrap_dim("cross", dim, len(shape))
    )
    if axis < 0 or not len(a.shape) == len(b.shape) > 0 or a.shape[axis] != 3 or b.shape[axis] != 3:
        raise ShapeError(
            f"cross: dim {dim} of {list(a.shape)} and {list(b.shape)} must have size 3"
        )
    return axis


def _cross(a: Array, b: Array, dim: int | None) -> Array:
    _infer_cross(_type(a), _type(b), dim)
    axis = _cross_dim(a, b, dim)
    wide_a, wide_b = np.broadcast_arrays(a, b)
    return np.asarray(np.cross(wide_a, wide_b, axis=axis))


def _infer_cross(a: TensorType, b: TensorType, dim: int | None) -> TensorType:
    _cross_dim(a, b, dim)
    same_dtype("cross", a, b)
    return tensor(a.element, broadcast("cross", a.sizes, b.sizes))


def _decompose_cross(emit: Emitter, a: Any, b: Any, dim: int | None) -> Any:
    axis = _cross_dim(emit.type(a), emit.type(b), dim)

    def turned(x: Any, shift: int) -> Any:
        return emit("roll_dims", x, [shift], [axis])

    left = emit("mul.Tensor", turned(a, -1), turned(b, 1))
    return emit("sub.Tensor", left, emit("mul.Tensor", turned(a, 1), turned(b, -1)), 1)


_CROSSES = ((f32(4, 3), f32(4, 3), -1), (f32(3, 2), f32(3, 2), 0), (f64(3), f64(3), -1))
cross = op(
    "aten::cross(Tensor self, Tensor other, int? dim=None) -> Tensor",
    reference=_cross,
    infer=_infer_cross,
    lower=Decompose(_decompose_cross),
    samples=(*_CROSSES, (f32(2, 3), f32(2, 3), None)),
    kinds="ifc",
)
linalg_cross = op(
    "aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
    reference=_cross,
    infer=_infer_cross,
    lower=Decompose(_decompose_cross),
    samples=_CROSSES,
    kinds="ifc",
)


# --- diagonals ----------------------------------------------------------------------------------


def _trace(x: Array) -> Array:
    if x.ndim != 2:
        raise ShapeError(f"trace: expected 2 dims, got {list(x.shape)}")
    wide = np.int64 if x.dtype.kind in "iu" else x.dtype
    return np.asarray(np.trace(x, dtype=wide))


def _infer_trace(x: TensorType) -> TensorType:
    if len(x.sizes) != 2:
        raise ShapeError(f"trace: expected 2 dims, got {list(x.sizes)}")
    return tensor(i64_dtype if x.element.is_integral else x.element, ())


def _decompose_trace(emit: Emitter, x: Any) -> Any:
    return emit("sum", emit("diagonal", x, 0, 0, 1), None)


trace = op(
    "aten::trace(Tensor self) -> Tensor",
    reference=_trace,
    infer=_infer_trace,
    lower=Decompose(_decompose_trace),
    samples=((f32(3, 4),), (i64(3, 3),), (u8(2, 2),)),
    kinds="ifc",
)


def _diag(x: Array, diagonal: int) -> Array:
    if x.ndim not in (1, 2):
        raise ShapeError(f"diag: expected 1 or 2 dims, got {list(x.shape)}")
    return np.array(np.diag(x, diagonal))


def _infer_diag(x: TensorType, diagonal: int) -> TensorType:
    return tensor(x.element, _diag(np.empty(x.sizes, bool), diagonal).shape)


diag = op(
    "aten::diag(Tensor self, int diagonal=0) -> Tensor",
    reference=_diag,
    infer=_infer_diag,
    tolerance=EXACT,
    samples=((f32(3), 0), (f32(3), -1), (f32(3, 4), 1)),
)


def _fill_diagonal(x: Array, value: float, wrap: bool) -> Array:
    if x.ndim < 2:
        raise ShapeError(f"fill_diagonal_: expected at least 2 dims, got {list(x.shape)}")
    np.fill_diagonal(x, value, wrap)
    return x


fill_diagonal = op(
    "aten::fill_diagonal_(Tensor(a!) self, Scalar fill_value, bool wrap=False) -> Tensor(a!)",
    reference=_fill_diagonal,
    infer=lambda x, *_: x,
    tolerance=EXACT,
    samples=((f32(3, 4), 1.5, False), (f32(7, 3), 2.0, True)),
)


# --- similarity ---------------------------------------------------------------------------------


def _infer_cosine(a: TensorType, b: TensorType, dim: int, eps: float) -> TensorType:
    shape = broadcast("cosine_similarity", a.sizes, b.sizes)
    axis = wrap_dim("cosine_similarity", dim, len(shape))
    same_dtype("cosine_similarity", a, b)
    return tensor(a.element, shape[:axis] + shape[axis + 1 :])


def _cosine(a: Array, b: Array, dim: int, eps: float) -> Array:
    result = _infer_cosine(_type(a), _type(b), dim, eps)
    a, b = np.broadcast_arrays(a, b)
    lengths = (np.maximum(np.sqrt((v * v).sum(dim, keepdims=True)), eps) for v in (a, b))
    u, v = (x / n for x, n in zip((a, b), lengths, strict=True))
    return np.asarray((u * v).sum(dim)).astype(result.element.numpy)


def _decompose_cosine(emit: Emitter, a: Any, b: Any, dim: int, eps: float) -> Any:
    def unit(x: Any) -> Any:
        length = emit("linalg_vector_norm", x, 2, [axis], True, None)
        return emit("div.Tensor", x, emit("clamp_min", length, eps))

    rank = len(broadcast("cosine_similarity", emit.type(a).sizes, emit.type(b).sizes))
    axis = wrap_dim("cosine_similarity", dim, rank) - rank
    a, b = emit("broadcast_tensors", [a, b])
    return emit("sum.dim_IntList", emit("mul.Tensor", unit(a), unit(b)), [axis], False, None)


cosine_similarity = op(
    "aten::cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor",
    reference=_cosine,
    infer=_infer_cosine,
    lower=Decompose(_decompose_cosine),
    samples=((f32(3, 5), f32(3, 5), 1, 1e-8), (f32(3, 5), f32(1, 5), 0, 1e-8)),
    kinds="f",
)
