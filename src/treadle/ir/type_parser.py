"""`parse_type` reads TorchScript's type syntax, which hostile files contain.

It is a small recursive-descent parser with a depth limit and evaluates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from treadle.errors import ScriptSyntaxError
from treadle.ir import dtypes
from treadle.ir.types import (
    NONE,
    PRIMITIVES,
    ClassType,
    DictType,
    FutureType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
    UnionType,
)

MAX_TYPE_DEPTH = 200
_ALIASES = {
    "Scalar": "number",
    "Layout": "int",
    "MemoryFormat": "int",
    "ScalarType": "int",
}

_TOKEN = re.compile(r"\s*([A-Za-z_][\w.]*|\d+|\.\.\.|[\[\](),])")


def parse_type(text: str, lookup: Callable[[str], Type] | None = None) -> Type:
    """The type that TorchScript's (or the IR's) type syntax in `text` names.

    Args:
        text: e.g. ``Dict[str, List[Tensor]]``, ``__torch__.pkg.Class``, ``f32[2, B]``.
        lookup: gives the type of a dotted class name; default: `ClassType` of ``__torch__`` names.

    Raises:
        ScriptSyntaxError: on anything else; nothing of `text` is ever evaluated.
    """
    parser = _TypeParser(text, lookup or _torch_class)
    result = parser.parse(0)
    if parser.token is not None:
        raise parser.error(f"unexpected {parser.token!r}")
    return result


def _torch_class(name: str) -> Type:
    if not name.startswith("__torch__."):
        raise ScriptSyntaxError(f"unknown type {name!r}")
    return ClassType(name)


class _TypeParser:
    def __init__(self, text: str, lookup: Callable[[str], Type]) -> None:
        self._text, self._lookup, self._position = text, lookup, 0
        self.token: str | None = None
        self._advance()

    def error(self, message: str) -> ScriptSyntaxError:
        shown = self._text if len(self._text) <= 80 else self._text[:77] + "..."
        return ScriptSyntaxError(f"bad type {shown!r}: {message}")

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            if self._text[self._position :].strip():
                raise self.error(f"unexpected {self._text[self._position :].strip()[0]!r}")
            self.token = None
            return
        self.token, self._position = match[1], match.end()

    def _expect(self, token: str) -> None:
        if self.token != token:
            raise self.error(f"expected {token!r}, got {self.token or 'the end'!r}")
        self._advance()

    def parse(self, depth: int) -> Type:
        if depth > MAX_TYPE_DEPTH:
            raise self.error(f"nested deeper than {MAX_TYPE_DEPTH}")
        name = self.token
        if name is None or not (name[0].isalpha() or name[0] == "_"):
            raise self.error(f"expected a type name, got {name or 'the end'!r}")
        self._advance()
        if name in dtypes.BY_NAME and (name != "bool" or self.token == "["):
            return TensorType(dtypes.BY_NAME[name], self._shape())
        if name == "Tensor":
            return TensorType(None, self._shape())
        if name in _GENERIC:
            return self._generic(name, depth)
        if name in ("None", "NoneType"):
            return NONE
        name = _ALIASES.get(name, name)
        return PRIMITIVES[name] if name in PRIMITIVES else self._lookup(name)

    def _shape(self) -> tuple[int | str, ...] | None:
        if self.token != "[":
            return None
        self._advance()
        if self.token == "...":
            self._advance()
            self._expect("]")
            return None
        dims: list[int | str] = []
        while self.token != "]":
            if self.token is None or self.token in "[](),":
                raise self.error("expected a dimension")
            dims.append(int(self.token) if self.token.isdigit() else self.token)
            self._advance()
            if self.token != "]":
                self._expect(",")
        self._expect("]")
        return tuple(dims)

    def _generic(self, name: str, depth: int) -> Type:
        self._expect("[")
        arguments: list[Type] = []
        if name == "Tuple" and self.token == "(":
            self._advance()
            self._expect(")")
        else:
            arguments.append(self.parse(depth + 1))
            while self.token == ",":
                self._advance()
                arguments.append(self.parse(depth + 1))
        self._expect("]")
        count = _GENERIC[name]
        if count is not None and len(arguments) != count:
            raise self.error(f"{name} takes {count} parameters, got {len(arguments)}")
        return _make_generic(name, arguments)


_GENERIC: dict[str, int | None] = {
    "List": 1, "Dict": 2, "Optional": 1, "Future": 1, "Await": 1, "RRef": 1, "Tuple": None,
    "Union": None,
}  # fmt: skip


def _make_generic(name: str, arguments: list[Type]) -> Type:
    match name:
        case "List":
            return ListType(arguments[0])
        case "Dict":
            return DictType(arguments[0], arguments[1])
        case "Optional":
            return OptionalType(arguments[0])
        case "Tuple":
            return TupleType(tuple(arguments))
        case "Union":
            return UnionType(tuple(arguments))
        case _:
            return FutureType(arguments[0], name)
