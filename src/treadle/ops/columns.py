"""Windows of images as columns of a matrix, and columns added up to images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from treadle.errors import ShapeError
from treadle.ops.composite import Operand, composite
from treadle.ops.samples import f32
from treadle.ops.shapes import numel, pair


class _Windows:
    """Kernel, dilation, padding and stride over two dims, and how many windows there are."""

    __slots__ = ("counts", "dilation", "kernel", "padding", "size", "stride")

    def __init__(
        self, name: str, size: Sequence[int], kernel: Any, dilation: Any, padding: Any, stride: Any
    ) -> None:
        self.size = tuple(size)
        self.kernel = pair(name, "kernel_size", kernel, 2)
        self.dilation = pair(name, "dilation", dilation, 2)
        self.padding = pair(name, "padding", padding, 2)
        self.stride = pair(name, "stride", stride, 2)
        if min(*self.kernel, *self.dilation, *self.stride) < 1 or min(self.padding) < 0:
            raise ShapeError(f"{name}: kernel_size, dilation and stride must be positive")
        self.counts = tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, d, p, s in zip(
                self.size, self.kernel, self.dilation, self.padding, self.stride, strict=True
            )
        )
        if min(self.counts) < 1:
            raise ShapeError(f"{name}: no window of {list(self.kernel)} in {list(self.size)}")

    @property
    def sides(self) -> list[int]:
        """The padding as `constant_pad_nd` takes it."""
        height, width = self.padding
        return [width, width, height, height]


def _batched(name: str, x: Operand, rank: int) -> tuple[Operand, bool]:
    if len(x.shape) not in (rank - 1, rank):
        raise ShapeError(f"{name}: input must have {rank - 1} or {rank} dims, got {list(x.shape)}")
    single = len(x.shape) < rank
    return (x.op("unsqueeze", 0) if single else x), single


def _to_columns(x: Operand, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    """[batch, channels * taps, windows]."""
    x, single = _batched("im2col", x, 4)
    batch, channels, *size = x.shape
    w = _Windows("im2col", size, kernel, dilation, padding, stride)
    x = x.op("constant_pad_nd", w.sides, 0) if any(w.padding) else x
    taps = []
    for i in range(w.kernel[0]):
        for j in range(w.kernel[1]):
            part = x
            for dim, tap in ((2, i), (3, j)):
                first = tap * w.dilation[dim - 2]
                last = first + (w.counts[dim - 2] - 1) * w.stride[dim - 2] + 1
                part = part.op("slice.Tensor", dim, first, last, w.stride[dim - 2])
            taps.append(part)
    columns = x.apply("stack", taps, 2).reshape(batch, channels * len(taps), numel(w.counts))
    return columns.op("squeeze.dim", 0) if single else columns


def _to_image(
    x: Operand, output_size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> Any:
    """The sum of all windows, each where it belongs."""
    x, single = _batched("col2im", x, 3)
    height, width = pair("col2im", "output_size", output_size, 2)
    w = _Windows("col2im", (height, width), kernel, dilation, padding, stride)
    batch, rows, count = x.shape
    taps = numel(w.kernel)
    if rows % taps or count != numel(w.counts):
        raise ShapeError(f"col2im: columns {[rows, count]} for {taps} taps, {w.counts} windows")
    cut = x.reshape(batch, rows // taps, taps, *w.counts)
    grown = [n + 2 * p for n, p in zip(w.size, w.padding, strict=True)]
    total: Any = None
    for tap in range(taps):
        at = divmod(tap, w.kernel[1])
        part = cut.op("select.int", 2, tap)
        for dim in (2, 3):
            part = _spread(part, dim, w.stride[dim - 2])
        first = [t * d for t, d in zip(at, w.dilation, strict=True)]
        after = [g - f - n for g, f, n in zip(grown, first, part.shape[2:], strict=True)]
        part = part.op("constant_pad_nd", [first[1], after[1], first[0], after[0]], 0)
        total = part if total is None else total + part
    for dim, (n, p) in enumerate(zip(w.size, w.padding, strict=True), 2):
        total = total.op("narrow", dim, p, n)
    return total.op("squeeze.dim", 0) if single else total


def _spread(x: Operand, dim: int, stride: int) -> Operand:
    """`x` with ``stride - 1`` zeros between its elements along `dim`."""
    if stride == 1:
        return x
    shape = x.shape
    apart = x.op("unsqueeze", dim + 1)
    sides = [0] * (2 * (len(shape) - dim))
    sides[-1] = stride - 1
    wide = apart.op("constant_pad_nd", sides, 0)
    flat = wide.reshape(*shape[:dim], shape[dim] * stride, *shape[dim + 1 :])
    return flat.op("narrow", dim, 0, (shape[dim] - 1) * stride + 1)  # type: ignore[no-any-return]


composite(
    "aten::im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] "
    "stride) -> Tensor",
    _to_columns,
    samples=(
        (f32(2, 3, 5, 6), [2, 3], [1, 1], [0, 1], [1, 2]),
        (f32(3, 5, 6), [3, 2], [2, 1], [1, 0], [1, 1]),
    ),
    kinds="bfc",
)
composite(
    "aten::col2im(Tensor self, int[2] output_size, int[2] kernel_size, int[2] dilation, int[2] "
    "padding, int[2] stride) -> Tensor",
    _to_image,
    samples=(
        (f32(2, 12, 9), [4, 4], [2, 2], [1, 1], [0, 0], [1, 1]),
        (f32(18, 6), [5, 6], [3, 3], [1, 1], [1, 1], [2, 3]),
    ),
    kinds="bfc",
)
