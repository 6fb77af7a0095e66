"""Dropout: nothing in eval mode; in training elements or whole channels are dropped at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.op import OpDef
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import EXACT, op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Reshape
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.random import uniform
from treadle.ops.samples import f32
from treadle.ops.shapes import numel, tensor

Array = np.ndarray[Any, Any]
_FLOOR = 1.7580993408473766
"""What SELU tends to for negative numbers, without its sign: dropped elements become it."""


def _draws(name: str, x: Any, p: float, train: bool) -> bool:
    """Whether anything is drawn.

    Raises:
        InputError: if `p` is no probability.
        ShapeError: if there are no floats to scale.
    """
    if not 0 <= p <= 1:
        raise InputError(f"{name}: argument p must be from 0 to 1, got {p}")
    if not train or p == 0 or not numel(x.shape):
        return False
    if p < 1 and not dtype_of(x).is_floating:
        raise ShapeError(f"{name}: needs floating numbers in training, got {dtype_of(x)}")
    return True


def _define(name: str, *, channels: bool = False, alpha: bool = False) -> OpDef:
    """A dropout of elements or `channels`; `alpha` keeps mean and variance.

    Source: Srivastava et al. 2014, Dropout; Klambauer et al. 2017, Self-Normalizing Neural
    Networks (alpha dropout). The numbers drawn are not torch's, the distribution is.
    """

    def reference(x: Array, p: float, train: bool) -> Array:
        if not _draws(name, x, p, train):
            return x
        if channels and x.ndim < 2:
            raise ShapeError(f"{name}: needs at least 2 dims, got {list(x.shape)}")
        if p == 1:
            return np.asarray(x * np.zeros((), x.dtype))
        shape = (*x.shape[:2], *(1,) * (x.ndim - 2)) if channels else x.shape
        kept = uniform(shape) >= p
        wide = x.astype(accumulation(dtype_of(x)).numpy, copy=False)
        if alpha:
            scale = 1 / math.sqrt((_FLOOR**2 * p + 1) * (1 - p))
            shift = scale * _FLOOR
            result = wide * np.where(kept, scale, 0.0).astype(wide.dtype)
            result += np.where(kept, shift * p, shift * (p - 1)).astype(wide.dtype)
        else:
            result = wide * np.where(kept, 1 / (1 - p), 0.0).astype(wide.dtype)
        return np.asarray(result.astype(x.dtype, copy=False))

    def infer(x: Any, p: float, train: bool) -> Any:
        if _draws(name, x, p, train):
            raise UnsupportedError(f"{name} draws random numbers in training")
        return x

    return op(
        f"aten::{name}(Tensor input, float p, bool train) -> Tensor",
        reference=reference,
        infer=infer,
        lower=Reshape(),
        pure=False,
        tolerance=EXACT,
        samples=((f32(2, 3), 0.5, False), (f32(), 0.1, False), (f32(0, 2), 0.0, True)),
    )


dropout = _define("dropout")
feature_dropout = _define("feature_dropout", channels=True)
alpha_dropout = _define("alpha_dropout", alpha=True)
feature_alpha_dropout = _define("feature_alpha_dropout", channels=True, alpha=True)
inplace(dropout, feature_dropout, alpha_dropout, feature_alpha_dropout)


# --- with the mask ------------------------------------------------------------------------------


def _with_mask(x: Array, p: float, train: bool | None) -> tuple[Array, Array]:
    """The result, and which elements were kept."""
    if train is not None and not train:
        return x.copy(), np.ones(x.shape, np.bool_)
    if not 0 <= p <= 1:
        raise InputError(f"native_dropout: argument p must be from 0 to 1, got {p}")
    kept = uniform(x.shape) >= p
    wide = x.astype(accumulation(dtype_of(x)).numpy, copy=False)
    scale = np.asarray(1 / (1 - p) if p < 1 else 0.0, wide.dtype)
    return (wide * kept * scale).astype(x.dtype), np.asarray(kept)


def _infer_with_mask(x: Any, p: float, train: bool | None) -> Any:
    if (train is None or train) and numel(x.shape):
        raise UnsupportedError("native_dropout draws random numbers in training")
    return x, tensor(dtypes.bool_, x.sizes)


def _lower_with_mask(x: Operand, p: float, train: bool | None) -> Any:
    if (train is None or train) and numel(x.shape):
        raise UnsupportedError("native_dropout draws random numbers in training")
    return x.op("clone"), x.op("ones_like", dtypes.bool_.code)


op(
    "aten::native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)",
    reference=_with_mask,
    infer=_infer_with_mask,
    lower=made_of(_lower_with_mask),
    pure=False,
    tolerance=EXACT,
    samples=((f32(3, 4), 0.5, False),),
)
