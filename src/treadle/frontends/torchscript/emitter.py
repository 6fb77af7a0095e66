"""Puts nodes into the graph that is being imported, with their place in the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from treadle.errors import CompileError, UnsupportedError
from treadle.frontends.torchscript.annotations import AnnotationReader
from treadle.frontends.torchscript.frames import Frame
from treadle.frontends.torchscript.parser import Source
from treadle.frontends.torchscript.subtyping import is_subtype
from treadle.frontends.torchscript.symbols import ClassSymbol, Scope, Symbol, TypeSymbol
from treadle.ir.graph import Block, Graph, Loc, Node, Value
from treadle.ir.op import (
    TUPLE,
    UNCHECKED_CAST,
    UNINITIALIZED,
    OpDef,
)
from treadle.ir.program import Class
from treadle.ir.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NONE,
    STR,
    TENSOR,
    ClassType,
    TupleType,
    Type,
)

_SIMPLE: dict[type, Type] = {
    bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX, str: STR, type(None): NONE,
}  # fmt: skip


def class_type(cls: Class) -> Type:
    """The type of the instances of `cls`."""
    if cls.kind == "namedtuple":
        return TupleType(tuple(cls.attributes.values()), cls.name, tuple(cls.attributes))
    return ClassType(cls.name)


class _At:
    """The time in which an emitter is at a node; a generator would take twice the time to enter."""

    __slots__ = ("_before", "_emitter", "_node")

    def __init__(self, emitter: Emitter, node: ast.AST) -> None:
        self._emitter, self._node = emitter, node

    def __enter__(self) -> None:
        self._before = self._emitter.move(self._node)

    def __exit__(self, *_: object) -> None:
        self._emitter.move(self._before)


class Emitter:
    """The state of one import: the block that is being filled, the names, the place.

    Attributes:
        origins: the value that a refined value was made of.
        free_names: parameters, which may get values of other types where they are declared.
    """

    def __init__(self, source: Source, scope: Scope, graph: Graph) -> None:
        self.source = source
        self.scope = scope
        self.block: Block = graph
        self.frame = Frame()
        self.origins: dict[Value, Value] = {}
        self.free_names: set[str] = set()
        self.types = AnnotationReader(source, self._named_type)
        self._place: ast.AST = ast.Pass()
        self._loc: Loc | None = None

    def at(self, node: ast.AST) -> _At:
        """Let nodes and errors of the block point at `node`."""
        return _At(self, node)

    def move(self, node: ast.AST) -> ast.AST:
        """Be at `node` from now on; where it was before."""
        before, self._place, self._loc = self._place, node, None
        return before

    @contextmanager
    def inside(self, block: Block, frame: Frame) -> Iterator[None]:
        """Fill `block`, with names in `frame`."""
        before = self.block, self.frame
        self.block, self.frame = block, frame
        try:
            yield
        finally:
            self.block, self.frame = before

    @property
    def loc(self) -> Loc:
        """The place in the source that is being imported."""
        if self._loc is None:
            self._loc = self.source.loc(self._place)
        return self._loc

    def error(self, message: str, node: ast.AST | None = None) -> CompileError:
        """A `CompileError` that points at `node`, by default at the current place."""
        return self.source.compile_error(message, node or self._place)

    def syntax_error(self, message: str, node: ast.AST | None = None) -> CompileError:
        """A `ScriptSyntaxError` that points at `node`."""
        return self.source.syntax_error(message, node or self._place)

    def unsupported(self, message: str, node: ast.AST | None = None) -> UnsupportedError:
        """An `UnsupportedError` that points at `node`."""
        return self.source.unsupported(message, node or self._place)

    def find_class(self, name: str) -> Class | None:
        """The class of the program with a qualified name, or None."""
        return self.scope.find_class(name)

    def is_subtype(self, a: Type, b: Type) -> bool:
        """Whether a value of type `a` may stand where `b` is expected."""
        return is_subtype(a, b, self.scope.find_class)

    def _named_type(self, name: str) -> Type | None:
        known = self.find_class(name) if name.startswith("__torch__.") else None
        if known is not None:
            return class_type(known)
        symbol = self.resolve_path(name)
        if isinstance(symbol, TypeSymbol):
            return symbol.type
        return class_type(symbol.cls) if isinstance(symbol, ClassSymbol) else None

    def resolve_path(self, path: str) -> Symbol | None:
        """What a dotted name stands for outside of the function."""
        first, *rest = path.split(".")
        symbol = self.scope.lookup(first)
        for name in rest:
            symbol = self.member_of(symbol, name) if symbol is not None else None
        return symbol

    def member_of(self, symbol: Symbol, name: str) -> Symbol | None:
        """What ``symbol.name`` stands for, where `symbol` is a namespace."""
        path = getattr(symbol, "path", None)
        return self.scope.member(path, name) if path is not None else None

    def emit(
        self,
        op: OpDef,
        inputs: Sequence[Value] = (),
        types: Sequence[Type] = (),
        /,
        **attributes: Any,
    ) -> Node:
        """Add a node at the end of the current block."""
        return self.block.append(Node(op, inputs, types, attributes, self.loc))

    def value(self, op: OpDef, inputs: Sequence[Value], type_: Type, /, **attributes: Any) -> Value:
        """Add a node with one result and give that."""
        return self.emit(op, inputs, (type_,), **attributes).output

    def constant(self, value: Any, type_: Type | None = None) -> Value:
        """A constant of a Python value; tensors are arrays."""
        found = self.block.constant(value, type_ or self.type_of(value))
        assert found.node is not None
        found.node.loc = self.loc
        return found

    def none(self) -> Value:
        """The constant None."""
        return self.constant(None)

    def type_of(self, value: Any) -> Type:
        """The type of a Python value that is known while importing."""
        simple = _SIMPLE.get(type(value))
        if simple is not None:
            return simple
        if isinstance(value, tuple):
            return TupleType(tuple(self.type_of(part) for part in value))
        if hasattr(value, "cls"):
            return ClassType(value.cls.name)
        return TENSOR

    def tuple(self, values: Sequence[Value], type_: TupleType | None = None) -> Value:
        """A tuple of values; a NamedTuple if `type_` is one."""
        return self.value(TUPLE, values, type_ or TupleType(tuple(v.type for v in values)))

    def cast(self, value: Value, type_: Type) -> Value:
        """`value`, known to be of the narrower `type_`."""
        result = self.value(UNCHECKED_CAST, (value,), type_)
        self.origins[result] = value
        return result

    def uninitialized(self, type_: Type) -> Value:
        """A value that is never read."""
        return self.value(UNINITIALIZED, (), type_)
