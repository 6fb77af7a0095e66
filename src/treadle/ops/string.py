"""Operators on strings, and TorchScript's way of writing values as text.

Source: torch/csrc/jit/runtime/register_prim_ops.cpp, register_string_ops (behaviour read off
torch 2.13).
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.ir.op import OpDef
from treadle.ir.program import EnumValue, Object
from treadle.ir.schema import parse_schema
from treadle.ops.primitives import TensorKey
from treadle.ops.registry import define
from treadle.ops.tensor_text import format_tensor

_LINE_END = re.compile("([\n\r\v\f\x1c-\x1e\x85\u2028\u2029])")


def _define(schema: str, reference: Callable[..., Any], *, pure: bool = True) -> OpDef:
    parsed = parse_schema(schema)
    base = parsed.base if parsed.namespace == "aten" else f"{parsed.namespace}.{parsed.base}"
    name = f"{base}.{parsed.overload}" if parsed.overload else f"{base}.text"
    return define(OpDef(name, parsed, reference=reference, pure=pure))


def format_value(value: object) -> str:
    """`value` as TorchScript's ``print``, ``str`` and ``format`` write it; strings unquoted."""
    match value:
        case str():
            return value
        case bool() | None:
            return str(value)
        case float():
            return format_float(value)
        case complex():
            sign = "" if math.copysign(1.0, value.imag) < 0 else "+"
            return f"{format_float(value.real)}{sign}{format_float(value.imag)}j"
        case list():
            return f"[{', '.join(map(format_value, value))}]"
        case tuple():
            comma = "," if len(value) == 1 else ""
            return f"({', '.join(map(format_value, value))}{comma})"
        case dict():
            pairs = (f"{format_value(k)}: {format_value(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        case np.ndarray():
            return format_tensor(value)
        case TensorKey(tensor=tensor):
            return format_tensor(tensor)
        case EnumValue():
            return f"Enum<{value.cls.name.rpartition('.')[2]}.{value.name}>"
        case Object():
            return f"<{value.cls.name} object at {id(value):#x}>"
    return str(value)


def format_float(value: float) -> str:
    """With as many digits as C++ prints: ``1.`` and ``0.10000000000000001``."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value.is_integer() and abs(value) < 2**63:
        return f"{int(value)}."
    return f"{value:.17g}"


def _format(text: str, *values: object) -> str:
    """``str.format`` with plain ``{}`` fields."""
    parts = text.split("{}")
    if len(parts) - 1 > len(values):
        raise ValueError(f"Too few arguments for format string: {text}")
    filled = [parts[0]]
    for value, part in zip(values, parts[1:], strict=False):
        filled += [format_value(value), part]
    return "".join(filled)


def _percent_format(text: str, *values: object) -> str:
    """``%``-formatting with the conversions that TorchScript has: s, d, i, f, e, c, %."""
    arguments = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
    pieces, rest = text.split("%%"), list(arguments)
    result = "%".join(_fill_percent(piece, rest) for piece in pieces)
    if rest:
        raise ValueError("Too many arguments for format string")
    return result


def _fill_percent(text: str, arguments: list[object]) -> str:
    first, *parts = text.split("%")
    out = [first]
    for part in parts:
        if not arguments:
            raise ValueError("Too few arguments for format string")
        value = arguments.pop(0)
        kind = part[:1]
        if kind == "s":
            out.append(format_value(value))
        elif kind and kind in "diceEfF":
            out.append(_number_as(kind, value))
        else:
            raise ValueError(
                f"The specifier %{kind} is not supported in TorchScript format strings"
            )
        out.append(part[1:])
    return "".join(out)


def _number_as(kind: str, value: object) -> str:
    """A number by one of the conversions of ``%``."""
    if isinstance(value, str) and kind == "c":
        return value
    if not isinstance(value, (int, float)):
        name = "String" if isinstance(value, str) else type(value).__name__.capitalize()
        raise TypeError(f"%{kind} requires a number for formatting, but got {name}")
    return f"%{kind}" % (int(value) if kind in "dic" else float(np.float32(value)))


_define("aten::format(str self, ...) -> str", _format)
_define("aten::percentFormat(str self, ...) -> str", _percent_format)
_define("aten::str(t elem) -> str", format_value)
_define("aten::add.str(str a, str b) -> str", lambda a, b: a + b)


def _warn(message: str, stacklevel: int) -> None:
    warnings.warn(message, UserWarning, stacklevel=2)


_define("aten::warn(str message, int stacklevel=2) -> ()", _warn, pure=False)
_define("aten::len.str(str s) -> int", len)
_define("aten::__contains__.substring(str self, str part) -> bool", str.__contains__)
_define("aten::ord(str string) -> int", ord)
_define("aten::chr(int i) -> str", chr)
_define("aten::bin(int i) -> str", bin)
_define("aten::oct(int i) -> str", oct)
_define("aten::hex(int i) -> str", hex)


def _item(text: str, index: int) -> str:
    if not -len(text) <= index < len(text):
        raise IndexError("string index out of range")
    return text[index]


def _slice(text: str, start: int | None, end: int | None, step: int) -> str:
    return text[start:end:step]


_define("aten::__getitem__.str(str s, int index) -> str", _item)
_define("prim::StringIndex(str string, int index) -> str", _item)
_define("aten::slice.str(str string, int? start=None, int? end=None, int step=1) -> str", _slice)
_define("aten::list(str t) -> str[]", list)

for _test in ("isspace", "isalpha", "isnumeric", "isprintable", "islower", "isupper", "istitle",
              "isdecimal", "isalnum", "isdigit"):  # fmt: skip
    _define(f"aten::{_test}(str self) -> bool", getattr(str, _test))
_define(
    "aten::isidentifier(str self) -> bool",
    lambda text: text.isascii() and text.isalnum() and not text[:1].isdigit(),
)
for _change in ("lower", "upper", "swapcase", "capitalize", "title"):
    _define(f"aten::{_change}(str self) -> str", getattr(str, _change))


def _end(text: str, end: int) -> int:
    """Where a search ends: TorchScript counts negative ends from behind the last character."""
    return max(0, len(text) + end + 1) if end < 0 else end


def _search(method: Callable[..., Any]) -> Callable[..., Any]:
    """A search between `start` and `end`."""

    def apply(text: str, part: str, start: int, end: int) -> Any:
        return method(text, part, start, _end(text, end))

    return apply


def _count(text: str, part: str, start: int, end: int) -> int:
    """How often `part` begins before `end`; it may reach beyond it, as in TorchScript."""
    return text.count(part, start, _end(text, end) + max(0, len(part) - 1))


for _name, _result in (("find", "int"), ("rfind", "int"), ("rindex", "int"),
                       ("startswith", "bool"), ("endswith", "bool")):  # fmt: skip
    _define(
        f"aten::{_name}(str self, str substr, int start=0, int end=-1) -> {_result}",
        _search(getattr(str, _name)),
    )
_define("aten::count(str self, str substr, int start=0, int end=-1) -> int", _count)
_define("aten::index.str(str self, str substr, int start=0, int end=-1) -> int", _search(str.index))
_define("aten::expandtabs(str self, int tabsize=8) -> str", str.expandtabs)
for _name in ("center", "ljust", "rjust"):
    _define(f'aten::{_name}(str self, int width, str fillchar=" ") -> str', getattr(str, _name))
for _name in ("strip", "lstrip", "rstrip"):
    _define(
        f'aten::{_name}(str self, str chars=" \\n\\t\\f\\v") -> str',
        getattr(str, _name),
    )
_define("aten::zfill(str self, int width) -> str", lambda text, width: text.rjust(width, "0"))
_define("aten::join(str self, str[] values) -> str", str.join)
_define(
    "aten::replace(str self, str old, str new, int max=-1) -> str",
    lambda text, old, new, most: text.replace(old, new, most),
)
_define(
    "aten::split.str(str self, str? separator=None, int max=-1) -> str[]",
    lambda text, separator, most: text.split(separator, -1 if separator is None else most),
)
_define('aten::rsplit(str self, str separator=" ", int max=-1) -> str[]', str.rsplit)


def _split_lines(text: str, keep_ends: bool) -> list[str]:
    """Each character of a line's end ends a line; ends that are kept are items of their own."""
    parts = _LINE_END.split(text)
    if not keep_ends:
        parts = parts[::2]
    return parts if parts[-1] else parts[:-1]


_define("aten::splitlines(str self, bool keepends=False) -> str[]", _split_lines)
_define("aten::partition(str self, str separator) -> (str, str, str)", str.partition)
_define("aten::rpartition(str self, str separator) -> (str, str, str)", str.rpartition)
