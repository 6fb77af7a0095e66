"""The pooling functions of ``torch.nn.functional`` that are not operators themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from treadle.eager.table import FUNCTIONS
from treadle.errors import UnsupportedError
from treadle.tensor import Tensor

Sizes: TypeAlias = "int | Sequence[int]"


def max_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window along the last dimension."""
    spec = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool1d", input, spec, return_indices)


def max_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over the last two dimensions."""
    spec = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool2d", input, spec, return_indices)


def max_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over the last three dimensions."""
    spec = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool3d", input, spec, return_indices)


def _max_pool(name: str, input: Any, spec: tuple[Any, ...], return_indices: bool) -> Any:
    """Tensor, or tensor and positions."""
    kernel, stride, padding, dilation, ceil = spec
    arguments = kernel, [] if stride is None else stride, padding, dilation, ceil
    if not return_indices:
        return FUNCTIONS[name](input, *arguments)
    try:
        function = FUNCTIONS[f"{name}_with_indices"]
    except KeyError:
        raise UnsupportedError(f"{name}: return_indices") from None
    return function(input, *arguments)


def adaptive_max_pool2d(input: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """Largest elements of as many windows as the result has elements."""
    values, indices = FUNCTIONS["adaptive_max_pool2d"](input, _sizes(input, output_size, 2))
    return (values, indices) if return_indices else values


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """Means of as many windows as the result has elements; None keeps a size."""
    result: Tensor = FUNCTIONS["adaptive_avg_pool2d"](input, _sizes(input, output_size, 2))
    return result


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Tensor:
    """Means of as many windows as the result has elements; None keeps a size."""
    result: Tensor = FUNCTIONS["adaptive_avg_pool3d"](input, _sizes(input, output_size, 3))
    return result


def _sizes(input: Any, output_size: Any, count: int) -> list[int]:
    """The sizes of the result."""
    listed = [output_size] * count if not isinstance(output_size, list | tuple) else output_size
    have = input.shape[len(input.shape) - count :]
    return [h if n is None else n for n, h in zip(listed, have, strict=True)]


def adaptive_max_pool1d(input: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """Largest elements of as many windows as the result has elements."""
    (size,) = [output_size] if isinstance(output_size, int) else output_size
    rows = FUNCTIONS["unsqueeze"](input, -2)
    values, indices = FUNCTIONS["adaptive_max_pool2d"](rows, [1, size])
    return (values.squeeze(-2), indices.squeeze(-2)) if return_indices else values.squeeze(-2)


def lp_pool1d(
    input: Any,
    norm_type: float,
    kernel_size: int,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window along the last dimension."""
    return _lp_pool("avg_pool1d", input, norm_type, (kernel_size,), stride, ceil_mode)


def lp_pool2d(
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window over the last two dimensions."""
    kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
    return _lp_pool("avg_pool2d", input, norm_type, kernel, stride, ceil_mode)


def _lp_pool(
    name: str, input: Any, p: float, kernel: tuple[int, ...], stride: Any, ceil_mode: bool
) -> Tensor:
    count = 1
    for size in kernel:
        count *= size
    powers = FUNCTIONS["pow"](input, p)
    means = FUNCTIONS[name](powers, list(kernel), [] if stride is None else stride, 0, ceil_mode)
    result: Tensor = (means.sign() * means.abs().relu() * count).pow(1.0 / p)
    return result


def lp_pool3d(
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window over the last three dimensions."""
    kernel = (kernel_size,) * 3 if isinstance(kernel_size, int) else tuple(kernel_size)
    return _lp_pool("avg_pool3d", input, norm_type, kernel, stride, ceil_mode)


# --- positions, and back ------------------------------------------------------------------------


def max_pool2d_with_indices(input: Any, *args: Any, **options: Any) -> Any:
    """`max_pool2d` and the positions of its elements."""
    return max_pool2d(input, *args, **{**options, "return_indices": True})


def max_pool1d_with_indices(input: Any, *args: Any, **options: Any) -> Any:
    """`max_pool1d` and the positions of its elements."""
    return max_pool1d(input, *args, **{**options, "return_indices": True})


def max_pool3d_with_indices(input: Any, *args: Any, **options: Any) -> Any:
    """`max_pool3d` and the positions of its elements."""
    return max_pool3d(input, *args, **{**options, "return_indices": True})


def max_unpool1d(
    input: Any,
    indices: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Zeros, but for the elements of `max_pool1d` where they were."""
    (size,), _, _ = _unpooled(input, kernel_size, stride, padding, output_size, 1)
    rows, places = (FUNCTIONS["unsqueeze"](t, -2) for t in (input, indices))
    result: Tensor = FUNCTIONS["max_unpool2d"](rows, places, [1, size])
    return result.squeeze(-2)


def max_unpool2d(
    input: Any,
    indices: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Zeros, but for the elements of `max_pool2d` where they were."""
    size, _, _ = _unpooled(input, kernel_size, stride, padding, output_size, 2)
    result: Tensor = FUNCTIONS["max_unpool2d"](input, indices, size)
    return result


def max_unpool3d(
    input: Any,
    indices: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Zeros, but for the elements of `max_pool3d` where they were."""
    size, steps, sides = _unpooled(input, kernel_size, stride, padding, output_size, 3)
    result: Tensor = FUNCTIONS["max_unpool3d"](input, indices, size, steps, sides)
    return result


def _unpooled(
    input: Any, kernel: Any, stride: Any, padding: Any, output_size: Any, count: int
) -> tuple[list[int], list[int], list[int]]:
    """The sizes before pooling, the strides and the padding."""
    kernels, steps, sides = (
        [v] * count if isinstance(v, int) else list(v)
        for v in (kernel, kernel if stride in (None, []) else stride, padding)
    )
    if output_size is not None:
        return list(output_size)[-count:], steps, sides
    have = input.shape[len(input.shape) - count :]
    sizes = [
        (n - 1) * s - 2 * p + k for n, s, p, k in zip(have, steps, sides, kernels, strict=True)
    ]
    return sizes, steps, sides
