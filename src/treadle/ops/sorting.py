"""Order: sort, topk, ranks, distinct values."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Decompose, Emitter, Order
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, f16, f32, given, i64
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _order(x: Array, axis: int, descending: bool) -> Array:
    """Positions in stable order, NaN as the largest."""
    keys = x.astype(np.float64) if x.dtype.kind in "fV" else x.astype(np.int64)
    if not descending:
        return np.argsort(keys, axis=axis, kind="stable")
    turned = np.flip(keys, axis)
    order = np.flip(np.argsort(turned, axis=axis, kind="stable"), axis)
    return np.asarray(x.shape[axis] - 1 - order)


def _sort(x: Array, dim: int, descending: bool) -> tuple[Array, Array]:
    axis = wrap_dim("sort", dim, x.ndim)
    if x.ndim == 0:
        return x.copy(), np.zeros((), np.int64)
    order = _order(x, axis, descending)
    return np.take_along_axis(x, order, axis), order.astype(np.int64)


def _infer_sort(x: TensorType, dim: int, descending: bool) -> tuple[TensorType, TensorType]:
    wrap_dim("sort", dim, len(x.sizes))
    return x, tensor(i64_dtype, x.sizes)


def _infer_first(
    x: TensorType, dim: int, descending: bool, count: int
) -> tuple[TensorType, TensorType]:
    axis = wrap_dim("first_in_order", dim, len(x.sizes))
    if not 0 <= count <= x.sizes[axis]:
        raise IndexOutOfRange(f"first_in_order: {count} of {x.sizes[axis]} elements")
    shape = [count if d == axis else n for d, n in enumerate(x.sizes)]
    return tensor(x.element, shape), tensor(i64_dtype, shape)


def _first(x: Array, dim: int, descending: bool, count: int) -> tuple[Array, Array]:
    _infer_first(tensor(dtype_of(x), x.shape), dim, descending, count)
    part = (slice(None),) * wrap_dim("first_in_order", dim, x.ndim) + (slice(count),)
    values, indices = _sort(x, dim, descending)
    return np.array(values[part]), np.array(indices[part])


first_in_order = op(
    "treadle::first_in_order(Tensor self, int dim, bool descending, int count) -> "
    "(Tensor values, Tensor indices)",
    reference=_first,
    infer=_infer_first,
    lower=Order(lambda result, x, dim, descending, count: (dim, descending)),
    tolerance=EXACT,
    samples=((f32(3, 7), 1, False, 7), (f32(40, 3), 0, True, 2), (i64(9), 0, True, 9)),
)


def decompose_order(
    emit: Emitter, x: Any, dim: int, descending: bool, count: int | None = None
) -> tuple[Any, Any]:
    """Values and indices at the first places, or all, of the sorted order along `dim`."""
    type_ = emit.type(x)
    axis = wrap_dim("sort", dim, len(type_.sizes))
    if not type_.sizes:
        return emit("clone", x, None), np.zeros((), np.int64)
    count = type_.sizes[axis] if count is None else count
    shape = (*type_.sizes[:axis], count, *type_.sizes[axis + 1 :])
    if 0 in shape:
        return np.zeros(shape, type_.element.numpy), np.zeros(shape, np.int64)
    return emit(first_in_order, x, axis, descending, count)  # type: ignore[no-any-return]


_SORTS = (
    (f32(3, 7), -1, False), (f32(3, 7), 0, True), (f32(), 0, False), (f32(0, 3), 0, False),
    (given([3.0, float("nan"), 1.0, 2.0]), 0, False), (given([3.0, float("nan"), 1.0]), 0, True),
    (f16(5), 0, False),
)  # fmt: skip
_STABLE = ((i64(9), 0, False), (i64(9), 0, True), (boolean(5), 0, False))


def _stable(samples: Any) -> Any:
    return tuple((x, True, *rest) for x, *rest in samples)


sort = op(
    "aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)",
    reference=_sort,
    infer=_infer_sort,
    lower=Decompose(decompose_order),
    tolerance=EXACT,
    samples=_SORTS,
    kinds="bif",
)
sort_stable = op(
    "aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) "
    "-> (Tensor values, Tensor indices)",
    reference=lambda x, _, dim, descending: _sort(x, dim, descending),
    infer=lambda x, _, dim, descending: _infer_sort(x, dim, descending),
    lower=Decompose(lambda emit, x, _, *rest: decompose_order(emit, x, *rest)),
    tolerance=EXACT,
    samples=_stable((*_SORTS, *_STABLE)),
    kinds="bif",
)
argsort = op(
    "aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor",
    reference=lambda x, dim, descending: _sort(x, dim, descending)[1],
    infer=lambda x, dim, descending: _infer_sort(x, dim, descending)[1],
    lower=Decompose(lambda *args: decompose_order(*args)[1]),
    tolerance=EXACT,
    samples=_SORTS,
    kinds="bif",
)
argsort_stable = op(
    "aten::argsort.stable(Tensor self, *, bool stable, int dim=-1, bool descending=False) "
    "-> Tensor",
    reference=lambda x, _, dim, descending: _sort(x, dim, descending)[1],
    infer=lambda x, _, dim, descending: _infer_sort(x, dim, descending)[1],
    lower=Decompose(lambda emit, x, _, *rest: decompose_order(emit, x, *rest)[1]),
    tolerance=EXACT,
    samples=_stable(_STABLE),
    kinds="bif",
)


def _check_k(x: Any, k: int, dim: int) -> int:
    axis = wrap_dim("topk", dim, len(x.shape))
    size = x.shape[axis] if x.shape else 1
    if not 0 <= k <= size:
        raise IndexOutOfRange(f"topk: k {k} of {size} elements")
    return axis


def _topk(x: Array, k: int, dim: int, largest: bool, sorted_: bool) -> tuple[Array, Array]:
    axis = _check_k(x, k, dim)
    values, indices = _sort(x, dim, largest)
    if x.ndim == 0:
        return values, indices
    part = (slice(None),) * axis + (slice(k),)
    return np.array(values[part]), np.array(indices[part])


def _infer_topk(
    x: TensorType, k: int, dim: int, largest: bool, sorted_: bool
) -> tuple[TensorType, TensorType]:
    axis = _check_k(x, k, dim)
    shape = [k if i == axis else d for i, d in enumerate(x.sizes)]
    return tensor(x.element, shape), tensor(i64_dtype, shape)


def _decompose_topk(
    emit: Emitter, x: Any, k: int, dim: int, largest: bool, sorted_: bool
) -> tuple[Any, Any]:
    _check_k(emit.type(x), k, dim)
    return decompose_order(emit, x, dim, largest, k)


topk = op(
    "aten::topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> "
    "(Tensor values, Tensor indices)",
    reference=_topk,
    infer=_infer_topk,
    lower=Decompose(_decompose_topk),
    tolerance=EXACT,
    samples=(
        (f32(3, 7), 3, -1, True, True),
        (f32(5, 2), 2, 0, False, True),
        (f32(4), 0, 0, True, True),
    ),
    kinds="if",
)


def _median(x: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """Of a row with NaN in it, the first NaN."""
    middle = _middle(x, dim)
    if x.ndim == 0 or x.dtype.kind not in "fV":
        return _kth(x, middle, dim, keepdim)
    values, indices = _kth(x, middle, dim, True)
    bad = np.isnan(x.astype(np.float64))
    found = bad.any(dim, keepdims=True)
    indices = np.where(found, bad.argmax(dim, keepdims=True), indices)
    values = np.where(found, np.array(np.nan, x.dtype), values)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


def _middle(x: Any, dim: int) -> int:
    """The rank of the median, the lower of two."""
    size = x.shape[wrap_dim("median", dim, len(x.shape))] if x.shape else 1
    if size == 0:
        raise IndexOutOfRange("median: no elements")
    return int(size + 1) // 2


def _check_kth(x: Any, k: int, dim: int) -> int:
    if k < 1:
        raise IndexOutOfRange(f"kthvalue: k {k} must be positive")
    return _check_k(x, k, dim)


def _kth(x: Array, k: int, dim: int, keepdim: bool) -> tuple[Array, Array]:
    axis = _check_kth(x, k, dim)
    values, indices = _sort(x, dim, False)
    if x.ndim == 0:
        return values, indices
    picked = [np.take(v, [k - 1], axis) for v in (values, indices)]
    return tuple(p if keepdim else p.squeeze(axis) for p in picked)  # type: ignore[return-value]


def _infer_kth(x: TensorType, k: int, dim: int, keepdim: bool) -> tuple[TensorType, TensorType]:
    axis = _check_kth(x, k, dim)
    shape = [1 if i == axis else d for i, d in enumerate(x.sizes) if keepdim or i != axis]
    return tensor(x.element, shape), tensor(i64_dtype, shape)


def _decompose_kth(emit: Emitter, x: Any, k: int, dim: int, keepdim: bool) -> tuple[Any, Any]:
    axis = _check_kth(emit.type(x), k, dim)
    results = decompose_order(emit, x, dim, False, k)
    if not emit.type(x).sizes:
        return results
    picked = [emit("narrow", r, axis, k - 1, 1) for r in results]
    values, indices = (p if keepdim else emit("squeeze.dim", p, axis) for p in picked)
    return values, indices


def _decompose_median(emit: Emitter, x: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The middle; if the largest is NaN, that, where it is met first."""
    type_ = emit.type(x)
    values, indices = _decompose_kth(emit, x, _middle(type_, dim), dim, keepdim)
    if not type_.sizes or not type_.element.is_floating:
        return values, indices
    axis = wrap_dim("median", dim, len(type_.sizes))
    bad = emit("isnan", emit("amax", x, [axis], keepdim))
    first = emit("argmax", x, axis, keepdim)
    nan = np.full((), np.nan, type_.element.numpy)
    return emit("where.self", bad, nan, values), emit("where.self", bad, first, indices)


kthvalue = op(
    "aten::kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> (Tensor "
    "values, Tensor indices)",
    reference=_kth,
    infer=_infer_kth,
    lower=Decompose(_decompose_kth),
    tolerance=EXACT,
    samples=((f32(3, 7), 2, -1, False), (f32(5), 5, 0, True)),
    kinds="if",
)
median_dim = op(
    "aten::median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    reference=_median,
    infer=lambda x, dim, keepdim: _infer_kth(x, _middle(x, dim), dim, keepdim),
    lower=Decompose(_decompose_median),
    tolerance=EXACT,
    samples=(
        (f32(3, 7), -1, False),
        (f32(4, 2), 0, True),
        (i64(5), 0, False),
        (f32(), 0, False),
        (given([[3.0, float("nan"), 1.0], [2.0, 3.0, 1.0]]), 1, False),
    ),
    kinds="if",
)
