"""The pooling functions of ``torch.nn.functional`` that are not operators themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError, ShapeError, UnsupportedError
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
    return _adaptive_max_pool(input, output_size, return_indices, 2)


def adaptive_max_pool3d(input: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """Largest elements of as many windows as the result has elements."""
    return _adaptive_max_pool(input, output_size, return_indices, 3)


def _adaptive_max_pool(input: Any, output_size: Sizes, return_indices: bool, count: int) -> Any:
    name = f"adaptive_max_pool{count}d"
    values, indices = FUNCTIONS[name](input, _sizes(name, input, output_size, count))
    return (values, indices) if return_indices else values


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """Means of as many windows as the result has elements; None keeps a size."""
    result: Tensor = FUNCTIONS["adaptive_avg_pool2d"](
        input, _sizes("adaptive_avg_pool2d", input, output_size, 2)
    )
    return result


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Tensor:
    """Means of as many windows as the result has elements; None keeps a size."""
    result: Tensor = FUNCTIONS["adaptive_avg_pool3d"](
        input, _sizes("adaptive_avg_pool3d", input, output_size, 3)
    )
    return result


def _sizes(name: str, input: Any, output_size: Any, count: int) -> Any:
    """The sizes of the result, with those of the input for None."""
    if isinstance(output_size, int):
        return output_size
    listed = [output_size] * count if output_size is None else output_size
    if len(listed) != count or len(input.shape) < count:
        raise ShapeError(
            f"{name}: output_size {list(listed)} must be 1 or {count} sizes, for an input of at"
            f" least {count} dims, got {list(input.shape)}"
        )
    have = input.shape[len(input.shape) - count :]
    return [h if n is None else n for n, h in zip(listed, have, strict=True)]


def adaptive_max_pool1d(input: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """Largest elements of as many windows as the result has elements."""
    return _adaptive_max_pool(input, output_size, return_indices, 1)


def fractional_max_pool2d(
    input: Any,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """Largest elements of windows at distances drawn by chance, as many as `output_size` tells."""
    spec = kernel_size, output_size, output_ratio, _random_samples
    return _fractional_max_pool(input, spec, return_indices, 2)


def fractional_max_pool3d(
    input: Any,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """Largest elements of windows at distances drawn by chance, as many as `output_size` tells."""
    spec = kernel_size, output_size, output_ratio, _random_samples
    return _fractional_max_pool(input, spec, return_indices, 3)


def _fractional_max_pool(
    input: Any, spec: tuple[Any, ...], return_indices: bool, count: int
) -> Any:
    kernel, size, ratio, samples = spec
    name = f"fractional_max_pool{count}d"
    if size is None:
        if ratio is None:
            raise InputError(f"{name}: argument output_size or output_ratio is needed")
        ratios = ratio if isinstance(ratio, list | tuple) else [ratio] * count
        size = [int(n * r) for n, r in zip(input.shape[-count:], ratios, strict=False)]
    if samples is None:
        batch = input.shape[0] if len(input.shape) == count + 2 else 1
        shape = [batch, input.shape[-count - 1], count]
        samples = FUNCTIONS["rand"](shape, dtype=input.dtype)
    values, indices = FUNCTIONS[name](input, kernel, size, samples)
    return (values, indices) if return_indices else values


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


def _and_indices(function: Any) -> Any:
    """`function`, which gives the positions of its elements too."""

    def with_indices(input: Any, *args: Any, **options: Any) -> Any:
        return function(input, *args, **{**options, "return_indices": True})

    name = f"{function.__name__}_with_indices"
    with_indices.__name__ = with_indices.__qualname__ = name
    with_indices.__doc__ = f"`{function.__name__}` and the positions of its elements."
    return with_indices


max_pool1d_with_indices = _and_indices(max_pool1d)
max_pool2d_with_indices = _and_indices(max_pool2d)
max_pool3d_with_indices = _and_indices(max_pool3d)
adaptive_max_pool1d_with_indices = _and_indices(adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = _and_indices(adaptive_max_pool2d)
adaptive_max_pool3d_with_indices = _and_indices(adaptive_max_pool3d)
fractional_max_pool2d_with_indices = _and_indices(fractional_max_pool2d)
fractional_max_pool3d_with_indices = _and_indices(fractional_max_pool3d)


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
