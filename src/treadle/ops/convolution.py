"""Convolutions over one, two and three dims."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError, ShapeError
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.lowering import Convolution, ConvolutionSpec, Decompose, Emitter
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f16, f32, f64
from treadle.ops.shapes import expect_rank, inner, pair, tensor

Array = np.ndarray[Any, Any]


def convolution_spec(
    name: str, count: int, stride: Any, padding: Any, dilation: Any, groups: int
) -> ConvolutionSpec:
    """The numbers of a convolution, one per spatial dim.

    Raises:
        ShapeError: if one is out of its range.
    """
    if count < 1:
        raise ShapeError(f"{name}: weight must have at least 3 dims, got {count + 2}")
    spec = ConvolutionSpec(
        pair(name, "stride", stride, count),
        pair(name, "padding", padding, count),
        pair(name, "dilation", dilation, count),
        groups,
    )
    if min(*spec.stride, *spec.dilation, groups) < 1 or min(spec.padding) < 0:
        raise ShapeError(
            f"{name}: stride, dilation and groups must be positive, padding not"
            f" negative, got {spec}"
        )
    return spec


def _check_channels(
    name: str, x: TensorType, weight: TensorType, bias: TensorType | None, groups: int
) -> None:
    count = len(weight.sizes) - 2
    expect_rank(name, "input", x, count + 1, count + 2)
    same_dtype(name, x, weight, bias)
    c_in, c_out = x.sizes[-count - 1], weight.sizes[0]
    if weight.sizes[1] * groups != c_in or c_out % groups:
        raise ShapeError(
            f"{name}: weight {weight} does not fit input {x} in {groups} groups:"
            " needs [c_out, c_in / groups, ...], c_out a multiple of groups"
        )
    if bias is not None and bias.sizes != (c_out,):
        raise ShapeError(f"{name}: bias must be [{c_out}], got {bias}")


def convolved_type(
    name: str, x: TensorType, weight: TensorType, bias: TensorType | None, spec: ConvolutionSpec
) -> TensorType:
    """The type of the result.

    Raises:
        ShapeError: if the operands do not fit each other.
    """
    _check_channels(name, x, weight, bias, spec.groups)
    kernel = weight.sizes[2:]
    count = len(kernel)
    sizes = [
        (size + 2 * pad - dilation * (k - 1) - 1) // stride + 1
        for size, k, stride, pad, dilation in zip(
            x.sizes[-count:], kernel, spec.stride, spec.padding, spec.dilation, strict=True
        )
    ]
    if min(sizes) < 1:
        raise ShapeError(f"{name}: kernel {list(kernel)} is larger than the padded input {x}")
    return tensor(x.element, (*x.sizes[: -count - 1], weight.sizes[0], *sizes))


def convolve(
    x: Array, weight: Array, bias: Array | None, spec: ConvolutionSpec, shape: Sequence[int]
) -> Array:
    """The sum over the kernel's positions of a product over channels; result of `shape`."""
    count = weight.ndim - 2
    batched = x.ndim == count + 2
    wide = accumulation(dtype_of(x)).numpy
    x, out = (x, tuple(shape)) if batched else (x[None], (1, *shape))
    padded = np.pad(x.astype(wide), [(0, 0), (0, 0), *((p, p) for p in spec.padding)])
    padded = padded.reshape(x.shape[0], spec.groups, weight.shape[1], *padded.shape[2:])
    w = weight.astype(wide).reshape(spec.groups, -1, *weight.shape[1:])
    total = np.zeros((out[0], spec.groups, w.shape[1], *out[2:]), wide)
    for tap in itertools.product(*map(range, weight.shape[2:])):
        window = tuple(
            slice(t * d, t * d + s * n, s)
            for t, d, s, n in zip(tap, spec.dilation, spec.stride, out[2:], strict=True)
        )
        inputs = padded[inner(_clip(window, spec, out))]
        total += np.einsum("ngc...,goc->ngo...", inputs, w[inner(tap)])
    y = total.reshape(out)
    if bias is not None:
        y = y + bias.astype(wide).reshape(-1, *(1,) * count)
    return np.asarray(y if batched else y[0]).astype(x.dtype)


def _clip(window: tuple[slice, ...], spec: ConvolutionSpec, out: Sequence[int]) -> Any:
    return tuple(
        slice(w.start, w.start + s * (n - 1) + 1, s)
        for w, s, n in zip(window, spec.stride, out[2:], strict=True)
    )


def _convolution(name: str, count: int) -> dict[str, Any]:
    def infer(
        x: TensorType, weight: TensorType, bias: TensorType | None, *geometry: Any
    ) -> TensorType:
        expect_rank(name, "weight", weight, count + 2)
        return convolved_type(name, x, weight, bias, convolution_spec(name, count, *geometry))

    def reference(x: Array, weight: Array, bias: Array | None, *geometry: Any) -> Array:
        types = (None if a is None else tensor(dtype_of(a), a.shape) for a in (x, weight, bias))
        shape = infer(*types, *geometry).sizes  # type: ignore[arg-type]
        spec = convolution_spec(name, count, *geometry)
        return convolve(x, weight, bias, spec, shape)

    def spec(result: TensorType, x: Any, weight: Any, bias: Any, *geometry: Any) -> ConvolutionSpec:
        return convolution_spec(name, count, *geometry)

    return {
        "reference": reference,
        "infer": infer,
        "lower": Convolution(spec),
        "doc": "`lower` covers an input without a batch dim too: it is a batch of one.",
    }


conv2d = op(
    "aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=[1, 1], "
    "int[2] padding=[0, 0], int[2] dilation=[1, 1], int groups=1) -> Tensor",
    **_convolution("conv2d", 2),
    samples=(
        (f32(2, 3, 8, 9), f32(4, 3, 3, 3), f32(4), [1, 1], [1, 1], [1, 1], 1),
        (f32(1, 16, 5, 5), f32(33, 16, 1, 1), None, [1, 1], [0, 0], [1, 1], 1),
        (f32(1, 3, 11, 11), f32(5, 3, 7, 7), f32(5), [2, 2], [3, 3], [1, 1], 1),
        (f32(2, 6, 7, 7), f32(6, 1, 3, 3), f32(6), [1, 1], [1, 1], [1, 1], 6),
        (f32(1, 4, 9, 8), f32(6, 2, 3, 2), f32(6), [2, 1], [0, 1], [2, 1], 2),
        (f32(3, 6, 6), f32(2, 3, 3, 3), f32(2), [1, 1], [0, 0], [1, 1], 1),
        (f32(0, 3, 6, 6), f32(2, 3, 3, 3), f32(2), [1, 1], [0, 0], [1, 1], 1),
        (f64(1, 2, 5, 5), f64(3, 2, 3, 3), f64(3), [1], [1], [1], 1),
        (f16(1, 2, 5, 5), f16(3, 2, 3, 3), f16(3), [1, 1], [1, 1], [1, 1], 1),
    ),
    kinds="ifc",
)
conv1d = op(
    "aten::conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=[1], "
    "int[1] padding=[0], int[1] dilation=[1], int groups=1) -> Tensor",
    **_convolution("conv1d", 1),
    samples=(
        (f32(2, 3, 8), f32(4, 3, 3), f32(4), [1], [1], [1], 1),
        (f32(1, 4, 17), f32(6, 2, 5), None, [2], [0], [2], 2),
        (f32(4, 9), f32(2, 4, 2), None, [1], [0], [1], 1),
    ),
    kinds="ifc",
)


# --- padding by name ----------------------------------------------------------------------------


def _named_padding(
    name: str, weight: Any, stride: Any, padding: str, dilation: Any
) -> list[tuple[int, int]]:
    """What ``valid`` or ``same`` adds before and after each dim."""
    kernel = weight.shape[2:]
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding != "same":
        raise InputError(f"{name}: padding {padding!r}; allowed: 'valid', 'same'")
    if any(s != 1 for s in pair(name, "stride", stride, len(kernel))):
        raise InputError(f"{name}: padding 'same' needs a stride of 1")
    total = [
        d * (k - 1)
        for d, k in zip(pair(name, "dilation", dilation, len(kernel)), kernel, strict=True)
    ]
    return [(t // 2, t - t // 2) for t in total]


def _with_named_padding(schema: str, plain: OpDef, name: str, samples: Any) -> None:
    """A convolution whose padding is a name; uneven padding becomes a pad of its own."""

    def geometry(
        weight: Any, stride: Any, padding: str, dilation: Any
    ) -> tuple[list[int], list[int]]:
        sides = _named_padding(name, weight, stride, padding, dilation)
        extra = [n for a, b in sides[::-1] for n in (0, b - a)]
        return [a for a, _ in sides], extra

    def reference(
        x: Array, weight: Array, bias: Any, stride: Any, padding: str, dilation: Any, groups: int
    ) -> Any:
        even, extra = geometry(weight, stride, padding, dilation)
        if any(extra):
            sides = [(p, p + e) for p, e in zip(even, extra[1::2][::-1], strict=True)]
            x = np.pad(x, [(0, 0)] * (x.ndim - len(even)) + sides)
            even = [0] * len(even)
        assert plain.reference is not None
        return plain.reference(x, weight, bias, stride, even, dilation, groups)

    def infer(
        x: TensorType,
        weight: TensorType,
        bias: Any,
        stride: Any,
        padding: str,
        dilation: Any,
        groups: int,
    ) -> Any:
        even, extra = geometry(weight, stride, padding, dilation)
        if any(extra) and len(x.sizes) > len(even):
            grown = [
                d + e + 2 * p
                for d, e, p in zip(x.sizes[-len(even) :], extra[1::2][::-1], even, strict=True)
            ]
            x, even = tensor(x.element, (*x.sizes[: -len(even)], *grown)), [0] * len(even)
        assert plain.infer is not None
        return plain.infer(x, weight, bias, stride, even, dilation, groups)

    def build(
        emit: Emitter,
        x: Any,
        weight: Any,
        bias: Any,
        stride: Any,
        padding: str,
        dilation: Any,
        groups: int,
    ) -> Any:
        even, extra = geometry(emit.type(weight), stride, padding, dilation)
        if any(extra):
            sides = [n for p, e in zip(even[::-1], extra[1::2], strict=True) for n in (p, p + e)]
            x, even = emit("constant_pad_nd", x, sides, 0), [0] * len(even)
        return emit(plain, x, weight, bias, stride, even, dilation, groups)

    op(schema, reference=reference, infer=infer, lower=Decompose(build), samples=samples)


_with_named_padding(
    "aten::conv2d.padding(Tensor input, Tensor weight, Tensor? bias=None, int[2] "
    'stride=[1, 1], str padding="valid", int[2] dilation=[1, 1], int groups=1) -> Tensor',
    conv2d,
    "conv2d",
    (
        (f32(1, 2, 7, 8), f32(3, 2, 3, 3), f32(3), [1, 1], "same", [1, 1], 1),
        (f32(1, 2, 7, 8), f32(3, 2, 2, 4), None, [1, 1], "same", [1, 1], 1),
        (f32(1, 2, 7, 8), f32(3, 2, 3, 3), f32(3), [2, 1], "valid", [1, 1], 1),
    ),
)
_with_named_padding(
    "aten::conv1d.padding(Tensor input, Tensor weight, Tensor? bias=None, int[1] "
    'stride=[1], str padding="valid", int[1] dilation=[1], int groups=1) -> Tensor',
    conv1d,
    "conv1d",
    (
        (f32(1, 2, 7), f32(3, 2, 3), f32(3), [1], "same", [2], 1),
        (f32(1, 2, 7), f32(3, 2, 4), None, [1], "same", [1], 1),
    ),
)


# --- three dims ---------------------------------------------------------------------------------

_three = _convolution("conv3d", 3)


def _planes(
    emit: Emitter, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any,
    groups: int,
) -> Any:  # fmt: skip
    """The sum over the first dim of the kernel of convolutions of planes."""
    types = (emit.type(t) if t is not None else None for t in (x, weight, bias))
    result = _three["infer"](*types, stride, padding, dilation, groups).sizes
    spec = convolution_spec("conv3d", 3, stride, padding, dilation, groups)
    batched = len(result) == 5
    x = x if batched else emit("unsqueeze", x, 0)
    before = spec.padding[0]
    x = emit("constant_pad_nd", x, [0, 0, 0, 0, before, before], 0) if before else x
    x = emit("permute", x, [0, 2, 1, 3, 4])
    batch, _, *plane = emit.type(x).sizes
    depth = result[-3]
    rest = ([*s[1:]] for s in (spec.stride, spec.padding, spec.dilation))
    options = (*rest, groups)
    y: Any = None
    for tap in range(int(emit.type(weight).sizes[2])):
        first = tap * spec.dilation[0]
        last = first + (depth - 1) * spec.stride[0] + 1
        part = emit("slice.Tensor", x, 1, first, last, spec.stride[0])
        part = emit("reshape", part, [batch * depth, *plane])
        kernel = emit("select.int", weight, 2, tap)
        one = emit(conv2d, part, kernel, None if tap else bias, *options)
        y = one if y is None else emit("add.Tensor", y, one, 1)
    y = emit("reshape", y, [batch, depth, *emit.type(y).sizes[1:]])
    y = emit("permute", y, [0, 2, 1, 3, 4])
    return y if batched else emit("squeeze.dim", y, 0)


conv3d = op(
    "aten::conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=[1, 1, "
    "1], int[3] padding=[0, 0, 0], int[3] dilation=[1, 1, 1], int groups=1) -> Tensor",
    reference=_three["reference"],
    infer=_three["infer"],
    lower=Decompose(_planes),
    samples=(
        (f32(1, 2, 4, 5, 6), f32(4, 1, 3, 3, 3), None, [2], [1], [1], 2),
        (f32(3, 5, 4, 4), f32(2, 3, 2, 2, 2), f32(2), [1], [0], [2], 1),
        (f32(2, 3, 3, 4, 4), f32(2, 3, 1, 3, 3), f32(2), [1], [0, 1, 1], [1], 1),
        (f32(1, 2, 4, 5, 6), f32(3, 2, 2, 3, 3), f32(3), [1, 1, 2], [0, 1, 1], [1, 1, 1], 1),
    ),
    kinds="ifc",
)
_with_named_padding(
    "aten::conv3d.padding(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=[1, 1, "
    '1], str padding="valid", int[3] dilation=[1, 1, 1], int groups=1) -> Tensor',
    conv3d,
    "conv3d",
    (
        (f32(1, 2, 4, 5, 6), f32(3, 2, 3, 2, 3), f32(3), [1], "same", [1], 1),
        (f32(1, 2, 4, 5, 6), f32(4, 1, 3, 3, 3), None, [2], "valid", [1], 2),
    ),
)
