"""Resizing with antialiasing: each output element is a weighted mean over all that it covers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import u8
from treadle.ops.byte_images import SAMPLES, resized_bytes
from treadle.ops.composite import Operand, composite
from treadle.ops.promotion import accumulation
from treadle.ops.resize import by_vector, linear_step, resized_shape
from treadle.ops.samples import f32, f64

Array = np.ndarray[Any, Any]


def _triangle(distance: Array) -> Array:
    return np.asarray(np.maximum(1 - distance, 0))


def _cubic(distance: Array) -> Array:
    """Keys, "Cubic Convolution Interpolation for Digital Image Processing", with a = -1/2."""
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))


def _lanczos(distance: Array) -> Array:
    """Duchon, "Lanczos Filtering in One and Two Dimensions", with three lobes."""
    return np.where(distance < 3, np.sinc(distance) * np.sinc(distance / 3), 0)


def _mixture(
    curve: Callable[[Array], Array], reach: int, size: int, out: int, step: float
) -> Array:
    """What each of `size` input positions gives to each of `out` outputs; rows sum to one.

    Where the image shrinks, the curve is stretched by `step`, so that it covers whole outputs.
    """
    stretch = max(step, 1.0)
    center = step * (np.arange(out) + 0.5)
    first = np.maximum((center - reach * stretch + 0.5).astype(np.int64), 0)
    last = np.minimum((center + reach * stretch + 0.5).astype(np.int64), size)
    position = np.arange(size)
    weights = curve(np.abs((position + 0.5 - center[:, None]) / stretch))
    inside = (position >= first[:, None]) & (position < last[:, None])
    weights = np.where(inside, weights, 0)
    total = weights.sum(1, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def _antialiased(name: str, curve: Callable[[Array], Array], reach: int) -> Any:
    def body(x: Operand, size: Sequence[int], align: bool, *factors: float | None) -> Any:
        if len(size) != 2:
            raise ShapeError(f"{name}: output_size {list(size)}; allowed: height and width")
        if not x.dtype.is_floating and x.dtype != u8:
            raise UnsupportedError(f"{name} of {x.dtype}; allowed: floating-point numbers and u8")
        resized_shape(name, x.type, size)
        rows, columns = (
            _mixture(curve, reach, int(have), int(out), linear_step(have, out, align, factor))
            for have, out, factor in zip(x.shape[2:], size, factors, strict=True)
        )
        if x.dtype == u8:
            return resized_bytes(x, [rows, columns])
        wide = x.to(accumulation(x.dtype))
        y = wide.op("matmul", wide.given(columns.T))
        return wide.given(rows).op("matmul", y).to(x.dtype)

    return body


for _name, _curve, _reach in (
    ("bilinear", _triangle, 1), ("bicubic", _cubic, 2), ("lanczos", _lanczos, 3)
):  # fmt: skip
    _plain = composite(
        f"aten::_upsample_{_name}2d_aa(Tensor self, int[2] output_size, bool align_corners, "
        "float? scales_h=None, float? scales_w=None) -> Tensor",
        _antialiased(f"_upsample_{_name}2d_aa", _curve, _reach),
        samples=(
            (f32(1, 2, 7, 9), [3, 4], False, None, None),
            (f32(2, 1, 4, 5), [9, 5], False, None, None),
            (f32(1, 2, 8, 6), [3, 11], True, None, None),
            (f64(1, 1, 5, 5), [2, 2], False, 0.4, 0.4),
            (f32(1, 1, 1, 1), [3, 2], False, None, None),
            *SAMPLES,
        ),
        kinds="ud",
    )
    by_vector(
        f"aten::_upsample_{_name}2d_aa.vec(Tensor input, int[]? output_size, bool align_corners, "
        "float[]? scale_factors) -> Tensor",
        _plain,
        ((f32(1, 2, 6, 8), None, False, [0.5, 0.75]), (f32(1, 2, 6, 8), [5, 5], False, None)),
    )
