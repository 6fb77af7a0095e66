"""Resizing of images by weighted means of the four neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.ir.dtypes import DType
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.byte_images import SAMPLES, floats_or_bytes, shares_of_taps
from treadle.ops.declare import op
from treadle.ops.expr import add, call, cast, const, div, extent, mul, sub, varying
from treadle.ops.lowering import Elements, Loader
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.resize import by_vector, linear_step, resized_shape
from treadle.ops.samples import f32, f64, i64
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def _weights(
    size: int, out: int, align: bool, factor: float | None, dtype: Any
) -> tuple[Array, Array, Array]:
    """The two input positions of each output position, and the weight of the second."""
    scale = dtype.type(linear_step(size, out, align, factor))
    position = np.arange(out, dtype=dtype)
    source = (
        position * scale
        if align
        else np.maximum((position + dtype.type(0.5)) * scale - dtype.type(0.5), 0)
    )
    low = np.minimum(np.floor(source).astype(np.int64), size - 1)
    return low, np.minimum(low + 1, size - 1), (source - low).astype(dtype)


def _bilinear(x: Array, size: Sequence[int], align: bool, *factors: float | None) -> Array:
    _infer_bilinear(tensor(dtype_of(x), x.shape), size)
    dtype = accumulation(dtype_of(x)).numpy
    y = x.astype(dtype)
    for axis, (out, factor) in enumerate(zip(size, factors, strict=True), 2):
        low, high, weight = _weights(x.shape[axis], out, align, factor, dtype)
        weight = weight.reshape([-1 if i == axis else 1 for i in range(y.ndim)])
        y = np.take(y, low, axis) * (1 - weight) + np.take(y, high, axis) * weight
    return y.astype(x.dtype)


def _infer_bilinear(x: TensorType, size: Sequence[int], *_: Any) -> TensorType:
    return tensor(x.element, resized_shape("upsample_bilinear2d", x, size))


def _step(have: int, out: int, align: bool, factor: float | None, dtype: DType) -> Expr:
    """`linear_step`, from sizes that a kernel gets when it runs, unless a factor says it."""
    if (factor is not None and have != out) or (align and out == 1):
        return const(linear_step(have, out, align, factor), dtype)
    ends = int(align)
    return div(varying(have - ends, dtype), varying(out - ends, dtype))


def _bilinear_element(
    load: Loader,
    positions: Sequence[Expr],
    result: TensorType,
    x: TensorType,
    size: Sequence[int],
    align: bool,
    *factors: float | None,
) -> Expr:
    dtype, i64_dtype = accumulation(result.element), i64(0).dtype
    sides = []
    for p, have, out, factor in zip(positions[2:], x.sizes[2:], size, factors, strict=True):
        scale, half = _step(have, out, align, factor, dtype), const(0.5, dtype)
        source = mul(cast(p, dtype), scale)
        if not align:
            source = sub(mul(add(cast(p, dtype), half), scale), half)
            source = call("max", source, const(0, dtype))
        low = call("min", cast(call("floor", source), i64_dtype), extent(have - 1))
        high = call("min", add(low, extent(1)), extent(have - 1))
        sides.append((low, high, sub(source, cast(low, dtype))))
    (top, bottom, down), (left, right, across) = sides

    def row(y: Expr) -> Expr:
        a, b = (cast(load(0, [*positions[:2], y, c]), dtype) for c in (left, right))
        return add(mul(a, sub(const(1, dtype), across)), mul(b, across))

    mixed = add(mul(row(top), sub(const(1, dtype), down)), mul(row(bottom), down))
    return cast(mixed, result.element)


_SIZES = "int[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None"
_floats = op(
    f"treadle::upsample_bilinear2d.floats(Tensor self, {_SIZES}) -> Tensor",
    reference=_bilinear,
    infer=_infer_bilinear,
    lower=Elements(_bilinear_element),
    samples=(
        (f32(1, 2, 3, 4), [6, 8], False, None, None),
        (f32(1, 2, 5, 7), [3, 9], True, None, None),
        (f32(1, 1, 1, 1), [3, 2], False, None, None),
        (f64(2, 1, 4, 4), [10, 6], False, 2.5, 1.5),
        (f32(1, 1, 4, 4), [1, 1], True, None, None),
        (f32(1, 2, 6, 9), [6, 15], False, 1.1, 1.7),
    ),
    kinds="f",
    doc="The bilinear resizing of floating numbers.",
)


def _mixture(size: int, out: int, align: bool, factor: float | None) -> Array:
    low, high, part = _weights(size, out, align, factor, np.dtype(np.float64))
    return shares_of_taps((low, high), (1 - part, part), size)


bilinear2d = floats_or_bytes(
    f"aten::upsample_bilinear2d(Tensor self, {_SIZES}) -> Tensor", _floats, _mixture, SAMPLES
)
by_vector(
    "aten::upsample_bilinear2d.vec(Tensor input, int[]? output_size, bool align_corners, "
    "float[]? scale_factors) -> Tensor",
    bilinear2d,
    ((f32(1, 2, 3, 4), None, False, [2.0, 1.5]), (f32(1, 2, 3, 4), [5, 5], True, None)),
)
