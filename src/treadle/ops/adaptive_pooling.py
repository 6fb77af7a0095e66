"""Means over windows that give a size."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter, Pool, Window
from treadle.ops.pooling import check_nonempty
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f32, f64
from treadle.ops.shapes import expect_rank, inner, pair, tensor

Array = np.ndarray[Any, Any]


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


def adaptive_window(position: int, out: int, size: int) -> slice:
    """The input of output `position` of `out`, of `size` elements."""
    return slice(position * size // out, -(-(position + 1) * size // out))


def adaptive_shape(name: str, x: TensorType, size: Sequence[int], count: int) -> tuple[int, ...]:
    """The shape after pooling to `output_size`."""
    out = pair(name, "output_size", size, count)
    expect_rank(name, "input", x, count + 1, count + 2)
    check_nonempty(name, x.sizes, has_batch=True)
    if any(d < 0 for d in out):
        raise ShapeError(f"{name}: output_size must not be negative, got {list(out)}")
    return (*x.sizes[:-count], *out)


def adaptive_averaging(name: str, count: int) -> dict[str, Any]:
    """The rules of a mean over windows that give `output_size`."""

    def infer(x: TensorType, size: Sequence[int]) -> TensorType:
        return tensor(x.element, adaptive_shape(name, x, size, count))

    def reference(x: Array, size: Sequence[int]) -> Array:
        wide = x.astype(accumulation(dtype_of(x)).numpy)
        out = np.empty(adaptive_shape(name, _type(x), size, count), wide.dtype)
        counts, sizes = out.shape[-count:], x.shape[-count:]
        for position in itertools.product(*map(range, counts)):
            window = map(adaptive_window, position, counts, sizes)
            out[inner(position)] = wide[inner(window)].mean(axis=tuple(range(-count, 0)))
        return out.astype(x.dtype)

    def spec(result: TensorType, x: TensorType, size: Sequence[int]) -> Pool:
        return Pool("sum", None, divide="valid", adaptive_dims=count)

    windows = op(
        f"treadle::average_windows{count}d(Tensor self, int[] output_size) -> Tensor",
        reference=reference,
        infer=infer,
        lower=Window(spec),
        samples=((f32(*(2,) * (count + 1)), [2] * count),),
    )

    def build(emit: Emitter, x: Any, size: Sequence[int]) -> Any:
        """One window is a mean over rows."""
        if set(pair(name, "output_size", size, count)) == {1}:
            return emit("mean.dim", x, list(range(-count, 0)), True, None)
        return emit(windows, x, size)

    return {"reference": reference, "infer": infer, "lower": Decompose(build)}


adaptive_avg_pool2d = op(
    "aten::adaptive_avg_pool2d(Tensor self, int[2] output_size) -> Tensor",
    **adaptive_averaging("adaptive_avg_pool2d", 2),
    samples=(
        (f32(2, 3, 7, 7), [1, 1]),
        (f32(1, 5, 9, 10), [4, 3]),
        (f32(4, 6, 6), [7, 6]),
        (f32(1, 2, 1, 1), [1, 1]),
        (f64(2, 2, 5, 5), [5, 2]),
    ),
    kinds="f",
)
adaptive_avg_pool1d = op(
    "aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor",
    **adaptive_averaging("adaptive_avg_pool1d", 1),
    samples=(
        (f32(2, 3, 7), [1]),
        (f32(5, 9), [4]),
    ),
    kinds="f",
)
