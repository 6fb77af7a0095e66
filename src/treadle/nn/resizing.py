"""The functions of ``torch.nn.functional`` that resize and warp images, or take them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError, ShapeError
from treadle.tensor import Tensor

Sizes: TypeAlias = "int | Sequence[int]"

_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
_PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


def interpolate(
    input: Any,
    size: Sizes | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """`input` resized to `size`, or by `scale_factor`; `mode` chooses the method."""
    if mode == "area":
        return _averaged(input, size, scale_factor)
    factors = (
        [*map(float, scale_factor)] if isinstance(scale_factor, list | tuple) else scale_factor
    )
    result: Tensor = FUNCTIONS["__interpolate"](
        input, size, factors, mode, align_corners, recompute_scale_factor, antialias
    )
    return result


def _averaged(input: Any, size: Any, scale_factor: Any) -> Tensor:
    """`interpolate` by means of areas."""
    have = input.shape[2:]
    if (size is None) == (scale_factor is None) or len(have) not in (1, 2, 3):
        raise InputError("interpolate: give either size or scale_factor, of 1 to 3 dims")
    if size is None:
        factors = scale_factor if isinstance(scale_factor, list | tuple) else [scale_factor]
        factors = [*factors] * (len(have) if len(factors) == 1 else 1)
        size = [math.floor(n * f) for n, f in zip(have, factors, strict=True)]
    sizes = [size] * len(have) if isinstance(size, int) else list(size)
    result: Tensor = FUNCTIONS[f"adaptive_avg_pool{len(have)}d"](input, sizes)
    return result


def upsample(
    input: Any,
    size: Sizes | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Another name of `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` by the nearest element."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` between neighbours, with the corners kept in place."""
    return interpolate(input, size, scale_factor, "bilinear", True)


def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The elements of `input` at the positions in `grid`, which go from -1 to 1."""
    method = _chosen("grid_sample", "mode", mode, _MODES)
    outside = _chosen("grid_sample", "padding_mode", padding_mode, _PADDINGS)
    result: Tensor = FUNCTIONS["grid_sampler"](input, grid, method, outside, bool(align_corners))
    return result


def _chosen(function: str, argument: str, value: str, allowed: dict[str, int]) -> int:
    if value not in allowed:
        names = ", ".join(map(repr, allowed))
        raise InputError(f"{function}: argument {argument} must be {names}, got {value!r}")
    return allowed[value]


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grid for `grid_sample` that maps an image of `size` by the affine maps `theta`."""
    spatial = tuple(size[2:])
    if tuple(theta.shape) != (size[0], len(spatial), len(spatial) + 1):
        wanted = [size[0], len(spatial), len(spatial) + 1]
        raise ShapeError(f"affine_grid: theta must be {wanted}, got {list(theta.shape)}")
    result: Tensor = FUNCTIONS["affine_grid_generator"](theta, list(size), bool(align_corners))
    return result


def unfold(
    input: Any, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """The windows of images as columns: ``[batch, channels * window, windows]``."""
    result: Tensor = FUNCTIONS["im2col"](input, kernel_size, dilation, padding, stride)
    return result


def fold(
    input: Any,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """The image whose windows are the columns of `input`, overlaps added up."""
    result: Tensor = FUNCTIONS["col2im"](input, output_size, kernel_size, dilation, padding, stride)
    return result
