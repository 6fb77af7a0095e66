"""Numbers made of others and of texts, with C's results: ``int()``, ``float()``, rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from treadle.ops.scalar import HALF, define_number, wrap

_Function = Callable[..., Any]


def _to_int(value: Any) -> int:
    """As processors convert: what does not fit becomes the least integer."""
    if isinstance(value, float) and not -HALF <= value < HALF:
        return -HALF
    return wrap(int(value))


def _parse_int(text: str) -> int:
    if text[-1:].isspace() or "_" in text:
        raise ValueError(f"invalid literal for int() with base 10: '{text}'")
    value = int(text)
    if wrap(value) != value:
        raise ValueError(f"int() got a number beyond 64 bits: '{text}'")
    return value


def _parse_float(text: str) -> float:
    if text[-1:].isspace() or "_" in text:
        raise ValueError(f"could not convert string to float: '{text}'")
    return float.fromhex(text) if "x" in text.lower() else float(text)


def _round(value: float) -> float:
    """Half to even, as C's ``nearbyint``, with the sign kept."""
    value = float(value)
    return math.copysign(float(round(value)), value) if math.isfinite(value) else value


def _to_whole(function: Callable[[float], int]) -> _Function:
    def apply(value: Any) -> int:
        return wrap(function(value)) if math.isfinite(value) else -HALF

    return apply


for _kind in ("bool", "float", "Scalar"):
    define_number(f"aten::Int.{_kind}({_kind} a) -> int", _to_int)
define_number("aten::Int.str(str a) -> int", _parse_int)
for _kind in ("Scalar", "int", "bool"):
    define_number(f"aten::Float.{_kind}({_kind} a) -> float", float)
define_number("aten::Float.str(str a) -> float", _parse_float)
for _kind in ("int", "float"):
    define_number(f"aten::Bool.{_kind}({_kind} a) -> bool", bool)
define_number("aten::Complex.Scalar(Scalar a) -> complex", complex)
for _a in ("int", "float", "bool"):
    for _b in ("int", "float", "bool"):
        define_number(f"aten::Complex.{_a}_{_b}({_a} x, {_b} y) -> complex", complex)
for _a in ("Tensor", "int", "float", "bool"):
    for _b in ("Tensor", "int", "float", "bool"):
        if "Tensor" in (_a, _b):
            _names = ("a", "b") if _a == _b else ("x", "y")
            define_number(
                f"aten::Complex.{_a}_{_b}({_a} {_names[0]}, {_b} {_names[1]}) -> complex",
                lambda a, b: complex(a, b),
            )
for _base, _whole in (("floor", math.floor), ("ceil", math.ceil)):
    for _kind in ("int", "float"):
        define_number(f"aten::{_base}.{_kind}({_kind} a) -> int", _to_whole(_whole))
    define_number(f"aten::{_base}.Scalar(Scalar a) -> Scalar", _to_whole(_whole))
for _kind in ("int", "float"):
    define_number(f"aten::round.{_kind}({_kind} a) -> float", _round)
define_number("aten::round.Scalar(Scalar a) -> Scalar", _round)
