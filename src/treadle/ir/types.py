"""Types of values: TorchScript's types, and tensor types with dtype and shape where known.

`parse_type` reads TorchScript's type syntax, which hostile files contain: it is a small
recursive-descent parser with a depth limit and evaluates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from treadle.errors import ScriptSyntaxError
from treadle.ir import dtypes
from treadle.ir.dtypes import DType

MAX_TYPE_DEPTH = 200


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor; `dtype` and `shape` are None where unknown. Dims are sizes or symbol names."""

    dtype: DType | None = None
    shape: tuple[int | str, ...] | None = None

    def __str__(self) -> str:
        if self.dtype is None and self.shape is None:
            return "Tensor"
        name = "Tensor" if self.dtype is None else self.dtype.name
        if self.shape is None:
            return "bool[...]" if name == "bool" else name  # bool alone is the scalar's type
        return f"{name}[{', '.join(map(str, self.shape))}]"

    @property
    def rank(self) -> int | None:
        """The number of dims; None if unknown."""
        return None if self.shape is None else len(self.shape)

    @property
    def is_concrete(self) -> bool:
        """Whether dtype and every size are known."""
        return (
            self.dtype is not None
            and self.shape is not None
            and all(isinstance(d, int) for d in self.shape)
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of a concrete type."""
        assert self.shape is not None
        return tuple(d for d in self.shape if isinstance(d, int))

    @property
    def element(self) -> DType:
        """The dtype of a concrete type."""
        assert self.dtype is not None
        return self.dtype


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without parameters: int, float, bool, str, NoneType, Device, ..."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListType:
    """A list."""

    element: Type

    def __str__(self) -> str:
        return f"List[{self.element}]"


@dataclass(frozen=True, slots=True)
class DictType:
    """A dict."""

    key: Type
    value: Type

    def __str__(self) -> str:
        return f"Dict[{self.key}, {self.value}]"


@dataclass(frozen=True, slots=True)
class TupleType:
    """A tuple; with `name` and `fields` a NamedTuple."""

    elements: tuple[Type, ...]
    name: str | None = None
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        return f"Tuple[{', '.join(map(str, self.elements)) or '()'}]"


@dataclass(frozen=True, slots=True)
class OptionalType:
    """A value or None."""

    element: Type

    def __str__(self) -> str:
        return f"Optional[{self.element}]"


@dataclass(frozen=True, slots=True)
class UnionType:
    """A value of one of several types."""

    options: tuple[Type, ...]

    def __str__(self) -> str:
        return f"Union[{', '.join(map(str, self.options))}]"


@dataclass(frozen=True, slots=True)
class FutureType:
    """``Future[T]``; `kind` is Future, Await or RRef."""

    element: Type
    kind: str = "Future"

    def __str__(self) -> str:
        return f"{self.kind}[{self.element}]"


@dataclass(frozen=True, slots=True)
class ClassType:
    """A module, script class, enum or interface, by qualified name; the loader knows the rest."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class FunctionType:
    """A function or a method as a value; `name` is for messages."""

    name: str

    def __str__(self) -> str:
        return f"Function[{self.name}]"


Type: TypeAlias = (
    TensorType | Primitive | ListType | DictType | TupleType | OptionalType | UnionType
    | FutureType | ClassType | FunctionType
)  # fmt: skip

TENSOR = TensorType()
INT, FLOAT, BOOL, COMPLEX, NUMBER, STR, NONE, ANY, DEVICE, GENERATOR = map(
    Primitive,
    (
        "int",
        "float",
        "bool",
        "complex",
        "number",
        "str",
        "NoneType",
        "Any",
        "Device",
        "Generator",
    ),
)
PRIMITIVES: dict[str, Primitive] = {
    name: Primitive(name)
    for name in (
        "int", "float", "bool", "complex", "number", "str", "NoneType", "Any", "Device",
        "Generator", "Stream", "Storage", "Capsule", "QScheme", "Layout", "ScalarType",
        "MemoryFormat", "AnyListType", "AnyTupleType", "AnyClassType", "AnyEnumType",
    )
}  # fmt: skip
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
