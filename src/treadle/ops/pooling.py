"""Pooling: reductions over windows of the last dims."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Pool, Window
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f16, f32, f64, i64
from treadle.ops.scalar_math import NUMPY
from treadle.ops.shapes import expect_rank, inner, pair, tensor

Array = np.ndarray[Any, Any]


def pooled_size(
    op: str, size: int, kernel: int, stride: int, pad: int, dilation: int, ceil_mode: bool
) -> int:
    """The number of windows along a dim.

    With `ceil_mode` one may overhang, if it starts inside the input or its left padding.

    Raises:
        ShapeError: if a window is larger than the padded input, or the arguments are not sizes.
    """
    if kernel < 1 or stride < 1 or dilation < 1 or not 0 <= pad <= kernel // 2:
        raise ShapeError(
            f"{op}: kernel {kernel}, stride {stride}, padding {pad}, dilation {dilation}; all but"
            " padding must be positive, padding at most half the kernel"
        )
    span = size + 2 * pad - dilation * (kernel - 1) - 1
    count = (span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + pad:
        count -= 1
    if count < 1:
        raise ShapeError(f"{op}: a kernel of {kernel} over {size} elements gives no output")
    return count


class Geometry:
    """Kernel, stride, padding and dilation of a pooling, each with one number per dim."""

    __slots__ = ("ceil_mode", "dilation", "kernel", "name", "padding", "stride")

    def __init__(
        self,
        name: str,
        count: int,
        kernel: Any,
        stride: Any,
        padding: Any,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.name = name
        self.kernel = pair(name, "kernel_size", kernel, count)
        self.stride = pair(name, "stride", stride, count, self.kernel)
        self.padding = pair(name, "padding", padding, count)
        self.dilation = pair(name, "dilation", dilation, count)
        self.ceil_mode = ceil_mode

    def shape(self, x: TensorType) -> tuple[int, ...]:
        """The shape of the pooled tensor."""
        n = len(self.kernel)
        expect_rank(self.name, "input", x, n + 1, n + 2)
        check_nonempty(self.name, x.sizes, has_batch=len(x.sizes) == n + 2)
        sizes = zip(
            x.sizes[-n:], self.kernel, self.stride, self.padding, self.dilation, strict=True
        )
        return (*x.sizes[:-n], *(pooled_size(self.name, *s, self.ceil_mode) for s in sizes))

    def windows(self, x: Array, out: Sequence[int]) -> Any:
        """Each output position with the slices of the padded input's valid part."""
        for position in itertools.product(*map(range, out)):
            yield (
                position,
                tuple(
                    slice(_first(p * s - pad, d), min(p * s - pad + (k - 1) * d + 1, size), d)
                    for p, s, pad, d, k, size in zip(
                        position,
                        self.stride,
                        self.padding,
                        self.dilation,
                        self.kernel,
                        x.shape[-len(out) :],
                        strict=True,
                    )
                ),
            )


def check_nonempty(op: str, sizes: Sequence[int], *, has_batch: bool) -> None:
    """Check that only the batch is empty, if there is one.

    Raises:
        ShapeError: if another dim is.
    """
    if 0 in sizes[has_batch:]:
        raise ShapeError(f"{op}: only the batch may be empty, got {list(sizes)}")


def _first(start: int, step: int) -> int:
    """The first position of ``start, start + step, ...`` that is not negative."""
    return start if start >= 0 else start % step


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


# --- max ----------------------------------------------------------------------------------------


def max_pooling(name: str, count: int) -> dict[str, Any]:
    """The rules of a maximum over windows of the last `count` dims."""

    def reference(
        x: Array, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
    ) -> Array:
        geometry = Geometry(name, count, kernel, stride, padding, dilation, ceil_mode)
        out = np.empty(geometry.shape(_type(x)), x.dtype)
        for position, window in geometry.windows(x, out.shape[-count:]):
            out[inner(position)] = x[inner(window)].max(axis=tuple(range(-count, 0)))
        return out

    def infer(x: TensorType, *args: Any) -> TensorType:
        return tensor(x.element, Geometry(name, count, *args).shape(x))

    def spec(result: TensorType, x: TensorType, *args: Any) -> Pool:
        g = Geometry(name, count, *args)
        return Pool("max", g.kernel, g.stride, g.padding, g.dilation)

    return {"reference": reference, "infer": infer, "lower": Window(spec), "tolerance": EXACT}


max_pool2d = op(
    "aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] "
    "padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor",
    **max_pooling("max_pool2d", 2),
    samples=(
        (f32(2, 3, 8, 9), [2, 2], [], [0, 0], [1, 1], False),
        (f32(1, 5, 7, 7), [3, 3], [2, 2], [1, 1], [1, 1], False),
        (f32(3, 7, 5), [3], [2], [0], [1], True),
        (f32(1, 1, 9, 9), [2, 3], [1, 2], [1, 1], [2, 1], False),
        (f32(0, 2, 4, 4), [2, 2], [2, 2], [0, 0], [1, 1], False),
        (f64(2, 17, 6, 6), [3, 3], [1, 1], [1, 1], [1, 1], False),
    ),
    kinds="if",
)
max_pool1d = op(
    "aten::max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] "
    "padding=[0], int[1] dilation=[1], bool ceil_mode=False) -> Tensor",
    **max_pooling("max_pool1d", 1),
    samples=(
        (f32(2, 3, 8), [2], [], [0], [1], False),
        (f32(3, 7), [3], [2], [1], [1], True),
    ),
    kinds="f",
)


# --- average ------------------------------------------------------------------------------------


def _overlap(position: int, kernel: int, stride: int, pad: int, size: int) -> int:
    """How much of a window lies in the padded input."""
    start = position * stride - pad
    return min(start + kernel, size + pad) - start


def avg_pooling(name: str, count: int) -> dict[str, Any]:
    """The rules of a mean over windows of the last `count` dims."""

    def reference(
        x: Array,
        kernel: Any,
        stride: Any,
        padding: Any,
        ceil_mode: bool,
        include_pad: bool,
        divisor: int | None = None,
    ) -> Array:
        g = geometry(kernel, stride, padding, ceil_mode, divisor)
        wide, is_whole = x.astype(accumulation(dtype_of(x)).numpy), dtype_of(x).is_integral
        out = np.empty(g.shape(_type(x)), wide.dtype)
        for position, window in g.windows(x, out.shape[-count:]):
            part = wide[inner(window)]
            valid = int(np.prod(part.shape[-count:]))
            padded = int(
                np.prod(
                    [
                        _overlap(*d)
                        for d in zip(
                            position, g.kernel, g.stride, g.padding, x.shape[-count:], strict=True
                        )
                    ]
                )
            )
            total = part.sum(axis=tuple(range(-count, 0)))
            size = divisor or (padded if include_pad else valid)
            out[inner(position)] = NUMPY.truncdiv(total, size) if is_whole else total / size
        return out.astype(x.dtype)

    def geometry(
        kernel: Any, stride: Any, padding: Any, ceil_mode: bool, divisor: int | None
    ) -> Geometry:
        if divisor == 0:
            raise ShapeError(f"{name}: divisor_override must not be 0")
        return Geometry(name, count, kernel, stride, padding, 1, ceil_mode)

    def infer(
        x: TensorType,
        kernel: Any,
        stride: Any,
        padding: Any,
        ceil_mode: bool,
        include_pad: bool,
        divisor: int | None = None,
    ) -> TensorType:
        return tensor(x.element, geometry(kernel, stride, padding, ceil_mode, divisor).shape(x))

    def spec(
        result: TensorType,
        x: TensorType,
        kernel: Any,
        stride: Any,
        padding: Any,
        ceil_mode: bool,
        include_pad: bool,
        divisor: int | None = None,
    ) -> Pool:
        g = geometry(kernel, stride, padding, ceil_mode, divisor)
        divide: str | int = divisor or ("all" if include_pad else "valid")
        return Pool("sum", g.kernel, g.stride, g.padding, g.dilation, divide)

    return {"reference": reference, "infer": infer, "lower": Window(spec)}


avg_pool2d = op(
    "aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] "
    "padding=0, bool ceil_mode=False, bool count_include_pad=True, int? "
    "divisor_override=None) -> Tensor",
    **avg_pooling("avg_pool2d", 2),
    samples=(
        (f32(2, 3, 8, 9), [2, 2], [], [0, 0], False, True, None),
        (f32(1, 5, 7, 7), [3, 3], [1, 1], [1, 1], False, True, None),
        (f32(1, 5, 8, 8), [3, 3], [2, 2], [1, 1], True, False, None),
        (f32(1, 5, 8, 8), [3, 3], [2, 2], [1, 1], True, True, None),
        (f32(3, 7, 5), [3], [2], [0], True, True, 5),
        (f64(0, 2, 4, 4), [2, 2], [2, 2], [0, 0], False, True, None),
        (f16(1, 2, 4, 4), [2, 2], [2, 2], [0, 0], False, True, None),
        (i64(1, 2, 5, 4), [3, 2], [2, 2], [1, 0], False, True, None),
        (i64(1, 2, 5, 4), [3, 2], [2, 2], [1, 0], False, False, -3),
    ),
    kinds="lf",
)
avg_pool1d = op(
    "aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] "
    "padding=[0], bool ceil_mode=False, bool count_include_pad=True) -> Tensor",
    **avg_pooling("avg_pool1d", 1),
    samples=(
        (f32(2, 3, 8), [2], [], [0], False, True),
        (f32(3, 7), [3], [2], [1], True, False),
        (i64(2, 7), [3], [2], [1], True, False),
    ),
    kinds="lf",
)
