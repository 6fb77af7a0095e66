"""Dropout: nothing in eval mode."""

from __future__ import annotations

from typing import Any

from treadle.errors import UnsupportedError
from treadle.ops.declare import EXACT, op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Reshape
from treadle.ops.samples import f32


def _dropout(x: Any, p: float, train: bool) -> Any:
    if train and p:
        raise UnsupportedError("dropout in training mode; call eval() on the model first")
    return x


def _define(schema: str) -> Any:
    return op(
        schema,
        reference=_dropout,
        infer=_dropout,
        lower=Reshape(),
        tolerance=EXACT,
        samples=((f32(2, 3), 0.5, False), (f32(), 0.1, False), (f32(0, 2), 0.0, True)),
    )


dropout = _define("aten::dropout(Tensor input, float p, bool train) -> Tensor")
feature_dropout = _define("aten::feature_dropout(Tensor input, float p, bool train) -> Tensor")
alpha_dropout = _define("aten::alpha_dropout(Tensor input, float p, bool train) -> Tensor")
feature_alpha_dropout = _define(
    "aten::feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor"
)
inplace(dropout, feature_dropout, alpha_dropout, feature_alpha_dropout)
