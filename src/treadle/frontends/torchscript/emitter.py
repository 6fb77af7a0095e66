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
from treadle.frontends.torchscript.resolve import CallArguments, Signature, convert, match
from treadle.frontends.torchscript.subtyping import is_subtype
from treadle.frontends.torchscript.symbols import ClassSymbol, Item, Scope, Symbol, TypeSymbol
from treadle.frontends.torchscript.unsupported import (
    is_refused,
    refusal,
)
from treadle.ir.graph import Block, Graph, Loc, Node, Value
from treadle.ir.op import (
    CALL_FUNCTION,
    NEW_OBJECT,
    RAISE,
    TUPLE,
    UNCHECKED_CAST,
    UNINITIALIZED,
    WAIT,
    OpDef,
    unsupported,
)
from treadle.ir.program import Class
from treadle.ir.types import (
    ANY,
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NONE,
    STR,
    TENSOR,
    ClassType,
    FutureType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
    UnionType,
)
from treadle.ops import OPS

_SIMPLE: dict[type, Type] = {
    bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX, str: STR, type(None): NONE,
}  # fmt: skip

_SAME = {"prim::data": "aten::detach"}
"""Operators that mean the same where nothing has gradients."""

_RECORD = "__torch__.torch.classes.profiler._RecordFunction"


def class_type(cls: Class) -> Type:
    """The type of the instances of `cls`."""
    if cls.kind == "namedtuple":
        return TupleType(tuple(cls.attributes.values()), cls.name, tuple(cls.attributes))
    return ClassType(cls.name)


def _narrower(call: CallArguments) -> str:
    """What may help with arguments that could be of several types."""
    for value in (*call.positional, *call.keywords.values()):
        if isinstance(value.type, OptionalType):
            return ", which `is not None` or `assert` make narrower"
        if isinstance(value.type, UnionType) or value.type == ANY:
            return ", which isinstance makes narrower"
    return ""


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

    def require(self, value: Value, type_: Type, what: str) -> Value:
        """`value` with the implicit conversions to `type_`, or an error that says `what` it is."""
        converted = convert(self, value, type_, None, conversions=True)
        if converted is None:
            raise self.error(f"{what} has type {value.type}, expected {type_}")
        return converted

    def apply(
        self,
        name: str,
        args: Sequence[Item],
        kwargs: dict[str, Item] | None = None,
        result: Type | None = None,
    ) -> Value:
        """Apply the overload of operator `name` that fits, as TorchScript chooses it."""
        call = CallArguments([self.materialize(a) for a in args], {})
        call.keywords.update({k: self.materialize(v) for k, v in (kwargs or {}).items()})
        name = _SAME.get(name, name)
        if name in ("aten::wait", "prim::awaitable_wait"):
            return self._wait(call)
        if name == "prim::RaiseException":
            self.emit(RAISE, [*call.positional, *call.keywords.values()])
            return self.none()
        if name.startswith("profiler::"):
            return self._profiler(name, call)
        for function in self.scope.library(name):
            found = self._attempt(Signature.of_function(function), call, True)
            if not isinstance(found, str):
                return self.value(CALL_FUNCTION, found.inputs, function.result, name=function.name)
        overloads = OPS.overloads(name)
        if not overloads:
            return self._unsupported(name, call, f"operator {name}({call}) is not supported")
        return self._matched(name, overloads, call, result)

    def _profiler(self, name: str, call: CallArguments) -> Value:
        """Records of what a profiler sees mean nothing here."""
        if name == "profiler::_record_function_exit":
            return self.none()
        if name == "profiler::_call_end_callbacks_on_jit_fut" and len(call.positional) == 2:
            return call.positional[1]
        cls = self.find_class(_RECORD)
        if name != "profiler::_record_function_enter_new" or cls is None:
            raise self.unsupported(f"operator {name}({call}) is not supported")
        return self.value(NEW_OBJECT, (), ClassType(cls.name), name=cls.name)

    def _matched(
        self, name: str, overloads: Sequence[OpDef], call: CallArguments, result: Type | None
    ) -> Value:
        reasons: list[str] = []
        for conversions in (False, True) if len(overloads) > 1 else (True,):
            reasons.clear()
            for op in overloads:
                assert op.schema is not None
                signature = Signature.of_schema(op.schema)
                found = self._attempt(signature, call, conversions)
                if isinstance(found, str):
                    reasons.append(f"{op.schema.text}: {found}")
                    continue
                types = [found.substitute(r.type) for r in op.schema.results]
                return self._results(self.emit(op, found.inputs, [result] if result else types))
        message = f"no overload of {name} takes ({call}){_narrower(call)}:"
        return self._unsupported(name, call, message + "".join(f"\n  {r}" for r in reasons[:8]))

    def _unsupported(self, name: str, call: CallArguments, message: str) -> Value:
        """A node that raises when it is reached, where the result is a tensor as far as we know."""
        if is_refused(name):
            raise self.unsupported(refusal(name))
        error = self.unsupported(message)
        has_tensor = any(isinstance(v.type, TensorType) for v in call.positional)
        if not (has_tensor and self.scope.defers_unsupported):
            raise error
        inputs = [*call.positional, *call.keywords.values()]
        message = str(error)
        return self.value(unsupported(message), inputs, TENSOR, message=message)

    def _attempt(self, signature: Signature, call: CallArguments, conversions: bool) -> Any:
        """Match, and take back the nodes of conversions if that fails."""
        block, last = self.block, self.block.end.prev
        found = match(self, signature, call, conversions)
        if isinstance(found, str):
            while block.end.prev is not last:
                block.erase(block.end.prev)
        return found

    def call_signature(self, signature: Signature, call: CallArguments) -> list[Value]:
        """The inputs of a call of a function with one signature."""
        found = self._attempt(signature, call, True)
        if isinstance(found, str):
            raise self.error(f"{signature.name}({call}): {found}")
        inputs: list[Value] = found.inputs
        return inputs

    def _results(self, node: Node) -> Value:
        if not node.outputs:
            return self.none()
        if len(node.outputs) == 1:
            return node.output
        names = tuple(r.name for r in node.op.schema.results) if node.op.schema else ()
        types = tuple(v.type for v in node.outputs)
        return self.tuple(node.outputs, TupleType(types, None, names if all(names) else ()))

    def _wait(self, call: CallArguments) -> Value:
        future = call.positional[0] if len(call.positional) == 1 else None
        if future is None or not isinstance(future.type, FutureType):
            raise self.error(f"wait takes a Future, got ({call})")
        return self.value(WAIT, (future,), future.type.element)

    def materialize(self, item: Item) -> Value:
        """`item` as a value of the graph."""
        raise NotImplementedError
