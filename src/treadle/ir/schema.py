"""Operator schemas in ATen's syntax: names, types, defaults, aliasing of arguments and results.

Source: the format of PyTorch's native_functions.yaml, e.g.
``aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)``.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from typing import Any

from treadle.ir.type_parser import parse_type
from treadle.ir.types import (
    ClassType,
    DictType,
    FutureType,
    ListType,
    OptionalType,
    TupleType,
    Type,
    UnionType,
)
from treadle.locks import cached_property

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


class Schema:
    """One overload: ``namespace::base.overload(arguments) -> results``.

    Arguments and results are parsed when they are first asked for: a process uses few of the
    operators that it knows, and parsing all took a fifth of the time of loading a model.

    Raises:
        ValueError: if `text` is no schema (schemas are Treadle's own constants, never a user's
            input).
    """

    def __init__(self, text: str) -> None:
        head = _HEAD.match(text)
        if head is None:
            raise ValueError(f"not a schema: {text}")
        namespace, base, overload, self._inputs, self._outputs = head.groups()
        self.namespace: str = namespace or "aten"
        self.base: str = base
        self.overload: str = overload or ""
        self.text = text.strip()

    @property
    def name(self) -> str:
        """Name without the overload, ``aten::add``."""
        return f"{self.namespace}::{self.base}"

    @property
    def writes(self) -> bool:
        """Whether any argument is written to."""
        return "!" in self._inputs

    @property
    def is_vararg(self) -> bool:
        """Whether any number of arguments may follow those that are named."""
        return "..." in self._inputs

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """The arguments in order."""
        parsed: list[Argument] = []
        keyword_only = False
        for part in _split(self._inputs):
            if part == "*":
                keyword_only = True
            elif part != "...":
                parsed.append(_argument(part, keyword_only))
        return tuple(parsed)

    @cached_property
    def results(self) -> tuple[Argument, ...]:
        """The results in order."""
        text = self._outputs
        if text.startswith("(") and text.endswith(")"):
            text = text[1:-1]
        return tuple(_result(part) for part in _split(text) if part != "...")

    def __str__(self) -> str:
        return self.text


_HEAD = re.compile(r"^\s*(?:(\w+)::)?(\w+)(?:\.(\w+))?\s*\((.*)\)\s*->\s*(.*?)\s*$", re.DOTALL)
_TYPE = re.compile(r"^([\w.]+)((?:\[[^\]]*\]|\?|\((?:[a-z*][^)]*)\))*)$")
_PLAIN = {"None": None, "True": True, "False": False, "0": 0, "1": 1, "-1": -1}
_ENUMS = {"Mean": 1, "contiguous_format": 0, "preserve_format": 1, "long": 4}


parse_schema = functools.cache(Schema)
"""The schema in a text; the same object for the same text."""

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
