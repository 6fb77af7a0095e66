"""Operators that tracing and exporting write where modules call others."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.adaptive_pooling import adaptive_avg_pool2d
from treadle.ops.composite import Operand, alias, composite
from treadle.ops.pooling3d import adaptive_avg_pool3d
from treadle.ops.samples import f32
from treadle.ops.shapes import wrap_dim


def _group_norm(
    x: Operand, weight: Any, bias: Any, batch: int, channels: int, pixels: int, groups: int,
    eps: float,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The norm, and mean and inverse deviation of each group."""
    y = x.op("group_norm", groups, weight, bias, eps, True)
    rows = x.reshape(batch, groups, channels // groups * pixels)
    mean = rows.op("mean.dim", [2], False)
    variance = rows.op("var.correction", [2], 0, False)
    return y, mean, (variance + eps).op("rsqrt")


def _batch_norm(
    x: Operand, weight: Any, bias: Any, mean: Operand, var: Operand, momentum: float, eps: float
) -> tuple[Any, Any, Any]:
    y = x.op("batch_norm", weight, bias, mean, var, False, momentum, eps, True)
    nothing = x.op("new_zeros", [0])
    return y, nothing, nothing


composite(
    "aten::native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int N, int C, int HxW, "
    "int group, float eps) -> (Tensor, Tensor, Tensor)",
    _group_norm,
    samples=((f32(2, 4, 3, 3), f32(4), f32(4), 2, 4, 9, 2, 1e-5),),
    kinds="bif",
)
composite(
    "aten::_native_batch_norm_legit_no_training(Tensor input, Tensor? weight, Tensor? bias, "
    "Tensor running_mean, Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, "
    "Tensor)",
    _batch_norm,
    samples=((f32(2, 3, 4), f32(3), f32(3), f32(3), f32(3, low=0.1), 0.1, 1e-5),),
    kinds="f",
)
for _dims, _plain in ((2, adaptive_avg_pool2d), (3, adaptive_avg_pool3d)):
    alias(
        _plain,
        f"aten::_adaptive_avg_pool{_dims}d(Tensor self, int[{_dims}] output_size) -> Tensor",
    )


# --- convolutions -------------------------------------------------------------------------------


def _convolution_mode(
    x: Operand, weight: Operand, bias: Any, stride: Any, padding: str, dilation: Any, groups: int
) -> Any:
    count = len(weight.shape) - 2
    if count not in (1, 2, 3):
        raise ShapeError(f"_convolution_mode: weight {list(weight.shape)}; allowed: 3 to 5 dims")
    return x.op(f"conv{count}d.padding", weight, bias, stride, padding, dilation, groups)


composite(
    "aten::_convolution_mode(Tensor input, Tensor weight, Tensor? bias, int[] stride, str "
    "padding, int[] dilation, int groups) -> Tensor",
    _convolution_mode,
    samples=(
        (f32(1, 2, 7, 8), f32(3, 2, 2, 4), f32(3), [1, 1], "same", [1, 1], 1),
        (f32(1, 2, 7, 8), f32(3, 2, 3, 3), None, [2, 1], "valid", [1, 1], 1),
        (f32(2, 2, 7), f32(4, 1, 3), None, [1], "same", [2], 2),
    ),
    kinds="if",
)


def _by_time(x: Operand, weight: Operand, bias: Operand, pad: int) -> Any:
    """A convolution over time of [time, batch, c_in] with [taps, c_in, c_out]."""
    if len(x.shape) != 3 or len(weight.shape) != 3 or x.shape[2] != weight.shape[1]:
        raise ShapeError(f"conv_tbc: input {list(x.shape)}, weight {list(weight.shape)}")
    image, kernel = x.op("permute", [1, 2, 0]), weight.op("permute", [2, 1, 0])
    return image.op("conv1d", kernel, bias, [1], [pad]).op("permute", [2, 0, 1])


composite(
    "aten::conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0) -> Tensor",
    _by_time,
    samples=((f32(6, 2, 3), f32(3, 3, 5), f32(5), 1), (f32(4, 1, 2), f32(2, 2, 4), f32(4), 0)),
    kinds="ifc",
)


def _norm_except(v: Operand, p: int, dim: int) -> Any:
    """The norms of the slices along `dim`, in the rank of `v`; of everything if `dim` is -1."""
    if dim == -1:
        return v.op("norm.Scalar", p)
    axis = wrap_dim("norm_except_dim", dim, len(v.shape))
    others = [d for d in range(len(v.shape)) if d != axis]
    return v.op("linalg_vector_norm", p, others, True) if others else v.op("abs")


def _weight_norm(v: Operand, g: Operand, dim: int) -> Any:
    """Salimans and Kingma, "Weight Normalization": directions `v` with lengths `g`."""
    return v * (g / _norm_except(v, 2, dim))


composite(
    "aten::norm_except_dim(Tensor v, int pow=2, int dim=0) -> Tensor",
    _norm_except,
    samples=((f32(3, 4, 2), 2, 0), (f32(3, 4), 1, 1), (f32(5), 2, 0), (f32(3, 4), 2, -1)),
    kinds="fc",
)
composite(
    "aten::_weight_norm(Tensor v, Tensor g, int dim=0) -> Tensor",
    _weight_norm,
    samples=(
        (f32(3, 4, 2), f32(3, 1, 1), 0),
        (f32(3, 4, 2), f32(1, 1, 2), 2),
        (f32(3, 4, 2), f32(1, 4, 1), 1),
        (f32(3, 4), f32(), -1),
    ),
    kinds="bif",
)


# --- grids --------------------------------------------------------------------------------------


def _affine_grid(theta: Operand, size: Any, align: bool) -> Any:
    """Where each output pixel lies in the input, in coordinates from -1 to 1."""
    count = len(size) - 2
    if count not in (2, 3) or theta.shape != (size[0], count, count + 1):
        raise ShapeError(f"affine_grid_generator: theta {list(theta.shape)} for size {list(size)}")
    shape = [int(n) for n in size[2:]]
    axes = []
    for axis, n in enumerate(shape):
        steps = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        steps = steps if align else steps * (n - 1) / n
        at = [-1 if d == axis else 1 for d in range(count)]
        axes.append(np.broadcast_to(steps.reshape(at), shape))
    grid = np.stack([*axes[::-1], np.ones(shape)], -1).reshape(-1, count + 1)
    y = theta.given(grid).op("matmul", theta.op("transpose.int", 1, 2))
    return y.op("reshape", [size[0], *shape, count])


composite(
    "aten::affine_grid_generator(Tensor theta, int[] size, bool align_corners) -> Tensor",
    _affine_grid,
    samples=(
        (f32(2, 2, 3), [2, 3, 4, 5], False),
        (f32(1, 2, 3), [1, 1, 3, 2], True),
        (f32(1, 3, 4), [1, 1, 2, 3, 4], False),
    ),
    kinds="ifc",
)
