"""The general convolution of exporters, and transposed convolutions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.convolution import conv1d, conv2d, convolution_spec, convolve, convolved_type
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
        len(x.shape) not in (count + 1, count + 2)
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


def _general(schema: str, samples: Any) -> None:
    """``convolution``: dims from the weight, transposed or not; later arguments are hints."""

    def spec_of(
        weight: Any, stride: Any, padding: Any, dilation: Any, groups: int
    ) -> ConvolutionSpec:
        return convolution_spec(
            "convolution", len(weight.shape) - 2, stride, padding, dilation, groups
        )

    def infer(
        x: TensorType,
        weight: TensorType,
        bias: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        extra: Any,
        groups: int,
        *_: Any,
    ) -> TensorType:
        spec = spec_of(weight, stride, padding, dilation, groups)
        if transposed:
            more = pair("convolution", "output_padding", extra, len(spec.stride))
            return tensor(x.element, transposed_shape(x, weight, spec, more))
        return convolved_type("convolution", x, weight, bias, spec)

    def reference(
        x: Array,
        weight: Array,
        bias: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        extra: Any,
        groups: int,
        *_: Any,
    ) -> Array:
        types = (None if a is None else tensor(dtype_of(a), a.shape) for a in (x, weight, bias))
        shape = infer(*types, stride, padding, dilation, transposed, extra, groups).sizes  # type: ignore[arg-type]
        spec = spec_of(weight, stride, padding, dilation, groups)
        if transposed:
            more = pair("convolution", "output_padding", extra, len(spec.stride))
            return convolve_transposed(x, weight, bias, spec, more)
        return convolve(x, weight, bias, spec, shape)

    def build(
        emit: Emitter,
        x: Any,
        weight: Any,
        bias: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        extra: Any,
        groups: int,
        *_: Any,
    ) -> Any:
        plain = {3: conv1d, 4: conv2d}.get(len(emit.type(weight).sizes))
        if plain is None or transposed:
            raise UnsupportedError(
                "a transposed convolution, or one over more than 2 dims, as a plan"
            )
        return emit(plain, x, weight, bias, stride, padding, dilation, groups)

    op(schema, reference=reference, infer=infer, lower=Decompose(build), samples=samples)


_CONVOLUTIONS = (
    (f32(2, 4, 8, 9), f32(6, 2, 3, 3), f32(6), [1, 2], [1, 1], [1, 1], False, [0, 0], 2),
    (f32(2, 3, 8), f32(4, 3, 3), None, [1], [1], [1], False, [0], 1),
)
_general(
    "aten::convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] "
    "padding, int[] dilation, bool transposed, int[] output_padding, int groups) -> "
    "Tensor",
    _CONVOLUTIONS,
)
_general(
    "aten::_convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] "
    "padding, int[] dilation, bool transposed, int[] output_padding, int groups, bool "
    "benchmark, bool deterministic, bool cudnn_enabled, bool allow_tf32) -> Tensor",
    tuple((*s, False, False, True, True) for s in _CONVOLUTIONS),
)
_general(
    "aten::_convolution.deprecated(Tensor input, Tensor weight, Tensor? bias, int[] "
    "stride, int[] padding, int[] dilation, bool transposed, int[] output_padding, int "
    "groups, bool benchmark, bool deterministic, bool cudnn_enabled) -> Tensor",
    tuple((*s, False, False, True) for s in _CONVOLUTIONS),
)


def _transposed(schema: str, name: str, count: int, samples: Any) -> None:
    """No plan: the interpreter runs it."""

    def spec_of(stride: Any, padding: Any, groups: int, dilation: Any) -> ConvolutionSpec:
        return convolution_spec(name, count, stride, padding, dilation, groups)

    def infer(
        x: TensorType,
        weight: TensorType,
        bias: Any,
        stride: Any,
        padding: Any,
        extra: Any,
        groups: int,
        dilation: Any,
    ) -> TensorType:
        same_dtype(name, x, weight, bias)
        spec = spec_of(stride, padding, groups, dilation)
        return tensor(
            x.element, transposed_shape(x, weight, spec, pair(name, "output_padding", extra, count))
        )

    def reference(
        x: Array,
        weight: Array,
        bias: Any,
        stride: Any,
        padding: Any,
        extra: Any,
        groups: int,
        dilation: Any,
    ) -> Array:
        spec = spec_of(stride, padding, groups, dilation)
        return convolve_transposed(
            x, weight, bias, spec, pair(name, "output_padding", extra, count)
        )

    op(schema, reference=reference, infer=infer, samples=samples)


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
    ),
)
_transposed(
    "aten::conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] "
    "stride=[1], int[1] padding=[0], int[1] output_padding=[0], int groups=1, int[1] "
    "dilation=[1]) -> Tensor",
    "conv_transpose1d",
    1,
    ((f32(2, 3, 5), f32(3, 4, 3), f32(4), [2], [1], [0], 1, [1]),),
)
