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
    values, indices = FUNCTIONS["adaptive_max_pool2d"](input, output_size)
    return (values, indices) if return_indices else values


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
