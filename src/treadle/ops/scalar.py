"""Operators on ints, floats, bools and complex numbers, with TorchScript's arithmetic.

Integers have 64 bits and wrap; ``//`` and ``%`` floor; division by an integer zero raises.
Source: torch/csrc/jit/runtime/register_prim_ops.cpp (behaviour read off torch 2.13).
"""

from __future__ import annotations

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
HALF = 1 << 63


def wrap(value: int) -> int:
    """`value` reduced to a signed integer of 64 bits."""
    return value if -HALF <= value < HALF else (value + HALF) % _SPAN - HALF


def define_number(schema: str, reference: _Function, *, pure: bool = True) -> OpDef:
    """Define an operator on numbers, named after its schema."""
    parsed = parse_schema(schema)
    base = parsed.base if parsed.namespace == "aten" else f"{parsed.namespace}.{parsed.base}"
    name = f"{base}.{parsed.overload or 'number'}"
    return define(OpDef(name, parsed, reference=reference, pure=pure))


def _overload(types: tuple[str, ...]) -> str:
    """ATen's name of an overload: one type if all are equal, none for Scalars."""
    if set(types) == {"Scalar"}:
        return ""
    return "." + (types[0] if len(set(types)) == 1 else "_".join(types))


def define_family(
    base: str, result: str, reference: _Function, signatures: Iterable[str], namespace: str = "aten"
) -> None:
    """One operator per signature, a string of argument types such as ``int float``."""
    for signature in signatures:
        types = tuple(signature.split())
        names = ("a", "b")[: len(types)]
        arguments = ", ".join(f"{t} {n}" for t, n in zip(types, names, strict=True))
        define_number(f"{namespace}::{base}{_overload(types)}({arguments}) -> {result}", reference)


FLOATS = ("float float", "int float", "float int")
"""Signatures of two numbers of which at least one is a float."""
_COMPLEX = ("complex complex", "int complex", "complex int", "float complex", "complex float")
NUMBERS = ("Scalar Scalar",)
"""The signature of two numbers of any kinds."""


def _number(function: _Function) -> _Function:
    """`function` on numbers of any kind; ints wrap."""

    def apply(a: Any, b: Any) -> Any:
        result = function(a, b)
        return wrap(result) if is_whole(result) else result

    return apply


for _base, _function in (("add", operator.add), ("sub", operator.sub), ("mul", operator.mul)):
    define_family(_base, "int", _number(_function), ("int int",))
    define_family(_base, "complex", _function, ("complex complex",))
    define_family(_base, "float", _function, ("float float",))
    define_family(_base, "complex", _function, _COMPLEX[1:])
    define_family(_base, "float", _function, FLOATS[1:])
    define_family(_base, "Scalar", _number(_function), NUMBERS)


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, complex) or isinstance(b, complex):
        if b == 0:
            return complex(math.nan, math.nan)
        return a / b
    return divide_floats(float(a), float(b))


def divide_floats(a: float, b: float) -> float:
    """The quotient with C's results where Python raises."""
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, math.copysign(1.0, a) * math.copysign(1.0, b))


define_family("div", "float", _divide, ("int int",))
define_family("div", "complex", _divide, ("complex complex",))
define_family("div", "float", _divide, ("float float",))
define_family("div", "float", _divide, NUMBERS)


def floor_divide(a: Any, b: Any) -> Any:
    """``a // b``: ints floor and raise on zero, floats are the floor of the quotient."""
    if is_whole(a) and is_whole(b):
        return wrap(a // b)
    quotient = divide_floats(float(a), float(b))
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
    define_family(_base, "int", _function, ("int int",))
    define_family(_base, "float", _function, FLOATS)
    define_family(_base, "Scalar", _function, NUMBERS)
for _base, _function in (("fmod", _truncated_remainder), ("mathremainder", _ieee_remainder)):
    define_family(_base, "float", _function, ("int int", *FLOATS, *NUMBERS))
define_number("aten::__round_to_zero_floordiv.int(int a, int b) -> int", _round_to_zero)


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
        define_number(f"aten::divmod.{_name}({_a} x, {_b} y) -> ({_kind}, {_kind})", _divmod)


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


define_family("pow", "float", _power, ("int int",))
define_family("pow", "complex", _power, ("complex complex",))
define_family("pow", "float", _power, FLOATS)
define_family("pow", "complex", _power, ("float complex", "complex float"))
define_number("aten::pow.Scalar_Scalar(Scalar a, Scalar b) -> float", _power)
define_number("aten::pow.int_to_int(int a, int b) -> int", _power_of_ints)


def _smallest(a: Any, b: Any) -> Any:
    return _common(a if a < b else b, a, b)


def _largest(a: Any, b: Any) -> Any:
    return _common(a if a > b else b, a, b)


def _common(chosen: Any, a: Any, b: Any) -> Any:
    """`chosen` as a float if one of the two numbers is one."""
    return float(chosen) if float in (type(a), type(b)) else chosen


for _base, _function in (("max", _largest), ("min", _smallest)):
    for _signature, _kind in (("int int", "int"), ("float float", "float")):
        define_family(_base, _kind, _function, (_signature,), "prim")
    define_family(_base, "float", _function, FLOATS[1:], "prim")
    define_family(_base, "Scalar", _function, NUMBERS, "prim")

define_number("prim::abs.int(int a) -> int", lambda a: wrap(abs(a)))
define_number("prim::abs.float(float a) -> float", abs)
define_number("prim::abs.complex(complex a) -> float", abs)
define_number("prim::abs.Scalar(Scalar a) -> Scalar", abs)
define_number("aten::neg.int(int a) -> int", lambda a: wrap(-a))
define_number("aten::neg.float(float a) -> float", operator.neg)
define_number("aten::neg.complex(complex a) -> complex", operator.neg)
define_number("aten::neg.Scalar(Scalar a) -> Scalar", operator.neg)


define_number(
    "aten::__derive_index(int index, int start, int step) -> int", lambda i, a, s: wrap(a + i * s)
)


def range_length(low: int, high: int, step: int) -> int:
    """How often a loop over ``range(low, high, step)`` runs."""
    if step == 0:
        raise ValueError("range() arg 3 must not be zero")
    return len(range(low, high, step)) if abs(high - low) < HALF else wrap(HALF - 1)


define_number("aten::__range_length(int lo, int hi, int step) -> int", range_length)
for _query, _answer in (
    ("is_scripting", True),
    ("_get_tracing_state", False),
    ("is_grad_enabled", False),
    ("is_autocast_enabled", False),
    ("is_autocast_cpu_enabled", False),
):
    define_number(f"aten::{_query}() -> bool", lambda answer=_answer: answer)
define_number("aten::set_grad_enabled(bool val) -> ()", lambda val: None, pure=False)
