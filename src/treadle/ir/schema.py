"""Operator schemas in ATen's syntax: names, types, defaults, aliasing of arguments and results.

Source: the format of PyTorch's native_functions.yaml, e.g.
``aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)``.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from treadle.ir.types import (
    ANY,
    ClassType,
    DictType,
    FutureType,
    ListType,
    OptionalType,
    TupleType,
    Type,
    UnionType,
    parse_type,
)

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "REQUIRED"})()
"""The default of an argument that has none."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument or a result.

    `size` is N of ``int[N]`` (a single int broadcasts to N). `alias` is the alias set (``a``) or
    ``*``; `writes` whether the operator writes into it (``a!``).
    """

    name: str
    type: Type
    default: Any = REQUIRED
    keyword_only: bool = False
    size: int | None = None
    alias: str | None = None
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """One overload: ``namespace::base.overload(arguments) -> results``."""

    namespace: str
    base: str
    overload: str
    arguments: tuple[Argument, ...]
    results: tuple[Argument, ...]
    is_vararg: bool = False
    text: str = ""

    @property
    def name(self) -> str:
        """Name without the overload, ``aten::add``."""
        return f"{self.namespace}::{self.base}"

    @property
    def writes(self) -> bool:
        """Whether any argument is written to."""
        return any(a.writes for a in self.arguments)

    def __str__(self) -> str:
        return self.text


_HEAD = re.compile(r"^\s*(?:(\w+)::)?(\w+)(?:\.(\w+))?\s*\((.*)\)\s*->\s*(.*?)\s*$", re.DOTALL)
_TYPE = re.compile(r"^([\w.]+)((?:\[[^\]]*\]|\?|\((?:[a-z*][^)]*)\))*)$")
_PLAIN = {"None": None, "True": True, "False": False, "0": 0, "1": 1, "-1": -1}
_ENUMS = {"Mean": 1, "contiguous_format": 0, "preserve_format": 1, "long": 4}


@cache
def parse_schema(text: str) -> Schema:
    """The schema in `text`.

    Raises:
        ValueError: if it is not one (schemas are Treadle's own constants, never a user's input).
    """
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"not a schema: {text}")
    namespace, base, overload, arguments, results = head.groups()
    parsed: list[Argument] = []
    keyword_only = vararg = False
    for part in _split(arguments):
        if part == "*":
            keyword_only = True
        elif part == "...":
            vararg = True
        else:
            parsed.append(_argument(part, keyword_only))
    if results.startswith("(") and results.endswith(")"):
        results = results[1:-1]
    outputs = tuple(_result(part) for part in _split(results) if part != "...")
    return Schema(
        namespace or "aten",
        base,
        overload or "",
        tuple(parsed),
        outputs,
        vararg,
        text.strip(),
    )


_PART = re.compile(
    r"""(?:[^,"'(\[]|"[^"]*"|'[^']*'|\[[^\]]*\]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+"""
)


def _split(text: str) -> list[str]:
    """The parts between top-level commas."""
    parts = [part.strip() for part in _PART.findall(text)]
    return [part for part in parts if part]


def _argument(text: str, keyword_only: bool) -> Argument:
    left, equals, default = text.partition("=")
    typename, _, name = left.strip().rpartition(" ")
    type_, size, alias, writes = _annotated(typename.strip())
    value = _default(default.strip(), type_, size) if equals else REQUIRED
    return Argument(name, type_, value, keyword_only, size, alias, writes)


def _result(text: str) -> Argument:
    typename, _, name = text.partition(" ") if not text.startswith("Dict") else (text, "", "")
    if text.startswith("("):
        typename, name = text, ""
    type_, size, alias, writes = _annotated(typename)
    return Argument(name.strip(), type_, size=size, alias=alias, writes=writes)


@functools.cache
def _annotated(text: str) -> tuple[Type, int | None, str | None, bool]:
    """Type, list size, alias set and whether written, of ``Tensor(a!)[]?`` and the like."""
    alias: str | None = None
    writes = False
    if text.startswith(("Dict(", "Future(", "Await(")):
        plain = text.removesuffix("(a!)")
        return _old_generic(plain), None, "a" if plain != text else None, plain != text
    if text.startswith("(") and text.endswith("[]"):
        return ListType(_annotated(text[:-2])[0]), None, None, False
    if text.startswith("("):
        inner = tuple(_annotated(p.rpartition(" ")[0] or p)[0] for p in _split(text[1:-1]))
        return TupleType(inner), None, None, False
    match = _TYPE.match(text)
    if match is None:
        raise ValueError(f"not a schema type: {text}")
    result = _named(match[1])
    size: int | None = None
    for suffix in re.findall(r"\[[^\]]*\]|\?|\([^)]*\)", match[2]):
        if suffix == "?":
            result = OptionalType(result)
        elif suffix.startswith("["):
            size = int(suffix[1:-1]) if suffix[1:-1] else None
            result = ListType(result)
        else:
            alias, writes = suffix[1:-1].split(" ")[0].rstrip("!"), "!" in suffix
    return result, size, alias, writes


def _old_generic(text: str) -> Type:
    name, _, rest = text.partition("(")
    inner = [_annotated(p)[0] for p in _split(rest[: rest.rindex(")")])]
    return DictType(inner[0], inner[1]) if name == "Dict" else FutureType(inner[0], name)


def _named(name: str) -> Type:
    known = {"SymInt": "int", "t": "", "AnyEnumType": "AnyEnumType", "Dimname": "str"}
    if len(name) == 1 or re.fullmatch(r"t[A-Z]\w*|tKey|tVal", name):
        return ClassType(f"?{name}")  # a type variable
    if name in ("AnyClassType",):
        return ANY
    return parse_type(known.get(name, name))


def is_type_variable(type_: Type) -> bool:
    """Whether `type_` is a type variable (``t``) of a schema."""
    return isinstance(type_, ClassType) and type_.name.startswith("?")


def _default(text: str, type_: Type, size: int | None) -> Any:
    if text in _ENUMS:
        return _ENUMS[text]
    if text == "strided":
        return 0
    value = _PLAIN[text] if text in _PLAIN else ast.literal_eval(text)
    if isinstance(value, int) and not isinstance(value, bool) and _wants_float(type_):
        value = float(value)
    if size is not None and isinstance(type_, ListType) and isinstance(value, (int, float)):
        return [value] * size
    return value


def _wants_float(type_: Type) -> bool:
    if isinstance(type_, OptionalType):
        return _wants_float(type_.element)
    return str(type_) == "float"


__all__ = [
    "REQUIRED",
    "Argument",
    "Schema",
    "UnionType",
    "is_type_variable",
    "parse_schema",
]
