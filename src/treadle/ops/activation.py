"""Activation functions."""

from __future__ import annotations

import math
from typing import Any

from treadle.errors import InputError
from treadle.ops.inplace import inplace
from treadle.ops.pointwise import pointwise
from treadle.ops.samples import SPECIAL, bf16, f16, f32, f64, i64

_X = (
    (f32(2, 3),), (f32(),), (f32(0, 4),), (f32(1, 17, high=4.0),), (f64(7, high=3.0),),
    (f32(5, 3, high=5.0, layout="transposed"),), (SPECIAL,), (f16(9),), (bf16(3, 3),),
)  # fmt: skip


def _gelu(f: Any, x: Any, approximate: str) -> Any:
    """Source: torch.nn.functional.gelu."""
    if approximate == "none":
        return x * 0.5 * (1.0 + f.erf(x * math.sqrt(0.5)))
    if approximate != "tanh":
        raise InputError(f"gelu: approximate {approximate!r}; allowed: 'none', 'tanh'")
    return 0.5 * x * (1.0 + f.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def _clip(f: Any, x: Any, low: float, high: float) -> Any:
    return f.minimum(f.maximum(x, low), high)


def _zero_to_six(f: Any, x: Any) -> Any:
    return _clip(f, x + 3.0, 0.0, 6.0)


relu = pointwise(
    "aten::relu(Tensor self) -> Tensor", lambda f, x: f.maximum(x, 0), samples=(*_X, (i64(4),))
)
gelu = pointwise(
    'aten::gelu(Tensor self, *, str approximate="none") -> Tensor',
    _gelu,
    samples=tuple((*x, a) for x in _X if x[0] is not SPECIAL for a in ("none", "tanh")),
)
hardsigmoid = pointwise(
    "aten::hardsigmoid(Tensor self) -> Tensor", lambda f, x: _zero_to_six(f, x) / 6.0, samples=_X
)
hardswish = pointwise(
    "aten::hardswish(Tensor self) -> Tensor", lambda f, x: x * _zero_to_six(f, x) / 6.0, samples=_X
)

inplace(relu, hardsigmoid, hardswish)
