"""The pooling functions of ``torch.nn.functional`` that are not operators themselves.

Those of one, two and three dims are one function each, which is given their number first.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")
Sizes: TypeAlias = "int | Sequence[int]"


def _over(function: Callable[Concatenate[int, P], R], count: int) -> Callable[P, R]:
    """A function that takes the number of dims first, as that of `count` of them."""

    @functools.wraps(function)
    def pooling(*args: P.args, **options: P.kwargs) -> R:
        return function(count, *args, **options)

    pooling.__name__ = pooling.__qualname__ = f"{function.__name__.lstrip('_')}{count}d"
    signature = inspect.signature(function)
    _, *parameters = signature.parameters.values()
    pooling.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return pooling


def _max_pool(
    count: int,
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over the last dims; with `return_indices` its position."""
    name = f"max_pool{count}d"
    arguments = kernel_size, [] if stride is None else stride, padding, dilation, ceil_mode
    if not return_indices:
        return FUNCTIONS[name](input, *arguments)
    try:
        function = FUNCTIONS[f"{name}_with_indices"]
    except KeyError:
        raise UnsupportedError(f"{name}: return_indices") from None
    return function(input, *arguments)


max_pool1d, max_pool2d, max_pool3d = (_over(_max_pool, n) for n in (1, 2, 3))


def _adaptive_max_pool(
    count: int, input: Any, output_size: Sizes, return_indices: bool = False
) -> Any:
    """Largest elements of as many windows as the result has elements."""
    name = f"adaptive_max_pool{count}d"
    values, indices = FUNCTIONS[name](input, _sizes(name, input, output_size, count))
    return (values, indices) if return_indices else values


adaptive_max_pool1d = _over(_adaptive_max_pool, 1)
adaptive_max_pool2d = _over(_adaptive_max_pool, 2)
adaptive_max_pool3d = _over(_adaptive_max_pool, 3)


def _adaptive_avg_pool(count: int, input: Any, output_size: Any) -> Tensor:
    """Means of as many windows as the result has elements; None keeps a size."""
    name = f"adaptive_avg_pool{count}d"
    result: Tensor = FUNCTIONS[name](input, _sizes(name, input, output_size, count))
    return result


adaptive_avg_pool2d = _over(_adaptive_avg_pool, 2)
adaptive_avg_pool3d = _over(_adaptive_avg_pool, 3)


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


def _fractional_max_pool(
    count: int,
    input: Any,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """Largest elements of windows at distances drawn by chance, as many as `output_size` tells."""
    name, size, samples = f"fractional_max_pool{count}d", output_size, _random_samples
    if size is None:
        if output_ratio is None:
            raise InputError(f"{name}: argument output_size or output_ratio is needed")
        ratios = output_ratio if isinstance(output_ratio, Sequence) else [output_ratio] * count
        size = [int(n * r) for n, r in zip(input.shape[-count:], ratios, strict=False)]
    if samples is None:
        batch = input.shape[0] if len(input.shape) == count + 2 else 1
        shape = [batch, input.shape[-count - 1], count]
        samples = FUNCTIONS["rand"](shape, dtype=input.dtype)
    values, indices = FUNCTIONS[name](input, kernel_size, size, samples)
    return (values, indices) if return_indices else values


fractional_max_pool2d = _over(_fractional_max_pool, 2)
fractional_max_pool3d = _over(_fractional_max_pool, 3)


def _lp_pool(
    count: int,
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window over the last dims."""
    kernel = [kernel_size] * count if isinstance(kernel_size, int) else list(kernel_size)
    powers = FUNCTIONS["pow"](input, norm_type)
    step = [] if stride is None else stride
    means = FUNCTIONS[f"avg_pool{count}d"](powers, kernel, step, 0, ceil_mode)
    sums = means.sign() * means.abs().relu() * math.prod(kernel)
    result: Tensor = sums.pow(1.0 / norm_type)
    return result


lp_pool1d, lp_pool2d, lp_pool3d = (_over(_lp_pool, n) for n in (1, 2, 3))


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


def _max_unpool(
    count: int,
    input: Any,
    indices: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Zeros, but for the elements of `max_pool` where they were."""
    size, steps, sides = _unpooled(input, kernel_size, stride, padding, output_size, count)
    if count == 1:
        rows, places = (FUNCTIONS["unsqueeze"](t, -2) for t in (input, indices))
        line: Tensor = FUNCTIONS["max_unpool2d"](rows, places, [1, *size])
        return line.squeeze(-2)
    more = (steps, sides) if count == 3 else ()
    result: Tensor = FUNCTIONS[f"max_unpool{count}d"](input, indices, size, *more)
    return result


max_unpool1d, max_unpool2d, max_unpool3d = (_over(_max_unpool, n) for n in (1, 2, 3))


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
