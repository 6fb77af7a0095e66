"""Constants that the text form writes in place: numbers, strings, None, lists and tuples of them.

`Scanner` reads one line of the text form, piece by piece.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from treadle.errors import ScriptSyntaxError
from treadle.ir.type_parser import parse_type
from treadle.ir.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NONE,
    STR,
    ClassType,
    FunctionType,
    ListType,
    Primitive,
    TupleType,
    Type,
)

MAX_LITERAL_ITEMS = 64
MAX_LITERAL_DEPTH = 50
_SCALARS: dict[type, Primitive] = {
    int: INT,
    float: FLOAT,
    bool: BOOL,
    str: STR,
    complex: COMPLEX,
    type(None): NONE,
}
_CONTAINERS = (list, tuple)


def is_literal(value: Any, depth: int = 0) -> bool:
    """Whether the text form can write `value` in place."""
    if type(value) in _SCALARS:
        return True
    return (
        type(value) in _CONTAINERS
        and len(value) <= MAX_LITERAL_ITEMS
        and depth < MAX_LITERAL_DEPTH
        and all(is_literal(item, depth + 1) for item in value)
    )


def literal_type(value: Any) -> Type | None:
    """The type that a literal has by itself; None for an empty or mixed list."""
    if type(value) in _SCALARS:
        return _SCALARS[type(value)]
    if type(value) not in _CONTAINERS:
        return None
    types = [literal_type(item) for item in value]
    known = [t for t in types if t is not None]
    if len(known) < len(types):
        return None
    if isinstance(value, tuple):
        return TupleType(tuple(known))
    return ListType(known[0]) if len(set(known)) == 1 else None


def print_literal(value: Any) -> str:
    """The text of a literal; `Scanner.literal` reads it back."""
    match value:
        case str():
            return json.dumps(value)
        case complex():
            return f"complex({_float(value.real)}, {_float(value.imag)})"
        case float():
            return _float(value)
        case list():
            return f"[{', '.join(map(print_literal, value))}]"
        case tuple():
            end = "," if len(value) == 1 else ""
            return f"({', '.join(map(print_literal, value))}{end})"
        case _:
            return str(value)


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"{value}"


_WORDS: dict[str, Any] = {
    "None": None,
    "True": True,
    "False": False,
    "inf": math.inf,
    "nan": math.nan,
}
_NUMBER = re.compile(r"-?(?:inf\b|\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_FUNCTION = re.compile(r"Function\[([^\[\]]*)\]$")


class Scanner:
    """A position in one line; every error names the line's number."""

    def __init__(self, text: str, number: int) -> None:
        self.text, self.number, self.position = text, number, 0

    def error(self, message: str) -> ScriptSyntaxError:
        """The error `message` about this line."""
        shown = self.text.strip()
        shown = shown if len(shown) <= 100 else shown[:97] + "..."
        return ScriptSyntaxError(f"line {self.number} of the graph, {shown!r}: {message}")

    def skip(self) -> None:
        """Pass over blanks."""
        while self.text[self.position : self.position + 1] in (" ", "\t"):
            self.position += 1

    def at(self, token: str) -> bool:
        """Whether `token` comes next; it is not consumed."""
        self.skip()
        return self.text.startswith(token, self.position)

    def take(self, token: str) -> bool:
        """Consume `token` if it comes next."""
        found = self.at(token)
        self.position += len(token) * found
        return found

    def expect(self, token: str) -> None:
        """Consume `token`, or raise."""
        if not self.take(token):
            rest = self.text[self.position : self.position + 20]
            raise self.error(f"expected {token!r}, got {rest or 'the end'!r}")

    def match(self, pattern: re.Pattern[str], what: str) -> str:
        """Consume and give the text that `pattern` matches here."""
        self.skip()
        found = pattern.match(self.text, self.position)
        if found is None:
            rest = self.text[self.position : self.position + 20]
            raise self.error(f"expected {what}, got {rest or 'the end'!r}")
        self.position = found.end()
        return found[0]

    def type(self, ends: str) -> Type:
        """A type, up to one of the characters `ends` outside of brackets, or the end."""
        self.skip()
        depth, start = 0, self.position
        while self.position < len(self.text):
            ch = self.text[self.position]
            if depth == 0 and ch in ends:
                break
            depth += (ch in "[(") - (ch in "])")
            self.position += 1
        text = self.text[start : self.position].strip()
        if function := _FUNCTION.match(text):
            return FunctionType(function[1])
        try:
            return parse_type(text, ClassType)
        except ScriptSyntaxError as error:
            raise self.error(str(error)) from None

    def string(self) -> str:
        """A quoted string."""
        text = self.match(_STRING, "a string")
        try:
            return str(json.loads(text))
        except ValueError:
            raise self.error(f"bad string {text}") from None

    def literal(self, depth: int = 0) -> Any:
        """A literal, or a type in angle brackets."""
        if depth > MAX_LITERAL_DEPTH:
            raise self.error(f"literals nest deeper than {MAX_LITERAL_DEPTH}")
        if self.at('"'):
            return self.string()
        if self.take("["):
            return self._items("]", depth)
        if self.take("("):
            return tuple(self._items(")", depth))
        if self.take("<"):
            type_ = self.type(">")
            self.expect(">")
            return type_
        self.skip()
        if _NUMBER.match(self.text, self.position):
            return self._number()
        word = self.match(_WORD, "a value")
        if word == "complex":
            self.expect("(")
            return self._complex(self._items(")", depth))
        if word not in _WORDS:
            raise self.error(f"expected a value, got {word!r}")
        return _WORDS[word]

    def _items(self, end: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not self.take(end):
            items.append(self.literal(depth + 1))
            if not self.at(end):
                self.expect(",")
        return items

    def _number(self) -> int | float:
        text = self.match(_NUMBER, "a number")
        try:
            return int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            raise self.error("the number has too many digits") from None

    def _complex(self, parts: list[Any]) -> complex:
        if len(parts) != 2 or not all(isinstance(p, int | float) for p in parts):
            raise self.error("complex takes two numbers")
        return complex(*parts)


def print_attribute(value: Any) -> str:
    """The text of a node's attribute: a literal, a type, or a tuple of types."""
    if isinstance(value, tuple | list) and not is_literal(value):
        items = ", ".join(map(print_attribute, value))
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"
    return print_literal(value) if is_literal(value) else f"<{value}>"
