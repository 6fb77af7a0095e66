"""Operators on ints, floats, bools and complex numbers, with TorchScript's arithmetic.

Integers have 64 bits and wrap; ``//`` and ``%`` floor; division by an integer zero raises.
Source: torch/csrc/jit/runtime/register_prim_ops.cpp (behaviour read off torch 2.13).
"""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

from treadle.ir.op import OpDef
from treadle.ir.schema import parse_schema
from treadle.ir.symbols import is_whole
from treadle.ops.registry import define

_Function = Callable[..., Any]
_SPAN = 1 << 64
_HALF = 1 << 63


def wrap(value: int) -> int:
    """`value` reduced to a signed integer of 64 bits."""
    return value if -_HALF <= value < _HALF else (value + _HALF) % _SPAN - _HALF


def _define(schema: str, reference: _Function, *, pure: bool = True) -> OpDef:
    parsed = parse_schema(schema)
    base = parsed.base if parsed.namespace == "aten" else f"{parsed.namespace}.{parsed.base}"
    name = f"{base}.{parsed.overload or 'number'}"
    return define(OpDef(name, parsed, reference=reference, pure=pure))


def _overload(types: tuple[str, ...]) -> str:
    """ATen's name of an overload: one type if all are equal, none for Scalars."""
    if set(types) == {"Scalar"}:
        return ""
    return "." + (types[0] if len(set(types)) == 1 else "_".join(types))


def _family(
    base: str, result: str, reference: _Function, signatures: Iterable[str], namespace: str = "aten"
) -> None:
    """One operator per signature, a string of argument types such as ``int float``."""
    for signature in signatures:
        types = tuple(signature.split())
        names = ("a", "b")[: len(types)]
        arguments = ", ".join(f"{t} {n}" for t, n in zip(types, names, strict=True))
        _define(f"{namespace}::{base}{_overload(types)}({arguments}) -> {result}", reference)


_FLOATS = ("float float", "int float", "float int")
_COMPLEX = ("complex complex", "int complex", "complex int", "float complex", "complex float")
_NUMBERS = ("Scalar Scalar",)


def _number(function: _Function) -> _Function:
    """`function` on numbers of any kind; ints wrap."""

    def apply(a: Any, b: Any) -> Any:
        result = function(a, b)
        return wrap(result) if is_whole(result) else result

    return apply


for _base, _function in (("add", operator.add), ("sub", operator.sub), ("mul", operator.mul)):
    _family(_base, "int", _number(_function), ("int int",))
    _family(_base, "complex", _function, ("complex complex",))
    _family(_base, "float", _function, ("float float",))
    _family(_base, "complex", _function, _COMPLEX[1:])
    _family(_base, "float", _function, _FLOATS[1:])
    _family(_base, "Scalar", _number(_function), _NUMBERS)


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, complex) or isinstance(b, complex):
        if b == 0:
            return complex(math.nan, math.nan)
        return a / b
    return _divide_floats(float(a), float(b))


def _divide_floats(a: float, b: float) -> float:
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, math.copysign(1.0, a) * math.copysign(1.0, b))


_family("div", "float", _divide, ("int int",))
_family("div", "complex", _divide, ("complex complex",))
_family("div", "float", _divide, ("float float",))
_family("div", "float", _divide, _NUMBERS)


def floor_divide(a: Any, b: Any) -> Any:
    """``a // b``: ints floor and raise on zero, floats are the floor of the quotient."""
    if is_whole(a) and is_whole(b):
        return wrap(a // b)
    quotient = _divide_floats(float(a), float(b))
    return float(math.floor(quotient)) if math.isfinite(quotient) else quotient


def remainder(a: Any, b: Any) -> Any:
    """``a % b`` with the sign of `b`; ints raise on zero, floats give nan."""
    if is_whole(a) and is_whole(b):
        return a % b
    left, right = float(a), float(b)
    if right == 0 or math.isinf(left) or math.isnan(left) or math.isnan(right):
        return math.nan
    whole = right + math.fmod(left, right)
    return math.fmod(whole, right) if math.isfinite(whole) else math.nan


def _truncated_remainder(a: Any, b: Any) -> float:
    left, right = float(a), float(b)
    if right == 0 or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def _ieee_remainder(a: Any, b: Any) -> float:
    left, right = float(a), float(b)
    return math.nan if right == 0 or math.isinf(left) else math.remainder(left, right)


def _round_to_zero(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return wrap(quotient if (a < 0) == (b < 0) else -quotient)


for _base, _function in (("floordiv", floor_divide), ("remainder", remainder)):
    _family(_base, "int", _function, ("int int",))
    _family(_base, "float", _function, _FLOATS)
    _family(_base, "Scalar", _function, _NUMBERS)
for _base, _function in (("fmod", _truncated_remainder), ("mathremainder", _ieee_remainder)):
    _family(_base, "float", _function, ("int int", *_FLOATS, *_NUMBERS))
_define("aten::__round_to_zero_floordiv.int(int a, int b) -> int", _round_to_zero)


def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    if b == 0:
        whole = is_whole(a) and is_whole(b)
        kind = "integer division or modulo" if whole else "float divmod()"
        raise ZeroDivisionError(f"{kind} by zero" if whole else kind)
    quotient, rest = divmod(a, b)
    return (wrap(quotient), rest) if is_whole(quotient) else (quotient, rest)


for _a in ("int", "float"):
    for _b in ("int", "float"):
        _kind = "int" if _a == _b == "int" else "float"
        _name = _a if _a == _b else f"{_a}_{_b}"
        _define(f"aten::divmod.{_name}({_a} x, {_b} y) -> ({_kind}, {_kind})", _divmod)


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, complex) or isinstance(b, complex):
        return complex(a) ** b
    if a == 0 and b < 0:
        raise ZeroDivisionError("0.0 cannot be raised to a negative power")
    try:
        return math.pow(a, b)
    except OverflowError:
        negative = a < 0 and float(b).is_integer() and float(b) % 2 == 1
        return -math.inf if negative else math.inf
    except ValueError:
        return math.inf if a == 0 else math.nan


def _power_of_ints(a: int, b: int) -> int:
    if b >= 0:
        return wrap(pow(a, b, _SPAN))
    if a in (1, -1):
        return 1 if b % 2 == 0 else a
    if a == 0:
        raise ZeroDivisionError("zero to a negative power")
    return 0


_family("pow", "float", _power, ("int int",))
_family("pow", "complex", _power, ("complex complex",))
_family("pow", "float", _power, _FLOATS)
_family("pow", "complex", _power, ("float complex", "complex float"))
_define("aten::pow.Scalar_Scalar(Scalar a, Scalar b) -> float", _power)
_define("aten::pow.int_to_int(int a, int b) -> int", _power_of_ints)


def _shift_left(a: int, b: int) -> int:
    """As processors shift 64 bits: by the last six bits of `b`."""
    return wrap(a << (b & 63))


def _shift_right(a: int, b: int) -> int:
    return a >> (b & 63)


_define("aten::__lshift__.int(int a, int b) -> int", _shift_left)
_define("aten::__rshift__.int(int a, int b) -> int", _shift_right)
for _base, _function in (
    ("__and__", operator.and_),
    ("__or__", operator.or_),
    ("__xor__", operator.xor),
):
    _family(_base, "bool", _function, ("bool bool",))
    _family(_base, "int", _function, ("int int",))
_define("aten::__not__(bool self) -> bool", operator.not_)

for _base, _function in (
    ("lt", operator.lt),
    ("le", operator.le),
    ("gt", operator.gt),
    ("ge", operator.ge),
    ("eq", operator.eq),
    ("ne", operator.ne),
):
    if _base in ("eq", "ne"):
        _family(_base, "bool", _function, ("bool bool", "complex complex"))
        _family(_base, "bool", _function, ("float complex", "complex float"))
        for _kind, _type in (("device", "Device"), ("enum", "AnyEnumType")):
            _define(f"aten::{_base}.{_kind}({_type} a, {_type} b) -> bool", _function)
    _family(_base, "bool", _function, ("int int", *_FLOATS, *_NUMBERS, "str str"))


def _is(a: object, b: object) -> bool:
    return a is b


def _is_not(a: object, b: object) -> bool:
    return a is not b


_define("aten::__is__(Any self, Any obj) -> bool", _is)
_define("aten::__isnot__(Any self, Any obj) -> bool", _is_not)


def _smallest(a: Any, b: Any) -> Any:
    return _common(a if a < b else b, a, b)


def _largest(a: Any, b: Any) -> Any:
    return _common(a if a > b else b, a, b)


def _common(chosen: Any, a: Any, b: Any) -> Any:
    """`chosen` as a float if one of the two numbers is one."""
    return float(chosen) if float in (type(a), type(b)) else chosen


for _base, _function in (("max", _largest), ("min", _smallest)):
    for _signature, _kind in (("int int", "int"), ("float float", "float")):
        _family(_base, _kind, _function, (_signature,), "prim")
    _family(_base, "float", _function, _FLOATS[1:], "prim")
    _family(_base, "Scalar", _function, _NUMBERS, "prim")

_define("prim::abs.int(int a) -> int", lambda a: wrap(abs(a)))
_define("prim::abs.float(float a) -> float", abs)
_define("prim::abs.complex(complex a) -> float", abs)
_define("prim::abs.Scalar(Scalar a) -> Scalar", abs)
_define("aten::neg.int(int a) -> int", lambda a: wrap(-a))
_define("aten::neg.float(float a) -> float", operator.neg)
_define("aten::neg.complex(complex a) -> complex", operator.neg)
_define("aten::neg.Scalar(Scalar a) -> Scalar", operator.neg)


def _to_int(value: Any) -> int:
    """As processors convert: what does not fit becomes the least integer."""
    if isinstance(value, float) and not -_HALF <= value < _HALF:
        return -_HALF
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
    return float(text)


def _round(value: float) -> float:
    """Half to even, as C's ``nearbyint``, with the sign kept."""
    value = float(value)
    return math.copysign(float(round(value)), value) if math.isfinite(value) else value


def _to_whole(function: Callable[[float], int]) -> _Function:
    def apply(value: Any) -> int:
        return wrap(function(value)) if math.isfinite(value) else -_HALF

    return apply


for _kind in ("bool", "float", "Scalar"):
    _define(f"aten::Int.{_kind}({_kind} a) -> int", _to_int)
_define("aten::Int.str(str a) -> int", _parse_int)
for _kind in ("Scalar", "int", "bool"):
    _define(f"aten::Float.{_kind}({_kind} a) -> float", float)
_define("aten::Float.str(str a) -> float", _parse_float)
for _kind in ("int", "float"):
    _define(f"aten::Bool.{_kind}({_kind} a) -> bool", bool)
_define("aten::Complex.Scalar(Scalar a) -> complex", complex)
for _a in ("int", "float", "bool"):
    for _b in ("int", "float", "bool"):
        _define(f"aten::Complex.{_a}_{_b}({_a} x, {_b} y) -> complex", complex)
for _base, _whole in (("floor", math.floor), ("ceil", math.ceil)):
    for _kind in ("int", "float"):
        _define(f"aten::{_base}.{_kind}({_kind} a) -> int", _to_whole(_whole))
    _define(f"aten::{_base}.Scalar(Scalar a) -> Scalar", _to_whole(_whole))
for _kind in ("int", "float"):
    _define(f"aten::round.{_kind}({_kind} a) -> float", _round)
_define("aten::round.Scalar(Scalar a) -> Scalar", _round)


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
    _family(_base, "float", _real(_of_real), ("int", "float"))
    _define(f"aten::{_base}.Scalar(Scalar a) -> Scalar", _real(_of_real))
for _base, (_of_real, _of_complex) in _REAL_AND_COMPLEX.items():
    _family(_base, "float", _real(_of_real), ("int", "float"))
    _family(_base, "complex", _of_complex, ("complex",))
    _define(f"aten::{_base}.Scalar(Scalar a) -> Scalar", _real(_of_real))


def _log_to_base(a: Any, b: Any) -> float:
    log = _real(_log(math.log, 0.0))
    return _divide_floats(log(a), log(b))


for _a in ("int", "float"):
    for _b in ("int", "float"):
        _define(f"aten::log.{_a}_{_b}({_a} a, {_b} b) -> float", _log_to_base)
for _base, _pair in (("atan2", math.atan2), ("copysign", math.copysign)):
    _family(_base, "float", _pair, ("int int", *_FLOATS))
    _define(
        f"aten::{_base}{'.Scalar_Scalar' if _base == 'atan2' else ''}(Scalar a, Scalar b) -> float",
        _pair,
    )
_define("aten::gcd.int(int a, int b) -> int", lambda a, b: wrap(math.gcd(a, b)))
_define("aten::factorial.int(int a) -> int", lambda a: wrap(_factorial(a)))
_define("aten::ldexp(float x, int i) -> float", lambda x, i: _scale(x, i))
_define("aten::frexp(float a) -> (float, int)", math.frexp)
_define("aten::modf(float a) -> (float, float)", math.modf)
for _base, _test in (("isnan", cmath.isnan), ("isinf", cmath.isinf), ("isfinite", cmath.isfinite)):
    for _kind in ("float", "complex"):
        _define(f"aten::{_base}.{_kind}({_kind} a) -> bool", _test)


def _factorial(n: int) -> int:
    if n < 0:
        raise ValueError("factorial() not defined for negative values")
    return math.factorial(n) if n < 128 else 0  # 2**64 divides 66! and all that follow


def _scale(x: float, exponent: int) -> float:
    try:
        return math.ldexp(x, exponent)
    except OverflowError:
        return math.copysign(math.inf, x)


_define(
    "aten::__derive_index(int index, int start, int step) -> int", lambda i, a, s: wrap(a + i * s)
)


def range_length(low: int, high: int, step: int) -> int:
    """How often a loop over ``range(low, high, step)`` runs."""
    if step == 0:
        raise ValueError("range() arg 3 must not be zero")
    return len(range(low, high, step)) if abs(high - low) < _HALF else wrap(_HALF - 1)


_define("aten::__range_length(int lo, int hi, int step) -> int", range_length)
for _query, _answer in (
    ("is_scripting", True),
    ("_get_tracing_state", False),
    ("is_grad_enabled", False),
    ("is_autocast_enabled", False),
    ("is_autocast_cpu_enabled", False),
):
    _define(f"aten::{_query}() -> bool", lambda answer=_answer: answer)
_define("aten::set_grad_enabled(bool val) -> ()", lambda val: None, pure=False)
