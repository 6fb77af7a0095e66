"""Bits, comparisons and identity of ints, floats, bools and complex numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from treadle.ops.scalar import FLOATS, NUMBERS, define_family, define_number, wrap


def _shift_left(a: int, b: int) -> int:
    """As processors shift 64 bits: by the last six bits of `b`."""
    return wrap(a << (b & 63))


def _shift_right(a: int, b: int) -> int:
    return a >> (b & 63)


define_number("aten::__lshift__.int(int a, int b) -> int", _shift_left)
define_number("aten::__rshift__.int(int a, int b) -> int", _shift_right)
for _base, _function in (
    ("__and__", operator.and_),
    ("__or__", operator.or_),
    ("__xor__", operator.xor),
):
    define_family(_base, "bool", _function, ("bool bool",))
    define_family(_base, "int", _function, ("int int",))
define_number("aten::__not__(bool self) -> bool", operator.not_)


def _as_floats(function: Callable[..., Any]) -> Callable[..., Any]:
    """A comparison that takes an int for the nearest float, beside a float."""

    def apply(a: Any, b: Any) -> bool:
        if type(a) is not type(b) and not isinstance(a, complex) and not isinstance(b, complex):
            return bool(function(float(a), float(b)))
        return bool(function(a, b))

    return apply


for _base, _function in (
    ("lt", operator.lt),
    ("le", operator.le),
    ("gt", operator.gt),
    ("ge", operator.ge),
    ("eq", operator.eq),
    ("ne", operator.ne),
):
    if _base in ("eq", "ne"):
        define_family(_base, "bool", _function, ("bool bool", "complex complex"))
        define_family(_base, "bool", _function, ("float complex", "complex float"))
        for _kind, _type in (("device", "Device"), ("enum", "AnyEnumType")):
            define_number(f"aten::{_base}.{_kind}({_type} a, {_type} b) -> bool", _function)
    define_family(_base, "bool", _function, ("int int", "float float", "str str"))
    define_family(_base, "bool", _as_floats(_function), (*FLOATS[1:], *NUMBERS))


def _is(a: object, b: object) -> bool:
    return a is b


def _is_not(a: object, b: object) -> bool:
    return a is not b


define_number("aten::__is__(Any self, Any obj) -> bool", _is)
define_number("aten::__isnot__(Any self, Any obj) -> bool", _is_not)
