"""Leaky relu of random slopes: the mean slope in eval mode, one for each element in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import op
from treadle.ops.inplace import inplace
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.random import sourced, uniform
from treadle.ops.samples import bf16, f32

Array = np.ndarray[Any, Any]


def _check(x: Any, low: float, high: float) -> None:
    if not low <= high:
        raise ShapeError(f"rrelu: lower {low} must not exceed upper {high}")
    if not dtype_of(x).is_floating:
        raise ShapeError(f"rrelu: needs floating numbers, got {dtype_of(x)}")


def _rrelu(x: Array, low: float, high: float, training: bool, generator: Any) -> Array:
    """Source: Xu et al. 2015, Empirical Evaluation of Rectified Activations."""
    _check(x, low, high)
    wide = x.astype(accumulation(dtype_of(x)).numpy, copy=False)
    slope: Any = (low + high) / 2
    if training:
        slope = (uniform(x.shape) * (high - low) + low).astype(wide.dtype)
    return np.asarray(np.where(wide > 0, wide, wide * slope)).astype(x.dtype)


def _infer(x: TensorType, low: float, high: float, training: bool, generator: Any) -> TensorType:
    _check(x, low, high)
    if training:
        raise UnsupportedError("rrelu draws random slopes in training")
    return x


def _lower(x: Operand, low: float, high: float, training: bool, generator: Any) -> Any:
    _infer(x.type, low, high, training, generator)
    return x.op("leaky_relu", (low + high) / 2)


rrelu = op(
    "aten::rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.33333333333333331, bool "
    "training=False, Generator? generator=None) -> Tensor",
    reference=sourced(_rrelu),
    infer=_infer,
    lower=made_of(_lower),
    pure=False,
    samples=((f32(3, 4), 0.125, 1 / 3, False, None), (bf16(5), 0.1, 0.3, False, None)),
)
inplace(rrelu)
