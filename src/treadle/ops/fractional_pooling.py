"""Maxima of windows whose distances are drawn by chance: the chance is an argument.

Source: Graham 2014, Fractional max-pooling.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, ShapeError, UnsupportedError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import EXACT, op
from treadle.ops.pooling_indices import best_of
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32
from treadle.ops.shapes import expect_rank, numel, pair, tensor
from treadle.ops.window_maxima import window_maxima

Array = np.ndarray[Any, Any]


def _infer(
    name: str, count: int, x: TensorType, kernel: Any, size: Any, samples: TensorType
) -> tuple[TensorType, TensorType]:
    expect_rank(name, "input", x, count + 1, count + 2)
    kernels, sizes = (
        pair(name, "kernel_size", kernel, count),
        pair(name, "output_size", size, count),
    )
    batch = x.sizes[0] if len(x.sizes) == count + 2 else 1
    wanted = (batch, x.sizes[-count - 1], count)
    fits = samples.sizes[1:] == wanted[1:] and samples.sizes[:1] >= wanted[:1]
    if samples.element != x.element or not fits:
        raise ShapeError(
            f"{name}: random_samples must be {x.element}{list(wanted)} or more of them, got"
            f" {samples}"
        )
    for n, k, m in zip(x.sizes[-count:], kernels, sizes, strict=True):
        if k < 1 or m < 1 or m + k - 1 > n:
            raise ShapeError(
                f"{name}: {m} windows of {k} over {n} elements; kernel_size and output_size must be"
                f" positive, together at most {n + 1}"
            )
    shape = (*x.sizes[:-count], *sizes)
    return tensor(x.element, shape), tensor(i64_dtype, shape)


def _starts(sample: Any, size: int, count: int, kernel: int) -> list[int]:
    """Where the windows of one dim begin; the last one ends at the end."""
    if count == 1:
        return [size - kernel]
    kind = sample.dtype.type
    step = kind(size - kernel) / kind(count - 1)
    first = int(kind(sample * step))
    inner = [int(kind(kind(i + sample) * step)) - first for i in range(count - 1)]
    return [*inner, size - kernel]


def _planned_starts(x: Operand, sample: Operand, size: int, count: int, kernel: int) -> Any:
    """`_starts` of all planes, of which `sample` has one number each: [planes, count]."""
    end = x.given(np.full((sample.shape[0], 1), size - kernel), i64_dtype)
    if count == 1:
        return end
    kind = x.dtype.numpy.type
    step = float(kind(size - kernel) / kind(count - 1))
    numbers = x.given(np.arange(count - 1), sample.dtype)
    first = (sample * step).to(i64_dtype)
    return x.apply("cat", [((sample + numbers) * step).to(i64_dtype) - first, end], 1)


def _planned(
    name: str, count: int, x: Operand, kernel: Any, size: Sequence[int], samples: Operand
) -> tuple[Any, Any]:
    if x.dtype.itemsize < 4:
        raise UnsupportedError(f"{name} of 16-bit floats, which round at every step, as a plan")
    kernels, sizes = pair(name, "", kernel, count), pair(name, "", size, count)
    planes = numel(x.shape[:-count])
    rows = samples.reshape(numel(samples.shape[:-1]), count).op("narrow", 0, 0, planes)
    order = range(count) if count == 3 else (1, 0)
    first = [
        _planned_starts(x, rows.op("narrow", 1, column, 1), int(n), int(m), int(k))
        for column, n, m, k in zip(order, x.shape[-count:], sizes, kernels, strict=True)
    ]
    last = [f + (k - 1) for f, k in zip(first, kernels, strict=True)]
    return window_maxima(x, first, last, list(kernels))


def _define(count: int, samples: tuple[tuple[Any, ...], ...]) -> None:
    name = f"fractional_max_pool{count}d"

    def reference(
        x: Array, kernel: Any, size: Sequence[int], samples: Array
    ) -> tuple[Array, Array]:
        types = [tensor(dtype_of(a), a.shape) for a in (x, samples)]
        result, _ = _infer(name, count, types[0], kernel, size, types[1])
        kernels, sizes = pair(name, "", kernel, count), result.sizes[-count:]
        planes = x.reshape(-1, *x.shape[-count:])
        values = np.empty((len(planes), *sizes), x.dtype)
        places = np.empty(values.shape, np.int64)
        for i, (plane, chance) in enumerate(zip(planes, samples.reshape(-1, count), strict=False)):
            # torch draws the last of two dims first, but three dims in their order
            order = chance[::-1] if count == 2 else chance
            starts = [
                _starts(*each) for each in zip(order, plane.shape, sizes, kernels, strict=True)
            ]
            for s, n, k in zip(starts, plane.shape, kernels, strict=True):
                if min(s) < 0 or max(s) > n - k:
                    raise IndexOutOfRange(f"{name}: random_samples must be from 0 to below 1")
            for position in itertools.product(*(enumerate(s) for s in starts)):
                window = tuple(slice(s, s + k) for (_, s), k in zip(position, kernels, strict=True))
                at = (i, *(p for p, _ in position))
                values[at], places[at] = best_of(plane, window)
        return values.reshape(result.sizes), places.reshape(result.sizes)

    op(
        f"aten::{name}(Tensor self, int[{count}] kernel_size, int[{count}] output_size, Tensor "
        "random_samples) -> (Tensor, Tensor)",
        reference=reference,
        infer=lambda *args: _infer(name, count, *args),
        lower=made_of(lambda *args: _planned(name, count, *args)),
        tolerance=EXACT,
        samples=samples,
        kinds="f",
    )


_define(
    2,
    (
        (f32(2, 3, 9, 7), [2, 3], [4, 3], f32(2, 3, 2, low=0.0)),
        (f32(3, 8, 8), [2, 2], [5, 4], f32(1, 3, 2, low=0.0)),
        (f32(1, 1, 4, 4), [2, 3], [1, 1], f32(2, 1, 2, low=0.0)),
    ),
)
_define(3, ((f32(1, 2, 6, 5, 7), [2, 2, 3], [3, 2, 4], f32(1, 2, 3, low=0.0)),))
