"""Transposed convolutions: as a plan, one convolution for all phases of the stride."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.convolution import conv1d, conv2d, conv3d, convolution_spec
from treadle.ops.declare import op
from treadle.ops.lowering import ConvolutionSpec, Decompose, Emitter
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f32
from treadle.ops.shapes import inner, pair, tensor

Array = np.ndarray[Any, Any]


def transposed_shape(
    x: Any, weight: Any, spec: ConvolutionSpec, extra: Sequence[int]
) -> tuple[int, ...]:
    """The shape of a transposed convolution's result.

    Raises:
        ShapeError: if the operands do not fit each other.
    """
    count = len(weight.shape) - 2
    if (
        count < 1
        or count != len(spec.stride)
        or len(x.shape) not in (count + 1, count + 2)
        or x.shape[-count - 1] != weight.shape[0]
        or (weight.shape[0] % spec.groups)
    ):
        raise ShapeError(
            f"conv_transpose: weight {list(weight.shape)} does not fit input"
            f" {list(x.shape)} in {spec.groups} groups: needs [c_in, c_out / groups, ...]"
        )
    sizes = [
        (size - 1) * s - 2 * p + d * (k - 1) + e + 1
        for size, s, p, d, k, e in zip(
            x.shape[-count:],
            spec.stride,
            spec.padding,
            spec.dilation,
            weight.shape[2:],
            extra,
            strict=True,
        )
    ]
    if min(sizes) < 1:
        raise ShapeError(
            f"conv_transpose: padding {list(spec.padding)} leaves nothing of {list(x.shape)}"
        )
    return (*x.shape[: -count - 1], weight.shape[1] * spec.groups, *sizes)


def convolve_transposed(
    x: Array, weight: Array, bias: Array | None, spec: ConvolutionSpec, extra: Sequence[int]
) -> Array:
    """Every input element times the kernel, added where it falls."""
    shape = transposed_shape(x, weight, spec, extra)
    count = weight.ndim - 2
    batched = x.ndim == count + 2
    x, out = (x, shape) if batched else (x[None], (1, *shape))
    wide = accumulation(dtype_of(x)).numpy
    sizes = x.shape[2:]
    xs = x.astype(wide).reshape(x.shape[0], spec.groups, -1, *sizes)
    w = weight.astype(wide).reshape(spec.groups, -1, *weight.shape[1:])
    full = [
        (n - 1) * s + d * (k - 1) + 1 + e
        for n, s, d, k, e in zip(
            sizes, spec.stride, spec.dilation, weight.shape[2:], extra, strict=True
        )
    ]
    full = [max(f, o + 2 * p) for f, o, p in zip(full, out[2:], spec.padding, strict=True)]
    total = np.zeros((x.shape[0], spec.groups, weight.shape[1], *full), wide)
    for tap in itertools.product(*map(range, weight.shape[2:])):
        place = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, s, n in zip(tap, spec.dilation, spec.stride, sizes, strict=True)
        )
        total[inner(place)] += np.einsum("ngc...,gco->ngo...", xs, w[inner(tap)])
    crop = tuple(slice(p, p + o) for p, o in zip(spec.padding, out[2:], strict=True))
    y = total[inner(crop)].reshape(out)
    if bias is not None:
        y = y + bias.astype(wide).reshape(-1, *(1,) * count)
    return np.asarray(y if batched else y[0]).astype(x.dtype)


def _phases(weight: Array, spec: ConvolutionSpec) -> Array:
    """The kernels of the phases: [c_out * phases, c_in / groups, ...], taps reversed.

    Output ``s * j + r`` is the sum of ``x[j - m] * w[s * m + r]`` over m: a convolution with every
    s-th tap, for each of the s phases r. Taps are first spread by the dilation, then filled up to
    a multiple of the stride.
    """
    (c_in, c_out), taps = weight.shape[:2], weight.shape[2:]
    count, groups = len(taps), spec.groups
    spread = [d * (k - 1) + 1 for d, k in zip(spec.dilation, taps, strict=True)]
    terms = [-(-k // s) for k, s in zip(spread, spec.stride, strict=True)]
    full = np.zeros((c_in, c_out, *(m * s for m, s in zip(terms, spec.stride, strict=True))),
                    weight.dtype)  # fmt: skip
    places = (slice(0, k, d) for k, d in zip(spread, spec.dilation, strict=True))
    full[inner(places)] = weight
    split = [n for m, s in zip(terms, spec.stride, strict=True) for n in (m, s)]
    w = full.reshape(groups, c_in // groups, c_out, *split)
    order = (0, 2, *range(4, 3 + 2 * count, 2), 1, *range(3, 3 + 2 * count, 2))
    w = np.flip(w.transpose(order), tuple(range(-count, 0)))
    return np.ascontiguousarray(w).reshape(-1, c_in // groups, *terms)


def _phases_now(emit: Emitter, weight: Any, spec: ConvolutionSpec) -> Any:
    """The same of a weight that is computed at run time."""
    for axis, d in enumerate(spec.dilation, 2):
        weight = _spread_taps(emit, weight, axis, d) if d > 1 else weight
    (c_in, c_out), taps = emit.type(weight).sizes[:2], emit.type(weight).sizes[2:]
    count, groups = len(taps), spec.groups
    terms = [-(-k // s) for k, s in zip(taps, spec.stride, strict=True)]
    missing = [m * s - k for m, s, k in zip(terms, spec.stride, taps, strict=True)]
    if any(missing):
        weight = emit("constant_pad_nd", weight, [v for e in missing[::-1] for v in (0, e)], 0)
    split = [n for m, s in zip(terms, spec.stride, strict=True) for n in (m, s)]
    w = emit("reshape", weight, [groups, c_in // groups, c_out, *split])
    w = emit("permute", w, [0, 2, *range(4, 3 + 2 * count, 2), 1, *range(3, 3 + 2 * count, 2)])
    w = emit("flip", w, list(range(-count, 0))) if max(terms) > 1 else w
    return emit("reshape", w, [groups * c_out * math.prod(spec.stride), c_in // groups, *terms])


def _spread_taps(emit: Emitter, weight: Any, axis: int, dilation: int) -> Any:
    """`weight` with zeros between its taps along one dim."""
    sizes = list(emit.type(weight).sizes)
    before, taps, after = sizes[:axis], sizes[axis], sizes[axis + 1 :]
    rest = math.prod(after)
    apart = emit("reshape", weight, [math.prod(before) * taps, rest])
    apart = emit("constant_pad_nd", apart, [0, (dilation - 1) * rest], 0)
    spread = emit("reshape", apart, [*before, taps * dilation, *after])
    return emit("narrow", spread, axis, 0, dilation * (taps - 1) + 1)


def decompose_transposed(
    emit: Emitter, x: Any, weight: Any, bias: Any, spec: ConvolutionSpec, extra: Sequence[int]
) -> Any:
    """A convolution that gives the phases of the stride as channels, then interleaved and cropped.

    Nothing is multiplied by zeros but for the rest of the kernel's size by the stride.
    """
    type_, kernel_type = emit.type(x), emit.type(weight)
    rank = len(kernel_type.sizes)
    plain = {1: conv1d, 2: conv2d, 3: conv3d}.get(rank - 2)
    if plain is None:
        raise UnsupportedError("a transposed convolution over more than 3 dims")
    same_dtype("conv_transpose", type_, kernel_type)
    out = transposed_shape(type_, kernel_type, spec, extra)
    if len(out) < rank:
        return emit("squeeze.dim",
                    decompose_transposed(emit, emit("unsqueeze", x, 0), weight, bias, spec, extra),
                    0)  # fmt: skip
    known = isinstance(weight, np.ndarray)
    kernel = _phases(weight, spec) if known else _phases_now(emit, weight, spec)
    terms = emit.type(kernel).sizes[2:]
    phases = int(np.prod(spec.stride))
    padding, more, crop, sizes = [], [], [], []
    for n, wanted, s, p, m in zip(
        type_.sizes[2:], out[2:], spec.stride, spec.padding, terms, strict=True
    ):
        skipped = min(p // s, m - 1)
        start, before = p - skipped * s, m - 1 - skipped
        needed = -(-(start + wanted) // s)
        padding.append(before)
        more.append(max(0, needed - (n + 2 * before - m + 1)))
        crop.append((start, wanted))
        sizes.append(n + 2 * before - m + 1 + more[-1])
    if any(more):
        x = emit("constant_pad_nd", x, [v for e in reversed(more) for v in (0, e)], 0)
    if bias is not None and phases > 1:
        bias = (
            np.repeat(bias, phases) if isinstance(bias, np.ndarray) else _spread(emit, bias, phases)
        )
    ones = [1] * len(sizes)
    y = emit(plain, x, kernel, bias, ones, padding, ones, spec.groups)
    if phases > 1:
        y = _interleaved(emit, y, out[1], spec.stride, sizes)
    for axis, (start, length) in enumerate(crop, 2):
        if (start, length) != (0, emit.type(y).sizes[axis]):
            y = emit("narrow", y, axis, start, length)
    return y


def _spread(emit: Emitter, bias: Any, count: int) -> Any:
    return emit("repeat_interleave.self_int", bias, count, 0, None)


def _interleaved(
    emit: Emitter, y: Any, channels: int, strides: Sequence[int], sizes: Sequence[int]
) -> Any:
    """Phases, which lie beside the channels, between the positions."""
    count = len(sizes)
    y = emit("view", y, [emit.type(y).sizes[0], channels, *strides, *sizes])
    order = [0, 1, *(n for i in range(count) for n in (2 + count + i, 2 + i))]
    y = emit("permute", y, order)
    spread = [n * s for n, s in zip(sizes, strides, strict=True)]
    return emit("reshape", y, [emit.type(y).sizes[0], channels, *spread])


def _transposed(schema: str, name: str, count: int, samples: Any) -> None:
    def read(
        stride: Any, padding: Any, extra: Any, groups: int, dilation: Any
    ) -> tuple[ConvolutionSpec, Sequence[int]]:
        spec = convolution_spec(name, count, stride, padding, dilation, groups)
        return spec, pair(name, "output_padding", extra, count)

    def infer(x: TensorType, weight: TensorType, bias: Any, *options: Any) -> TensorType:
        same_dtype(name, x, weight, bias)
        spec, extra = read(*options)
        if bias is not None and (
            len(weight.sizes) < 2 or bias.sizes != (weight.sizes[1] * spec.groups,)
        ):
            raise ShapeError(
                f"{name}: bias {bias} does not fit weight {weight} in {spec.groups} groups"
            )
        return tensor(x.element, transposed_shape(x, weight, spec, extra))

    def reference(x: Array, weight: Array, bias: Any, *options: Any) -> Array:
        types = (None if a is None else tensor(dtype_of(a), a.shape) for a in (x, weight, bias))
        image, kernel, shift = types
        assert image is not None
        assert kernel is not None
        infer(image, kernel, shift, *options)
        return convolve_transposed(x, weight, bias, *read(*options))

    def build(emit: Emitter, x: Any, weight: Any, bias: Any, *options: Any) -> Any:
        return decompose_transposed(emit, x, weight, bias, *read(*options))

    op(
        schema,
        reference=reference,
        infer=infer,
        lower=Decompose(build),
        samples=samples,
        kinds="lfc",
    )


_transposed(
    "aten::conv_transpose2d.input(Tensor input, Tensor weight, Tensor? bias=None, int[2] "
    "stride=[1, 1], int[2] padding=[0, 0], int[2] output_padding=[0, 0], int groups=1, "
    "int[2] dilation=[1, 1]) -> Tensor",
    "conv_transpose2d",
    2,
    (
        (f32(1, 4, 5, 6), f32(4, 3, 3, 3), f32(3), [2, 2], [1, 1], [1, 1], 1, [1, 1]),
        (f32(2, 4, 3, 3), f32(4, 2, 2, 2), None, [1, 1], [0, 0], [0, 0], 2, [2, 1]),
        (f32(4, 3, 3), f32(4, 2, 2, 2), f32(2), [2, 2], [0, 0], [0, 0], 1, [1, 1]),
        (f32(1, 3, 4, 5), f32(3, 4, 4, 4), f32(4), [2, 2], [1, 1], [0, 0], 1, [1, 1]),
        (f32(1, 2, 1, 4), f32(2, 3, 5, 2), f32(3), [3, 1], [1, 0], [2, 0], 1, [1, 2]),
    ),
)
_transposed(
    "aten::conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] "
    "stride=[1], int[1] padding=[0], int[1] output_padding=[0], int groups=1, int[1] "
    "dilation=[1]) -> Tensor",
    "conv_transpose1d",
    1,
    (
        (f32(2, 3, 5), f32(3, 4, 3), f32(4), [2], [1], [0], 1, [1]),
        (f32(1, 4, 6), f32(4, 3, 8), f32(6), [4], [2], [3], 2, [1]),
        (f32(1, 2, 5), f32(2, 3, 2), None, [3], [0], [2], 1, [3]),
        (f32(1, 2, 7), f32(2, 3, 3), f32(3), [1], [2], [0], 1, [1]),
    ),
)
_transposed(
    "aten::conv_transpose3d.input(Tensor input, Tensor weight, Tensor? bias=None, int[3] "
    "stride=[1, 1, 1], int[3] padding=[0, 0, 0], int[3] output_padding=[0, 0, 0], int groups=1, "
    "int[3] dilation=[1, 1, 1]) -> Tensor",
    "conv_transpose3d",
    3,
    ((f32(1, 2, 2, 3, 3), f32(2, 3, 2, 2, 2), f32(3), [2, 2, 1], [0] * 3, [0] * 3, 1, [1] * 3),),
)
