"""The functions of ``math`` on ints, floats and complex numbers, with C's results.

Source: torch/csrc/jit/runtime/register_prim_ops.cpp (behaviour read off torch 2.13).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

from treadle.ops.scalar import (
    FLOATS,
    define_family,
    define_number,
    divide_floats,
    wrap,
)

_Function = Callable[..., Any]


def _real(function: Callable[[float], float]) -> _Function:
    """`function` with C's results where Python's raises: nan outside its domain, inf beyond."""

    def apply(value: Any) -> float:
        try:
            return function(float(value))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return apply


def _log(function: Callable[[float], float], pole: float) -> Callable[[float], float]:
    return lambda x: -math.inf if x == pole else function(x)


def _gamma(x: float) -> float:
    return math.copysign(math.inf, x) if x == 0 else math.gamma(x)


def _log_gamma(x: float) -> float:
    return math.inf if x <= 0 and x.is_integer() else math.lgamma(x)


def _hyperbolic_sine(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def _area_tangent(x: float) -> float:
    return math.copysign(math.inf, x) if abs(x) == 1 else math.atanh(x)


_REAL: dict[str, Callable[[float], float]] = {
    "gamma": _gamma, "erf": math.erf, "erfc": math.erfc, "expm1": math.expm1, "fabs": math.fabs,
    "lgamma": _log_gamma, "log1p": _log(math.log1p, -1.0), "degrees": math.degrees,
    "radians": math.radians,
}  # fmt: skip
_REAL_AND_COMPLEX: dict[str, tuple[Callable[[float], float], Callable[[complex], complex]]] = {
    "sqrt": (math.sqrt, cmath.sqrt), "exp": (math.exp, cmath.exp),
    "log": (_log(math.log, 0.0), cmath.log), "log10": (_log(math.log10, 0.0), cmath.log10),
    "sin": (math.sin, cmath.sin), "cos": (math.cos, cmath.cos), "tan": (math.tan, cmath.tan),
    "asin": (math.asin, cmath.asin), "acos": (math.acos, cmath.acos),
    "atan": (math.atan, cmath.atan), "sinh": (_hyperbolic_sine, cmath.sinh),
    "cosh": (math.cosh, cmath.cosh), "tanh": (math.tanh, cmath.tanh),
    "asinh": (math.asinh, cmath.asinh), "acosh": (math.acosh, cmath.acosh),
    "atanh": (_area_tangent, cmath.atanh),
}  # fmt: skip
for _base, _of_real in _REAL.items():
    define_family(_base, "float", _real(_of_real), ("int", "float"))
    define_number(f"aten::{_base}.Scalar(Scalar a) -> Scalar", _real(_of_real))
for _base, (_of_real, _of_complex) in _REAL_AND_COMPLEX.items():
    define_family(_base, "float", _real(_of_real), ("int", "float"))
    define_family(_base, "complex", _of_complex, ("complex",))
    define_number(f"aten::{_base}.Scalar(Scalar a) -> Scalar", _real(_of_real))


def _log_to_base(a: Any, b: Any) -> float:
    log = _real(_log(math.log, 0.0))
    return divide_floats(log(a), log(b))


for _a in ("int", "float"):
    for _b in ("int", "float"):
        define_number(f"aten::log.{_a}_{_b}({_a} a, {_b} b) -> float", _log_to_base)


def _complex_log(a: complex, b: complex) -> complex:
    return cmath.log(a) / cmath.log(b)


for _a in ("complex", "int", "float"):
    for _b in ("complex", "int", "float"):
        if "complex" in (_a, _b):
            define_number(f"aten::log.{_a}_{_b}({_a} a, {_b} b) -> complex", _complex_log)
define_number("aten::log.Scalar_Scalar(Scalar a, Scalar b) -> float", _log_to_base)


def _angle(value: Any) -> float:
    if isinstance(value, complex):
        return cmath.phase(value)
    return math.pi if math.copysign(1.0, value) < 0 else 0.0


def _polar(size: float, angle: float) -> complex:
    if not math.isfinite(angle):
        return complex(math.nan, math.nan)
    return complex(size * math.cos(angle), size * math.sin(angle))


for _kind in ("int", "float", "complex"):
    define_number(f"aten::angle.{_kind}({_kind} a) -> float", _angle)
define_number("aten::angle.Scalar(Scalar a) -> Scalar", _angle)
define_family("polar", "complex", _polar, ("int int", *FLOATS))
define_number("aten::polar.Scalar_Scalar(Scalar a, Scalar b) -> Scalar", _polar)
for _base, _pair in (("atan2", math.atan2), ("copysign", math.copysign)):
    define_family(_base, "float", _pair, ("int int", *FLOATS))
    define_number(
        f"aten::{_base}{'.Scalar_Scalar' if _base == 'atan2' else ''}(Scalar a, Scalar b) -> float",
        _pair,
    )
define_number("aten::gcd.int(int a, int b) -> int", lambda a, b: wrap(math.gcd(a, b)))
define_number("aten::factorial.int(int a) -> int", lambda a: wrap(_factorial(a)))
define_number("aten::ldexp(float x, int i) -> float", lambda x, i: _scale(x, i))
define_number("aten::frexp(float a) -> (float, int)", math.frexp)
define_number("aten::modf(float a) -> (float, float)", math.modf)
for _base, _test in (("isnan", cmath.isnan), ("isinf", cmath.isinf), ("isfinite", cmath.isfinite)):
    for _kind in ("float", "complex"):
        define_number(f"aten::{_base}.{_kind}({_kind} a) -> bool", _test)


def _factorial(n: int) -> int:
    if n < 0:
        raise ValueError("factorial() not defined for negative values")
    return math.factorial(n) if n < 128 else 0  # 2**64 divides 66! and all that follow


def _scale(x: float, exponent: int) -> float:
    try:
        return math.ldexp(x, exponent)
    except OverflowError:
        return math.copysign(math.inf, x)
