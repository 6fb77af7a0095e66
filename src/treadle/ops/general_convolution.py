"""The general convolution of exporters, transposed or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import UnsupportedError
from treadle.ir.types import TensorType
from treadle.ops.convolution import (
    conv1d,
    conv2d,
    conv3d,
    convolution_spec,
    convolve,
    convolved_type,
)
from treadle.ops.declare import op
from treadle.ops.lowering import ConvolutionSpec, Decompose, Emitter
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32
from treadle.ops.shapes import pair, tensor
from treadle.ops.transposed import convolve_transposed, decompose_transposed, transposed_shape

Array = np.ndarray[Any, Any]


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
        if transposed:
            spec = spec_of(emit.type(weight), stride, padding, dilation, groups)
            more = pair("convolution", "output_padding", extra, len(spec.stride))
            return decompose_transposed(emit, x, weight, bias, spec, more)
        plain = {3: conv1d, 4: conv2d, 5: conv3d}.get(len(emit.type(weight).sizes))
        if plain is None:
            raise UnsupportedError("a convolution over more than 3 dims")
        return emit(plain, x, weight, bias, stride, padding, dilation, groups)

    op(
        schema,
        reference=reference,
        infer=infer,
        lower=Decompose(build),
        samples=samples,
        kinds="if",
    )


_CONVOLUTIONS = (
    (f32(2, 4, 8, 9), f32(6, 2, 3, 3), f32(6), [1, 2], [1, 1], [1, 1], False, [0, 0], 2),
    (f32(2, 3, 8), f32(4, 3, 3), None, [1], [1], [1], False, [0], 1),
    (f32(1, 4, 5, 6), f32(4, 3, 3, 3), f32(3), [2, 2], [1, 1], [1, 1], True, [1, 1], 1),
    (f32(1, 2, 3, 4, 4), f32(3, 2, 2, 2, 2), f32(3), [1] * 3, [0] * 3, [1] * 3, False, [0] * 3, 1),
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
