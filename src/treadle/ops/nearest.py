"""Resizing by the nearest element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import add, call, cast, const, extent, mul
from treadle.ops.lowering import Elements, Loader
from treadle.ops.promotion import dtype_of
from treadle.ops.resize import by_vector, resized_shape
from treadle.ops.samples import f32, f64, i64
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


def _step(size: int, out: int, factor: float | None) -> float:
    """Input positions per output position; in f32, as torch computes it."""
    if factor is not None and factor > 0:
        return float(np.float32(1.0 / factor))
    return float(np.float32(size) / np.float32(out))


def _places(size: int, out: int, factor: float | None, offset: float) -> Array:
    step = np.float32(_step(size, out, factor))
    places = np.floor((np.arange(out, dtype=np.float32) + np.float32(offset)) * step)
    return np.asarray(np.minimum(places.astype(np.int64), size - 1))


def _nearest(schema: str, offset: float, samples: Any) -> OpDef:
    """Each output position takes the element at ``floor((position + offset) * step)``.

    Source: torch 2.13, whose ``upsample_nearest2d`` alone forgets the factor of a dim that keeps or
    doubles its size.
    """
    forgets = "::upsample_nearest2d(" in schema

    def used(size: int, out: int, factor: float | None) -> float | None:
        return None if factor is None or (forgets and out in (size, 2 * size)) else factor

    def reference(x: Array, size: Sequence[int], *factors: float | None) -> Array:
        resized_shape("upsample_nearest", _type(x), size)
        y = x
        for axis, (out, factor) in enumerate(zip(size, factors, strict=True), 2):
            have = x.shape[axis]
            y = np.take(y, _places(have, out, used(have, out, factor), offset), axis)
        return y

    def infer(x: TensorType, size: Sequence[int], *_: Any) -> TensorType:
        return tensor(x.element, resized_shape("upsample_nearest", x, size))

    def element(
        load: Loader,
        positions: Sequence[Expr],
        result: TensorType,
        x: TensorType,
        size: Sequence[int],
        *factors: float | None,
    ) -> Expr:
        f32_dtype, i64_dtype = f32(0).dtype, i64(0).dtype
        places = list(positions[:2])
        for p, have, out, factor in zip(positions[2:], x.sizes[2:], size, factors, strict=True):
            center = cast(p, f32_dtype)
            center = add(center, const(offset, f32_dtype)) if offset else center
            step = _step(have, out, used(have, out, factor))
            scaled = mul(center, const(step, f32_dtype))
            places.append(call("min", cast(call("floor", scaled), i64_dtype), extent(have - 1)))
        return load(0, places)

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Elements(element),
        tolerance=EXACT,
        samples=samples,
        kinds="uf",
    )


_LINES = ((f32(1, 2, 5), [10], None), (f32(1, 2, 5), [3], None))
_PLANES = (
    (f32(1, 2, 3, 4), [6, 8], None, None),
    (f32(1, 2, 5, 7), [3, 9], None, None),
    (f64(2, 1, 1, 1), [3, 2], 3.0, 2.0),
    (f32(1, 1, 4, 4), [10, 10], 2.5, 2.5),
    (f32(1, 2, 6, 9), [12, 9], 2.05, 1.05),
)
_VOLUMES = ((f32(1, 2, 2, 3, 4), [3, 6, 5], None, None, None),)
_TWO, _THREE = "float? scales_h=None, float? scales_w=None", "float? scales_d=None, "
_NEAREST = {
    f"{prefix}{count}d": _nearest(
        f"aten::{prefix}{count}d(Tensor self, int[{count}] output_size, {scales}) -> Tensor",
        offset,
        samples,
    )
    for prefix, offset in (("upsample_nearest", 0.0), ("_upsample_nearest_exact", 0.5))
    for count, scales, samples in (
        (1, "float? scales=None", _LINES),
        (2, _TWO, _PLANES),
        (3, _THREE + _TWO, _VOLUMES),
    )
}
_BY_FACTORS: dict[str, Any] = {
    "1d": ((f32(1, 2, 4), None, [2.0]),),
    "2d": ((f32(1, 2, 3, 4), None, [2.0, 1.5]), (f32(1, 2, 3, 4), [5, 5], None)),
    "3d": ((f32(1, 2, 2, 3, 4), None, [2.0, 1.5, 1.0]),),
}
for _name, _plain in _NEAREST.items():
    by_vector(
        f"aten::{_name}.vec(Tensor input, int[]? output_size, float[]? scale_factors) -> Tensor",
        _plain,
        _BY_FACTORS[_name[-2:]],
    )
