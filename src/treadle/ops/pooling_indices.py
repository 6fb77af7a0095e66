"""Maxima of windows with their positions, over one to three dims, and their inverse."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.adaptive_pooling import adaptive_shape, adaptive_window
from treadle.ops.composite import Operand, composite, made_of
from treadle.ops.declare import EXACT, op
from treadle.ops.pooling import Geometry
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f16, f32, given, u8
from treadle.ops.shapes import inner, numel, pair, tensor
from treadle.ops.window_maxima import window_maxima

Array = np.ndarray[Any, Any]
MAX_TAPS = 64
"""Of smaller windows each tap is an operator of its own."""


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


def best_of(x: Array, window: Sequence[slice]) -> tuple[Array, Array]:
    """The maxima over a window of the last dims and their positions in the flattened dims.

    Source: torch.nn.MaxPool2d; of several NaN the last counts, of equal maxima the first.
    """
    count = len(window)
    part = x[inner(window)]
    flat = part.reshape(*part.shape[:-count], -1)
    nans = np.isnan(flat)
    last = flat.shape[-1] - 1 - nans[..., ::-1].argmax(-1)
    found = np.where(nans.any(-1), last, flat.argmax(-1))
    starts = [range(d)[w] for w, d in zip(window, x.shape[-count:], strict=True)]
    grid = np.ravel_multi_index(np.meshgrid(*starts, indexing="ij"), x.shape[-count:]).reshape(-1)
    return np.take_along_axis(flat, found[..., None], -1)[..., 0], grid[found]


def _with_indices(x: Array, shape: Sequence[int], windows: Any) -> tuple[Array, Array]:
    values, indices = np.empty(shape, x.dtype), np.empty(shape, np.int64)
    for position, window in windows:
        best, place = best_of(x, window)
        values[inner(position)], indices[inner(position)] = best, place
    return values, indices


# --- windows of one size ------------------------------------------------------------------------


def _lowest(x: Operand) -> float:
    return -np.inf if x.dtype.is_floating else int(np.iinfo(x.dtype.numpy).min)


def _by_taps(x: Operand, geometry: Geometry) -> tuple[Any, Any]:
    """Tap after tap, from the first one that is no padding, where nothing is larger."""
    count = len(geometry.kernel)
    out, sizes = geometry.shape(x.type)[-count:], [int(n) for n in x.shape[-count:]]
    if numel(geometry.kernel) > MAX_TAPS:
        return _by_windows(x, geometry, out, sizes)
    sides, wide = [], x
    for n, k, s, p, d, m in zip(
        sizes, geometry.kernel, geometry.stride, geometry.padding, geometry.dilation, out,
        strict=True,
    ):  # fmt: skip
        sides.append((p, max(0, (int(m) - 1) * s + (k - 1) * d + 1 - n - p)))
    if any(map(any, sides)):
        wide = x.op("constant_pad_nd", [n for pair_ in sides[::-1] for n in pair_], _lowest(x))
    steps = geometry.dilation
    best: Any = None
    place: Any = None
    for taps in itertools.product(*map(range, geometry.kernel)):
        value, axes = wide, []
        for i, (tap, s, d, p) in enumerate(
            zip(taps, geometry.stride, geometry.dilation, geometry.padding, strict=True)
        ):
            dim = len(x.shape) - count + i
            last = tap * d + (out[i] - 1) * s + 1
            value = value.op("slice.Tensor", dim, tap * d, last, s)
            axes.append(np.arange(int(out[i])) * s + tap * d - p)
        here = x.given(_flat(axes, sizes), i64_dtype)
        if best is None:
            firsts = [a + -(np.minimum(a, 0) // d) * d for a, d in zip(axes, steps, strict=True)]
            start = x.given(_flat(firsts, sizes), i64_dtype)
            best, place = value, (value.op("zeros_like", i64_dtype.code) + start)
            continue
        larger = value > best
        if x.dtype.is_floating:
            larger = larger.op("logical_or", value.op("isnan"))
        best, place = value.where(larger, best), here.where(larger, place)
    return best, place


def _by_windows(
    x: Operand, geometry: Geometry, out: Sequence[int], sizes: Sequence[int]
) -> tuple[Any, Any]:
    """Window after window."""
    if any(d != 1 for d in geometry.dilation):
        raise UnsupportedError("positions of maxima of many taps that lie apart, as a plan")
    first, last = [], []
    for n, k, s, p, m in zip(
        sizes, geometry.kernel, geometry.stride, geometry.padding, out, strict=True
    ):
        start = np.arange(int(m))[None] * s - p
        first.append(x.given(np.maximum(start, 0), i64_dtype))
        last.append(x.given(np.minimum(start + k, n) - 1, i64_dtype))
    return window_maxima(x, first, last, geometry.kernel)


def _flat(axes: Sequence[Array], sizes: Sequence[int]) -> Array:
    """The flattened positions of a grid."""
    total: Any = 0
    for axis, size in zip(axes, sizes, strict=True):
        total = np.asarray(total)[..., None] * size + axis
    return np.asarray(total)


def _define_windows(count: int, padding: str, samples: tuple[tuple[Any, ...], ...]) -> None:
    name = f"max_pool{count}d_with_indices"

    def geometry(x: TensorType, *args: Any) -> Geometry:
        return Geometry(name, count, *args)

    def reference(x: Array, *args: Any) -> tuple[Array, Array]:
        g = geometry(_type(x), *args)
        shape = g.shape(_type(x))
        return _with_indices(x, shape, g.windows(x, shape[-count:]))

    def infer(x: TensorType, *args: Any) -> tuple[TensorType, TensorType]:
        shape = geometry(x, *args).shape(x)
        return tensor(x.element, shape), tensor(i64_dtype, shape)

    op(
        f"aten::{name}(Tensor self, int[{count}] kernel_size, int[{count}] stride=[], "
        f"int[{count}] padding={padding}, int[{count}] dilation={'[1]' if count == 1 else 1}, "
        "bool ceil_mode=False) -> (Tensor, Tensor)",
        reference=reference,
        infer=infer,
        lower=made_of(lambda x, *args: _by_taps(x, geometry(x.type, *args))),
        tolerance=EXACT,
        samples=samples,
        kinds="if",
    )


_define_windows(
    2,
    "0",
    (
        (f32(2, 3, 8, 9), [2, 2], [], [0, 0], [1, 1], False),
        (f32(1, 2, 7, 7), [3, 3], [2, 2], [1, 1], [1, 1], False),
        (f32(2, 7, 5), [3], [2], [0], [1], True),
        (f32(1, 2, 11, 12), [9, 8], [3, 2], [4, 3], [1, 1], True),
        (given([[[1.0, np.nan, 2.0, 2.0]]]), [1, 2], [], [0], [1], False),
        (given([[[np.nan, np.nan, 2.0, np.nan]]]), [1, 3], [1, 1], [0, 1], [1], False),
        (given([[[-np.inf] * 8]]), [1, 3], [1, 2], [0, 1], [1, 2], False),
        (u8(1, 3, 6, 6, high=1, low=0), [3, 3], [2, 2], [1, 1], [1, 1], False),
    ),
)
_define_windows(1, "[0]", ((f32(2, 3, 8), [3], [2], [1], [1], False),))
_define_windows(3, "0", ((f32(1, 2, 4, 5, 6), [2, 2, 3], [], [0], [1], False),))


# --- windows that give a size -------------------------------------------------------------------


def _uneven(x: Operand, sizes: Sequence[int], out: Sequence[int]) -> tuple[Any, Any]:
    """Windows of several sizes."""
    ends = [
        [adaptive_window(i, int(m), int(n)) for i in range(int(m))]
        for n, m in zip(sizes, out, strict=True)
    ]
    first = [x.given([[w.start for w in windows]], i64_dtype) for windows in ends]
    last = [x.given([[w.stop - 1 for w in windows]], i64_dtype) for windows in ends]
    return window_maxima(x, first, last, [max(w.stop - w.start for w in ws) for ws in ends])


def _define_adaptive(count: int, samples: tuple[tuple[Any, ...], ...]) -> None:
    name = f"adaptive_max_pool{count}d"

    def reference(x: Array, size: Sequence[int]) -> tuple[Array, Array]:
        shape = adaptive_shape(name, _type(x), size, count)
        out, sizes = shape[-count:], x.shape[-count:]
        windows = (
            (p, tuple(map(adaptive_window, p, out, sizes)))
            for p in itertools.product(*map(range, out))
        )
        return _with_indices(x, shape, windows)

    def infer(x: TensorType, size: Sequence[int]) -> tuple[TensorType, TensorType]:
        shape = adaptive_shape(name, x, size, count)
        return tensor(x.element, shape), tensor(i64_dtype, shape)

    def body(x: Operand, size: Sequence[int]) -> Any:
        """Windows of one size; one window is the maximum of all."""
        shape = adaptive_shape(name, x.type, size, count)
        out, sizes = shape[-count:], x.shape[-count:]
        if all(m == 1 for m in out):
            flat = x.op("reshape", [*x.shape[:-count], numel(sizes)])
            values, places = flat.op("max.dim", -1, False)
            last = flat.op("isnan").to(i64_dtype) * flat.given(np.arange(numel(sizes)), i64_dtype)
            places = last.op("amax", [-1], False).where(values.op("isnan"), places)
            return values.reshape(*shape), places.reshape(*shape)
        if 0 not in shape and any(n % m for n, m in zip(sizes, out, strict=True)):
            return _uneven(x, sizes, out)
        kernel = [int(n) // int(m) for n, m in zip(sizes, out, strict=True)]
        return _by_taps(x, Geometry(name, count, kernel, kernel, 0, 1, False))

    op(
        f"aten::{name}(Tensor self, int[{count}] output_size) -> (Tensor, Tensor)",
        reference=reference,
        infer=infer,
        lower=made_of(body),
        kinds="f",
        tolerance=EXACT,
        samples=samples,
    )


_define_adaptive(1, ((f32(2, 3, 8), [4]), (f32(3, 7), [1]), (f16(3, 7), [4])))
_define_adaptive(
    2,
    (
        (f32(2, 3, 7, 7), [1, 1]),
        (f32(1, 2, 9, 8), [3, 4]),
        (f32(2, 3, 7, 10), [3, 4]),
        (f32(3, 2, 3), [5, 2]),
        (given([[[1.0, np.nan, np.nan, 2.0, -np.inf, -np.inf, -np.inf]]]), [1, 3]),
        (given([[[1.0, np.nan, np.nan, 2.0]]]), [1, 1]),
    ),
)
_define_adaptive(3, ((f32(1, 2, 4, 4, 6), [2, 2, 3]),))


# --- back to where they were --------------------------------------------------------------------


def _unpool(x: Operand, indices: Operand, output_size: Any, count: int) -> Any:
    size = list(pair("max_unpool", "output_size", output_size, count))
    if x.shape != indices.shape or len(x.shape) not in (count + 1, count + 2):
        raise ShapeError(
            f"max_unpool{count}d: input {list(x.shape)} and indices {list(indices.shape)} must have"
            f" {count + 1} or {count + 2} dims and one shape"
        )
    lead = x.shape[:-count]
    flat = [*lead, numel(x.shape[-count:])]
    zeros = x.op("new_zeros", [*lead, numel(size)])
    done = zeros.op("scatter.src", -1, indices.op("reshape", flat), x.op("reshape", flat))
    return done.op("reshape", [*lead, *size])


composite(
    "aten::max_unpool2d(Tensor self, Tensor indices, int[2] output_size) -> Tensor",
    lambda x, indices, size: _unpool(x, indices, size, 2),
    samples=(
        (f32(1, 1, 2, 2), given([[[[0, 3], [9, 15]]]], i64_dtype), [4, 4]),
        (f32(1, 1, 2), given([[[1, 3]]], i64_dtype), [2, 2]),
    ),
    tolerance=EXACT,
    kinds="f",
)
composite(
    "aten::max_unpool3d(Tensor self, Tensor indices, int[3] output_size, int[3] stride, int[3] "
    "padding) -> Tensor",
    lambda x, indices, size, *_: _unpool(x, indices, size, 3),
    samples=((f32(1, 1, 1, 1, 2), given([[[[[1, 6]]]]], i64_dtype), [2, 2, 2], [2] * 3, [0] * 3),),
    tolerance=EXACT,
    kinds="f",
)
