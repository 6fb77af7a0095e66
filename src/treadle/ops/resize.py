"""Resizing of images: nearest and bilinear, by size or by factor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import add, call, cast, const, extent, mul, sub
from treadle.ops.lowering import Decompose, Elements, Emitter, Loader
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.registry import OPS
from treadle.ops.samples import f32, f64, i64
from treadle.ops.shapes import expect_rank, tensor

Array = np.ndarray[Any, Any]


def resized_shape(name: str, x: TensorType, size: Sequence[int]) -> tuple[int, ...]:
    """The shape of `x` resized to `size`.

    Raises:
        ShapeError: if a dim is empty, or their number differs.
    """
    expect_rank(name, "input", x, len(size) + 2)
    if min(size) < 1 or 0 in x.sizes[1:]:
        raise ShapeError(f"{name}: sizes must be positive, got {list(x.sizes)} to {list(size)}")
    return (*x.sizes[:2], *size)


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


# --- nearest ------------------------------------------------------------------------------------


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
    """Each output position takes the element at ``floor((position + offset) * step)``."""

    def reference(x: Array, size: Sequence[int], *factors: float | None) -> Array:
        resized_shape("upsample_nearest", _type(x), size)
        y = x
        for axis, (out, factor) in enumerate(zip(size, factors, strict=True), 2):
            y = np.take(y, _places(x.shape[axis], out, factor, offset), axis)
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
            scaled = mul(center, const(_step(have, out, factor), f32_dtype))
            places.append(call("min", cast(call("floor", scaled), i64_dtype), extent(have - 1)))
        return load(0, places)

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Elements(element),
        tolerance=EXACT,
        samples=samples,
    )


_LINES = ((f32(1, 2, 5), [10], None), (f32(1, 2, 5), [3], None))
_PLANES = (
    (f32(1, 2, 3, 4), [6, 8], None, None),
    (f32(1, 2, 5, 7), [3, 9], None, None),
    (f64(2, 1, 1, 1), [3, 2], 3.0, 2.0),
    (f32(1, 1, 4, 4), [10, 10], 2.5, 2.5),
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


# --- bilinear -----------------------------------------------------------------------------------


def step_of(size: int, out: int, align: bool, factor: float | None) -> float:
    """Input positions per output position."""
    if align:
        return (size - 1) / (out - 1) if out > 1 else 0.0
    return 1.0 / factor if factor is not None and factor > 0 else size / out


def _weights(
    size: int, out: int, align: bool, factor: float | None, dtype: Any
) -> tuple[Array, Array, Array]:
    """The two input positions of each output position, and the weight of the second."""
    scale = dtype.type(step_of(size, out, align, factor))
    position = np.arange(out, dtype=dtype)
    source = (
        position * scale
        if align
        else np.maximum((position + dtype.type(0.5)) * scale - dtype.type(0.5), 0)
    )
    low = np.minimum(np.floor(source).astype(np.int64), size - 1)
    return low, np.minimum(low + 1, size - 1), (source - low).astype(dtype)


def _bilinear(x: Array, size: Sequence[int], align: bool, *factors: float | None) -> Array:
    resized_shape("upsample_bilinear2d", _type(x), size)
    dtype = accumulation(dtype_of(x)).numpy
    y = x.astype(dtype)
    for axis, (out, factor) in enumerate(zip(size, factors, strict=True), 2):
        low, high, weight = _weights(x.shape[axis], out, align, factor, dtype)
        weight = weight.reshape([-1 if i == axis else 1 for i in range(y.ndim)])
        y = np.take(y, low, axis) * (1 - weight) + np.take(y, high, axis) * weight
    return y.astype(x.dtype)


def _infer_bilinear(x: TensorType, size: Sequence[int], *_: Any) -> TensorType:
    return tensor(x.element, resized_shape("upsample_bilinear2d", x, size))


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
        scale, half = const(step_of(have, out, align, factor), dtype), const(0.5, dtype)
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


bilinear2d = op(
    "aten::upsample_bilinear2d(Tensor self, int[2] output_size, bool align_corners, "
    "float? scales_h=None, float? scales_w=None) -> Tensor",
    reference=_bilinear,
    infer=_infer_bilinear,
    lower=Elements(_bilinear_element),
    samples=(
        (f32(1, 2, 3, 4), [6, 8], False, None, None),
        (f32(1, 2, 5, 7), [3, 9], True, None, None),
        (f32(1, 1, 1, 1), [3, 2], False, None, None),
        (f64(2, 1, 4, 4), [10, 6], False, 2.5, 1.5),
        (f32(1, 1, 4, 4), [1, 1], True, None, None),
    ),
    kinds="ifc",
)


# --- by factors, and the general form -----------------------------------------------------------


def _target(x: Any, size: Sequence[int] | None, factors: Sequence[float] | None) -> list[int]:
    if (size is None) == (factors is None):
        raise ShapeError("upsample: give either an output size or scale factors")
    if size is not None:
        return list(size)
    if factors is None or len(factors) != len(x.shape) - 2:
        raise ShapeError(f"upsample: scale factors {factors} for {len(x.shape) - 2} dims")
    return [math.floor(d * f) for d, f in zip(x.shape[2:], factors, strict=True)]


def by_vector(schema: str, plain: Any, samples: Any) -> None:
    """The form that takes a size or factors; `align_corners` may stand between them."""

    def arguments(x: Any, size: Any, *rest: Any) -> tuple[Any, ...]:
        *align, factors = rest
        count = len(x.shape) - 2
        return (_target(x, size, factors), *align, *(factors or [None] * count))

    def build(emit: Emitter, x: Any, *rest: Any) -> Any:
        return emit(plain, x, *arguments(emit.type(x), *rest))

    op(
        schema,
        reference=lambda x, *rest: plain.reference(x, *arguments(x, *rest)),
        infer=lambda x, *rest: plain.infer(x, *arguments(x, *rest)),
        lower=Decompose(build),
        samples=samples,
    )


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
by_vector(
    "aten::upsample_bilinear2d.vec(Tensor input, int[]? output_size, bool align_corners, "
    "float[]? scale_factors) -> Tensor",
    bilinear2d,
    ((f32(1, 2, 3, 4), None, False, [2.0, 1.5]), (f32(1, 2, 3, 4), [5, 5], True, None)),
)


_OPERATORS = {
    ("nearest", 1): "upsample_nearest1d", ("nearest", 2): "upsample_nearest2d",
    ("nearest", 3): "upsample_nearest3d",
    ("nearest-exact", 1): "_upsample_nearest_exact1d",
    ("nearest-exact", 2): "_upsample_nearest_exact2d",
    ("nearest-exact", 3): "_upsample_nearest_exact3d",
    ("linear", 1): "upsample_linear1d", ("bilinear", 2): "upsample_bilinear2d",
    ("trilinear", 3): "upsample_trilinear3d", ("bicubic", 2): "upsample_bicubic2d",
}  # fmt: skip
_ANTIALIASED = {
    ("bilinear", 2): "_upsample_bilinear2d_aa", ("bicubic", 2): "_upsample_bicubic2d_aa",
}  # fmt: skip


def _interpolation(
    x: Any,
    size: Any,
    factor: Any,
    mode: str,
    align: bool | None,
    recompute: bool | None,
    antialias: bool,
) -> tuple[Any, tuple[Any, ...]]:
    """The operator of torch.nn.functional.interpolate and its arguments."""
    count = len(x.shape) - 2
    name = (_ANTIALIASED if antialias else _OPERATORS).get((mode, count))
    if name is None:
        raise UnsupportedError(
            f"interpolate: mode {mode!r} over {count} dims, antialias {antialias}"
        )
    sizes = [size] * count if isinstance(size, int) else size
    factors = [factor] * count if isinstance(factor, int | float) else factor
    target = _target(x, sizes, factors)
    used = [None] * count if factors is None or recompute else list(factors)
    aligned = () if mode.startswith("nearest") else (bool(align),)
    return OPS[name], (target, *aligned, *used)


def _interpolate(schema: str) -> None:
    def reference(x: Array, *args: Any) -> Any:
        function, rest = _interpolation(x, *args)
        return function.reference(x, *rest)

    def infer(x: TensorType, *args: Any) -> Any:
        function, rest = _interpolation(x, *args)
        return function.infer(x, *rest)

    def build(emit: Emitter, x: Any, *args: Any) -> Any:
        function, rest = _interpolation(emit.type(x), *args)
        return emit(function, x, *rest)

    op(schema, reference=reference, infer=infer, lower=Decompose(build))


_interpolate(
    "aten::__interpolate(Tensor input, int? size=None, float? scale_factor=None, str "
    'mode="nearest", bool? align_corners=None, bool? recompute_scale_factor=None, bool '
    "antialias=False) -> Tensor"
)
_interpolate(
    "aten::__interpolate.scale_list(Tensor input, int? size=None, float[]? "
    'scale_factor=None, str mode="nearest", bool? align_corners=None, bool? '
    "recompute_scale_factor=None, bool antialias=False) -> Tensor"
)
_interpolate(
    "aten::__interpolate.size_list_scale_list(Tensor input, int[]? size=None, float[]? "
    'scale_factor=None, str mode="nearest", bool? align_corners=None, bool? '
    "recompute_scale_factor=None, bool antialias=False) -> Tensor"
)
_interpolate(
    "aten::__interpolate.size_list(Tensor input, int[]? size=None, float? "
    'scale_factor=None, str mode="nearest", bool? align_corners=None, bool? '
    "recompute_scale_factor=None, bool antialias=False) -> Tensor"
)
