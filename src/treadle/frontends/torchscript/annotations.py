"""Types as they are written in source: names, subscripts, strings, ``int | None``."""

from __future__ import annotations

import ast
from collections.abc import Callable

from treadle.frontends.torchscript.parser import Source
from treadle.frontends.torchscript.subtyping import flatten_union, make_union
from treadle.frontends.torchscript.unsupported import is_cpp_class, lacks_cpp_class
from treadle.ir.type_parser import parse_type
from treadle.ir.types import (
    ANY,
    BOOL,
    COMPLEX,
    DEVICE,
    FLOAT,
    INT,
    NONE,
    PRIMITIVES,
    STR,
    TENSOR,
    DictType,
    FutureType,
    ListType,
    TensorType,
    TupleType,
    Type,
)

MAX_DEPTH = 200
_GENERIC = {
    "List": 1, "list": 1, "Dict": 2, "dict": 2, "Optional": 1, "Future": 1, "Await": 1,
    "Tuple": None, "tuple": None, "Union": None, "Final": 1,
}  # fmt: skip
_NAMES: dict[str, Type] = {
    **PRIMITIVES, "Tensor": TENSOR, "None": NONE, "Any": ANY, "dtype": PRIMITIVES["int"],
    "device": PRIMITIVES["Device"], "ScalarType": PRIMITIVES["int"], "Layout": PRIMITIVES["int"],
    "MemoryFormat": PRIMITIVES["int"], "Size": ListType(PRIMITIVES["int"]),
    "layout": PRIMITIVES["int"], "memory_format": PRIMITIVES["int"], "Number": PRIMITIVES["number"],
    "Scalar": PRIMITIVES["number"],
    "object": ANY, "ndarray": TENSOR,
}  # fmt: skip


_EXAMPLES = {
    "list": "List[int]", "dict": "Dict[str, int]", "tuple": "Tuple[int, str]",
    "optional": "Optional[int]", "union": "Union[int, str]", "final": "Final[int]",
    "future": "Future[int]", "await": "Await[int]",
}  # fmt: skip


class AnnotationReader:
    """Reads types; `resolve` gives the types of names that are not TorchScript's own."""

    def __init__(self, source: Source, resolve: Callable[[str], Type | None]) -> None:
        self._source = source
        self._resolve = resolve

    def read(self, node: ast.expr) -> Type:
        """The type that `node` writes.

        Raises:
            ScriptSyntaxError: if it is none.
        """
        return self._read(node, 0)

    def _fail(self, node: ast.expr, message: str) -> Exception:
        return self._source.syntax_error(message, node)

    def _read(self, node: ast.expr, depth: int) -> Type:
        if depth > MAX_DEPTH:
            raise self._fail(node, f"a type is nested deeper than {MAX_DEPTH}")
        match node:
            case ast.Constant(None):
                return NONE
            case ast.Constant(str(text)):
                return parse_type(text, lambda name: self._named(name, node))
            case ast.Subscript(base, argument):
                return self._generic(node, base, argument, depth)
            case ast.BinOp(left, ast.BitOr(), right):
                options = (self._read(left, depth + 1), self._read(right, depth + 1))
                return make_union([part for option in options for part in flatten_union(option)])
            case ast.Name() | ast.Attribute():
                return self._named(dotted(node) or "", node)
        raise self._fail(node, "this is not a type")

    def _named(self, name: str, node: ast.expr) -> Type:
        found = self._resolve(name)
        if found is not None:
            return found
        last = name.rpartition(".")[2]
        if last in _GENERIC:
            raise self._fail(
                node, f"{last} needs the types of what is in it: {_EXAMPLES[last.lower()]}"
            )
        known = _NAMES.get(last)
        if is_cpp_class(name):
            raise self._source.unsupported(lacks_cpp_class(name), node)
        if known is None or name.startswith("__torch__"):
            raise self._fail(node, f"unknown type {name!r}")
        return known

    def _generic(self, node: ast.expr, base: ast.expr, argument: ast.expr, depth: int) -> Type:
        name = (dotted(base) or "").rpartition(".")[2]
        if name == "RRef":
            raise self._source.unsupported("references to other machines are not supported", node)
        if name not in _GENERIC:
            raise self._fail(node, f"unknown generic type {name!r}")
        parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
        if name in ("Tuple", "tuple") and parts and _is_empty_tuple(parts):
            parts = []
        types = [self._read(part, depth + 1) for part in parts]
        count = _GENERIC[name]
        if count is not None and len(types) != count:
            raise self._fail(node, f"{name} takes {count} parameters, got {len(types)}")
        if name in ("Dict", "dict") and not _may_be_key(types[0]):
            raise self._fail(
                node,
                f"{types[0]} cannot be the key of a dict: strings, numbers, bools, tensors and "
                "devices can",
            )
        return _make(name, types)


def _may_be_key(type_: Type) -> bool:
    return type_ in (STR, INT, FLOAT, COMPLEX, BOOL, DEVICE, ANY) or isinstance(type_, TensorType)


def _is_empty_tuple(parts: list[ast.expr]) -> bool:
    return len(parts) == 1 and isinstance(parts[0], ast.Tuple) and not parts[0].elts


def _make(name: str, types: list[Type]) -> Type:
    match name.lower():
        case "list":
            return ListType(types[0])
        case "dict":
            return DictType(types[0], types[1])
        case "tuple":
            return TupleType(tuple(types))
        case "optional":
            return make_union([*flatten_union(types[0]), NONE])
        case "union":
            return make_union([part for option in types for part in flatten_union(option)])
        case "final":
            return types[0]
    return FutureType(types[0], name)


def dotted(node: ast.expr) -> str | None:
    """``a.b.c`` of names and attributes; None for other expressions."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])
