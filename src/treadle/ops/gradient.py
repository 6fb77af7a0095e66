"""Slopes of sampled functions by differences of the second order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of, floating
from treadle.ops.samples import boolean, f32, f64, given
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _dims(x: Any, dim: Any) -> list[int]:
    rank = len(x.shape)
    if dim is None:
        return list(range(rank))
    listed = [dim] if isinstance(dim, int) else list(dim)
    return [wrap_dim("gradient", d, rank) for d in listed]


def _spacings(spacing: Any, count: int) -> list[Any]:
    if spacing is None:
        return [1.0] * count
    if isinstance(spacing, int | float | complex):
        return [spacing] * count
    if len(spacing) != count:
        raise ShapeError(f"gradient: {len(spacing)} spacings for {count} dims")
    return list(spacing)


def _plan(x: Any, spacing: Any, dim: Any, edge_order: int) -> list[tuple[int, Any]]:
    """Each dim with its spacing.

    Raises:
        ShapeError: if the dims are too short, or spacings do not fit.
    """
    dims = _dims(x, dim)
    if edge_order not in (1, 2):
        raise ShapeError(f"gradient: argument edge_order must be 1 or 2, got {edge_order}")
    pairs = list(zip(dims, _spacings(spacing, len(dims)), strict=True))
    for d, step in pairs:
        if x.shape[d] < edge_order + 1:
            raise ShapeError(f"gradient: {x.shape[d]} elements along dim {d}; at least 2 or 3")
        if hasattr(step, "shape") and tuple(step.shape) != (x.shape[d],):
            raise ShapeError(f"gradient: spacing {list(step.shape)} along dim {d} of {x.shape[d]}")
    return pairs


def _reference(x: Array, spacing: Any, dim: Any, edge_order: int) -> list[Array]:
    final = floating(dtype_of(x)).numpy
    wide = x if x.dtype.kind == "c" else x.astype(np.float64)
    plan = _plan(x, spacing, dim, edge_order)
    slope: Any = np.gradient
    return [
        np.asarray(slope(wide, step, axis=d, edge_order=edge_order)).astype(final)
        for d, step in plan
    ]


def _infer(x: TensorType, spacing: Any, dim: Any, edge_order: int) -> list[TensorType]:
    result = tensor(floating(x.element), x.sizes)
    return [result for _ in _plan(x, spacing, dim, edge_order)]


_X = f32(4, 5)
_POINTS = [given([0.0, 1.0, 3.0, 3.5]), given([0.0, 1.0, 1.5, 4.0, 5.0])]
_FORMS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "scalarint": ("Scalar? spacing=None, int? dim=None", (None, None)),
    "scalararray": ("Scalar spacing, int[] dim", (2.0, [1, 0])),
    "scalarrayint": ("Scalar[] spacing, int? dim=None", ([0.5, 2.0], None)),
    "scalarrayarray": ("Scalar[] spacing, int[] dim", ([0.5], [1])),
    "tensorarrayint": ("Tensor[] spacing, int? dim=None", (_POINTS, None)),
    "tensorarray": ("Tensor[] spacing, int[] dim", (_POINTS, [0, 1])),
}
for _overload, (_arguments, _sample) in _FORMS.items():
    op(
        f"aten::gradient.{_overload}(Tensor self, *, {_arguments}, int edge_order=1) -> Tensor[]",
        reference=_reference,
        infer=_infer,
        samples=((_X, *_sample, 1), (_X, *_sample, 2)),
        kinds="sfc",
    )
op(
    "aten::gradient.array(Tensor self, *, int[] dim, int edge_order=1) -> Tensor[]",
    reference=lambda x, dim, edge_order: _reference(x, None, dim, edge_order),
    infer=lambda x, dim, edge_order: _infer(x, None, dim, edge_order),
    samples=((f64(5, 3), [0], 1), (f64(5, 3), [-1, 0], 2)),
    kinds="sfc",
)


# --- sums to a shape ----------------------------------------------------------------------------


def _sum_dims(x: Any, size: Sequence[int]) -> list[int]:
    """The dims that broadcasting from `size` would stretch."""
    extra = len(x.shape) - len(size)
    dims = [d for d in range(len(x.shape)) if d < extra or (size[d - extra] == 1 != x.shape[d])]
    fits = extra >= 0 and all(s in (1, n) for s, n in zip(size, x.shape[extra:], strict=True))
    if not fits:
        raise ShapeError(f"sum_to_size: {list(x.shape)} is no broadcast of {list(size)}")
    return dims


def _sum_dtype(x: Any, dims: Sequence[int], size: Sequence[int]) -> DType:
    """That of a sum; without one that of `x`. A sum to no dims is one in any case."""
    dtype = dtype_of(x)
    summed = (dims or not size) and (dtype.is_integral or dtype.kind == "b")
    return i64_dtype if summed else dtype


def _summed(x: Array, size: Sequence[int]) -> Array:
    dims = tuple(_sum_dims(x, size))
    dtype = _sum_dtype(x, dims, size).numpy
    return np.asarray(x.sum(dims, dtype).reshape(size)) if dims or not size else x


def _infer_summed(x: TensorType, size: Sequence[int]) -> TensorType:
    return tensor(_sum_dtype(x, _sum_dims(x, size), size), size)


op(
    "aten::sum_to_size(Tensor self, int[] size) -> Tensor",
    reference=_summed,
    infer=_infer_summed,
    samples=(
        (f32(2, 3, 4), [3, 1]),
        (f32(2, 3), [2, 3]),
        (f32(3), []),
        (boolean(2, 3), [1, 3]),
        (boolean(), []),
    ),
)
