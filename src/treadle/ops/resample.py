"""Resizing by weighted neighbours in each dim: linear in 1 and 3 dims, cubic in 2."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType, i64
from treadle.ir.dtypes import f64 as f64_dtype
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.byte_images import SAMPLES, floats_or_bytes, shares_of_taps
from treadle.ops.declare import op
from treadle.ops.expr import cast
from treadle.ops.grid_sample import cubic_weights
from treadle.ops.lowering import Elements, Loader
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.resize import by_vector, linear_step, resized_shape, step_of
from treadle.ops.samples import f32, f64
from treadle.ops.scalar_math import LOOPS, NUMPY, Element
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def _taps(
    f: Any, position: Any, dtype: DType, size: int, step: float, align: bool, cubic: bool
) -> list[tuple[Any, Any]]:
    """Index and weight of each neighbour of an output position along one dim."""
    p = f.cast(position, dtype)
    source = p * step if align else (p + 0.5) * step - 0.5
    if not cubic:
        source = f.maximum(source, 0.0)
    low = f.floor(source)
    part = source - low
    weights = cubic_weights(f, part) if cubic else [1.0 - part, part]
    first = -1 if cubic else 0
    places = (f.minimum(f.maximum(low + float(first + i), 0.0), size - 1.0)
              for i in range(len(weights)))  # fmt: skip
    return [(f.cast(q, i64), w) for q, w in zip(places, weights, strict=True)]


def _define(schema: str, name: str, cubic: bool, samples: Any) -> OpDef:
    def infer(
        x: TensorType, size: Sequence[int], align: bool, *factors: float | None
    ) -> TensorType:
        if len(size) != len(factors):
            raise ShapeError(f"{name}: output_size {list(size)} must be {len(factors)} numbers")
        return tensor(x.element, resized_shape(name, x, size))

    def steps(shape: Any, size: Sequence[int], align: bool, factors: Any) -> list[float]:
        triples = zip(shape[2:], size, factors, strict=True)
        step = step_of if cubic else linear_step
        return [step(have, out, align, factor) for have, out, factor in triples]

    def reference(x: Array, size: Sequence[int], align: bool, *factors: float | None) -> Array:
        infer(tensor(dtype_of(x), x.shape), size, align, *factors)
        wide = accumulation(dtype_of(x))
        y = x.astype(wide.numpy)
        for axis, step in enumerate(steps(x.shape, size, align, factors), 2):
            positions = np.arange(size[axis - 2])
            taps = _taps(NUMPY, positions, wide, x.shape[axis], step, align, cubic)
            column = [-1 if i == axis else 1 for i in range(x.ndim)]
            y = sum(np.take(y, q, axis) * w.reshape(column) for q, w in taps)
        return y.astype(x.dtype)

    def build(
        load: Loader,
        positions: Sequence[Expr],
        result: TensorType,
        x: TensorType,
        size: Sequence[int],
        align: bool,
        *factors: float | None,
    ) -> Expr:
        wide = accumulation(result.element)
        sides = [
            _taps(LOOPS, Element(p), wide, have, step, align, cubic)
            for p, have, step in zip(
                positions[2:], x.sizes[2:], steps(x.sizes, size, align, factors), strict=True
            )
        ]
        total: Any = None
        for corner in itertools.product(*sides):
            value = Element(cast(load(0, [*positions[:2], *(q.expr for q, _ in corner)]), wide))
            for _, weight in corner:
                value = value * weight
            total = value if total is None else total + value
        return cast(total.expr, result.element)

    return op(
        schema, reference=reference, infer=infer, lower=Elements(build), samples=samples, kinds="f"
    )


linear1d = _define(
    "aten::upsample_linear1d(Tensor self, int[1] output_size, bool align_corners, float? "
    "scales=None) -> Tensor",
    "upsample_linear1d",
    False,
    (
        (f32(2, 3, 5), [9], False, None),
        (f32(1, 2, 5), [3], True, None),
        (f64(1, 1, 1), [3], False, 3.0),
    ),
)
trilinear3d = _define(
    "aten::upsample_trilinear3d(Tensor self, int[3] output_size, bool align_corners, float? "
    "scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
    "upsample_trilinear3d",
    False,
    (
        (f32(1, 2, 2, 3, 4), [4, 5, 6], False, None, None, None),
        (f32(1, 1, 2, 3, 4), [3, 3, 2], True, None, None, None),
    ),
)
_SIZES = "int[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None"
_cubic = _define(
    f"treadle::upsample_bicubic2d.floats(Tensor self, {_SIZES}) -> Tensor",
    "upsample_bicubic2d",
    True,
    (
        (f32(1, 2, 5, 6), [8, 9], False, None, None),
        (f32(1, 2, 5, 6), [3, 11], True, None, None),
        (f32(1, 1, 1, 2), [2, 2], False, 2.0, 1.0),
    ),
)


def _cubic_mixture(size: int, out: int, align: bool, factor: float | None) -> Array:
    step = linear_step(size, out, align, factor)
    taps = _taps(NUMPY, np.arange(out), f64_dtype, size, step, align, True)
    places, weights = zip(*taps, strict=True)
    return shares_of_taps(places, weights, size)


bicubic2d = floats_or_bytes(
    f"aten::upsample_bicubic2d(Tensor self, {_SIZES}) -> Tensor", _cubic, _cubic_mixture, SAMPLES
)
for _plain, _samples in (
    (linear1d, ((f32(1, 2, 4), None, False, [2.0]),)),
    (trilinear3d, ((f32(1, 1, 2, 3, 4), None, False, [2.0, 1.5, 1.0]),)),
    (
        bicubic2d,
        ((f32(1, 2, 3, 4), None, False, [2.0, 1.5]), (f32(1, 1, 3, 4), [5, 5], True, None)),
    ),
):
    by_vector(
        f"aten::{_plain.name}.vec(Tensor input, int[]? output_size, bool align_corners, float[]? "
        "scale_factors) -> Tensor",
        _plain,
        _samples,
    )
