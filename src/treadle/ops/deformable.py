"""Convolutions whose kernels reach for pixels at positions that come as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.expr import cast, varying
from treadle.ops.lowering import Decompose, Elements, Emitter, Loader
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f32, f64
from treadle.ops.scalar_math import LOOPS, NUMPY, Element
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
Pair = tuple[int, int]


def _check(
    image: Any, weight: Any, offset: Any, mask: Any, bias: Any, stride: Pair, padding: Pair,
    dilation: Pair, groups: int, offset_groups: int, use_mask: bool,
) -> Pair:  # fmt: skip
    """The height and width of the result.

    Raises:
        ShapeError: if the operands do not fit each other.
    """
    name = "deform_conv2d"
    if len(image.shape) != 4 or len(weight.shape) != 4 or not dtype_of(image).is_floating:
        raise ShapeError(
            f"{name}: input {dtype_of(image)}{list(image.shape)} and weight {list(weight.shape)}"
            " must be floating, [n, c, h, w] and [o, c / groups, kh, kw]"
        )
    n, channels, *sizes = image.shape
    if min(*stride, *dilation) < 1 or min(padding) < 0 or groups < 1 or offset_groups < 1:
        raise ShapeError(
            f"{name}: stride {stride}, dilation {dilation}, groups {groups} and offset groups"
            f" {offset_groups} must be positive, padding {padding} not negative"
        )
    if weight.shape[1] * groups != channels or weight.shape[0] % groups or channels % offset_groups:
        raise ShapeError(
            f"{name}: weight {list(weight.shape)} with {groups} groups and {offset_groups} offset"
            f" groups does not fit {channels} channels"
        )
    kernel = weight.shape[2:]
    height, width = (
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, p, d, k, s in zip(sizes, padding, dilation, kernel, stride, strict=True)
    )
    if height < 1 or width < 1:
        raise ShapeError(f"{name}: input {list(image.shape)} is smaller than the kernel {kernel}")
    taps = offset_groups * kernel[0] * kernel[1]
    expected = [("offset", offset, (n, 2 * taps, height, width)), ("bias", bias, weight.shape[:1])]
    if use_mask:
        expected.append(("mask", mask, (n, taps, height, width)))
    for what, value, shape in expected:
        if tuple(value.shape) != tuple(shape):
            raise ShapeError(f"{name}: {what} {list(value.shape)} must be {list(shape)}")
    return height, width


def _split(args: Sequence[Any]) -> tuple[Any, ...]:
    """The numbers of the schema: stride, padding, dilation as pairs, and the rest."""
    return (*((args[i], args[i + 1]) for i in (0, 2, 4)), *args[6:])


def _near(f: Any, p: Any, size: Any) -> list[tuple[Any, Any]]:
    """Index and weight of the two pixels around `p`; the weight is 0 for one that is not there."""
    low = f.floor(p)
    far = p - low
    sides = []
    for q, weight in ((low, 1.0 - far), (low + 1.0, far)):
        inside = (q >= 0.0) & (q <= size - 1.0)
        sides.append((f.cast(f.where(inside, q, 0.0), dtypes.i64), f.where(inside, weight, 0.0)))
    return sides


def _sampled(f: Any, pick: Any, at: Sequence[Any], sizes: Sequence[Any]) -> Any:
    """The image at row and column `at`, zero around it; ``pick(row, column)`` reads a pixel."""
    total: Any = None
    for row, down in _near(f, at[0], sizes[0]):
        for column, across in _near(f, at[1], sizes[1]):
            value = pick(row, column) * (down * across)
            total = value if total is None else total + value
    return total


# --- the columns: [n, groups, height, width, taps, c / groups] ----------------------------------


def _infer_columns(
    image: TensorType, offset: TensorType, mask: TensorType, kernel: Sequence[int],
    stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], groups: int,
    offset_groups: int, use_mask: bool,
) -> TensorType:  # fmt: skip
    n, channels = image.sizes[:2]
    taps = kernel[0] * kernel[1]
    return tensor(image.element, (n, groups, *offset.sizes[2:], taps, channels // groups))


def _column(
    f: Any, load: Any, positions: Sequence[Any], sizes: Sequence[Any], kernel: Sequence[int],
    stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], groups: int,
    offset_groups: int, use_mask: bool,
) -> Any:  # fmt: skip
    n, group, y, x, tap, c = positions
    channels, *image_sizes = sizes
    taps = kernel[0] * kernel[1]
    channel = group * (channels // groups) + c
    shared = (
        f.floordiv(channel, channels // offset_groups) * taps + tap if offset_groups > 1 else tap
    )
    row = f.floordiv(tap, kernel[1])
    places = []
    for i, (position, step) in enumerate(((y, row), (x, tap - row * kernel[1]))):
        moved = load(1, (n, shared * 2 + i, y, x))
        whole = position * stride[i] + step * dilation[i] - padding[i]
        places.append(moved + f.cast(whole, f.dtype(moved)))
    value = _sampled(f, lambda p, q: load(0, (n, channel, p, q)), places, image_sizes)
    return value * load(2, (n, shared, y, x)) if use_mask else value


def _columns(image: Array, offset: Array, mask: Array, kernel: Any, *args: Any) -> Array:
    operands = [a.astype(accumulation(dtype_of(image)).numpy) for a in (image, offset, mask)]
    image_type, *others = (tensor(dtype_of(a), a.shape) for a in (image, offset, mask))
    shape = _infer_columns(image_type, others[0], others[1], kernel, *args).sizes
    found = _column(
        NUMPY, lambda i, at: operands[i][at], tuple(np.indices(shape)), image.shape[1:], kernel,
        *args,
    )  # fmt: skip
    return np.asarray(found, image.dtype)


def _column_element(
    load: Loader, positions: Sequence[Expr], result: TensorType, image: TensorType,
    offset: TensorType, mask: TensorType, *args: Any,
) -> Expr:  # fmt: skip
    wide = accumulation(result.element)

    def read(argument: int, at: Sequence[Element]) -> Element:
        return Element(cast(load(argument, [p.expr for p in at]), wide))

    channels, *pixels = image.sizes[1:]
    sizes = [int(channels), *(Element(varying(size, wide)) for size in pixels)]
    found = _column(LOOPS, read, [Element(p) for p in positions], sizes, *args)
    return cast(found.expr, result.element)


op(
    "treadle::deformed_columns(Tensor image, Tensor offset, Tensor mask, int[] kernel, int[] stride"
    ", int[] padding, int[] dilation, int groups, int offset_groups, bool use_mask) -> Tensor",
    reference=_columns,
    infer=_infer_columns,
    lower=Elements(_column_element),
)


# --- the operator -------------------------------------------------------------------------------


def _deform_conv2d(
    image: Array, weight: Array, offset: Array, mask: Array, bias: Array, *args: Any
) -> Array:
    """A convolution whose taps are moved by `offset` and scaled by `mask`.

    Source: Zhu et al. 2018, Deformable ConvNets v2; torchvision.ops.deform_conv2d.
    """
    numbers = _split(args)
    _check(image, weight, offset, mask, bias, *numbers)
    stride, padding, dilation, groups, offset_groups, use_mask = numbers
    columns = _columns(
        image, offset, mask, weight.shape[2:], stride, padding, dilation, groups, offset_groups,
        use_mask,
    )  # fmt: skip
    parts = weight.reshape(groups, -1, *weight.shape[1:3], weight.shape[3])
    found = np.einsum(
        "ngyxtc,goct->ngoyx", columns, parts.reshape(*parts.shape[:3], -1), dtype=columns.dtype
    )
    shape = (len(image), len(weight), *columns.shape[2:4])
    return np.asarray(found.reshape(shape) + bias[:, None, None], image.dtype)


def _infer(
    image: TensorType, weight: TensorType, offset: TensorType, mask: TensorType, bias: TensorType,
    *args: Any,
) -> TensorType:  # fmt: skip
    same_dtype("deform_conv2d", image, weight, offset, mask, bias)
    sizes = _check(image, weight, offset, mask, bias, *_split(args))
    return tensor(image.element, (image.sizes[0], weight.sizes[0], *sizes))


def _decompose(
    emit: Emitter, image: Any, weight: Any, offset: Any, mask: Any, bias: Any, *args: Any
) -> Any:
    """The moved pixels as columns, times the weights."""
    types = [emit.type(v) for v in (image, weight, offset, mask, bias)]
    n, out, height, width = _infer(*types, *args).sizes
    stride, padding, dilation, groups, offset_groups, use_mask = _split(args)
    kernel = [int(k) for k in types[1].sizes[2:]]
    inner = types[1].sizes[1]
    columns = emit(
        "deformed_columns", image, offset, mask, kernel, list(stride), list(padding),
        list(dilation), groups, offset_groups, use_mask,
    )  # fmt: skip
    taps = kernel[0] * kernel[1]
    columns = emit("view", columns, [n, groups, height * width, taps * inner])
    parts = emit(
        "permute", emit("view", weight, [groups, out // groups, inner, taps]), [0, 3, 2, 1]
    )
    parts = emit("reshape", parts, [groups, taps * inner, out // groups])
    found = emit("permute", emit("matmul", columns, parts), [0, 1, 3, 2])
    found = emit("reshape", found, [n, out, height, width])
    return emit("add.Tensor", found, emit("view", bias, [out, 1, 1]), 1)


def _sample(dtype: Any, groups: int, offset_groups: int, use_mask: bool, *numbers: int) -> Any:
    """Two images of 4 channels and 5 x 6 pixels; kernels of 3 x 2."""
    stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w = numbers
    height = (5 + 2 * pad_h - dilation_h * 2 - 1) // stride_h + 1
    width = (6 + 2 * pad_w - dilation_w - 1) // stride_w + 1
    taps = 6 * offset_groups
    return (
        dtype(2, 4, 5, 6), dtype(6, 4 // groups, 3, 2), dtype(2, 2 * taps, height, width),
        dtype(2, taps, height, width) if use_mask else dtype(2, 1), dtype(6), *numbers, groups,
        offset_groups, use_mask,
    )  # fmt: skip


op(
    "torchvision::deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, "
    "Tensor bias, int stride_h, int stride_w, int pad_h, int pad_w, int dilation_h, "
    "int dilation_w, int groups, int offset_groups, bool use_mask) -> Tensor",
    reference=_deform_conv2d,
    infer=_infer,
    lower=Decompose(_decompose),
    samples=(
        _sample(f32, 1, 1, True, 1, 1, 1, 1, 1, 1),
        _sample(f32, 2, 4, False, 2, 1, 0, 2, 1, 2),
        _sample(f64, 2, 1, True, 1, 2, 2, 0, 2, 1),
    ),
)
