"""Calls of what Python and TorchScript themselves offer: ``len``, ``isinstance``, ``fork``, ..."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import ClassVar

from treadle.frontends.torchscript.contexts import Contexts
from treadle.frontends.torchscript.frames import Frame
from treadle.frontends.torchscript.subtyping import flatten_union
from treadle.frontends.torchscript.symbols import (
    Constant,
    Enumerate,
    Item,
    Range,
    Zip,
)
from treadle.frontends.torchscript.type_tests import TypeTests
from treadle.frontends.torchscript.unsupported import REMOTE_CALLS, refusal
from treadle.ir.graph import Value
from treadle.ir.op import (
    AWAITABLE,
    FORK,
    PRINT,
    OpDef,
)
from treadle.ir.types import (
    ANY,
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    STR,
    DictType,
    FutureType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
)

_AS_OPERATOR = {
    "len": "aten::len", "min": "prim::min", "max": "prim::max", "abs": "prim::abs",
    "round": "aten::round", "sorted": "aten::sorted", "ord": "aten::ord", "chr": "aten::chr",
    "bin": "aten::bin", "oct": "aten::oct", "hex": "aten::hex", "divmod": "aten::divmod",
    "pow": "aten::pow", "sum": "aten::sum", "all": "aten::all", "any": "aten::any",
    "hash": "aten::hash", "id": "prim::id",
}  # fmt: skip
_METHODS = frozenset({"len", "hex", "oct", "round"})
_CASTS: dict[str, tuple[Type, str]] = {
    "int": (INT, "aten::Int"), "float": (FLOAT, "aten::Float"), "bool": (BOOL, "aten::Bool"),
    "complex": (COMPLEX, "aten::Complex"), "str": (STR, "aten::str"),
}  # fmt: skip


class Specials(Contexts):
    """Imports calls of the functions that are known by name."""

    def special_function(
        self, name: str, args: list[Item], keywords: dict[str, Item]
    ) -> Value | None:
        """Apply the operator that a function of Python stands for, if it does."""
        return self.apply(_AS_OPERATOR[name], args, keywords) if name in _AS_OPERATOR else None

    def special(self, name: str, node: ast.Call, hint: Type | None) -> Item:
        """Call one of the functions that the importer knows by name."""
        method = self._specials.get(name)
        if method is not None:
            result: Item = method(self, node, hint)
            return result
        if name in REMOTE_CALLS:
            raise self.unsupported(refusal(f"prim::{name}"))
        if name in _CASTS:
            return self._cast(name, node)
        if name in _AS_OPERATOR:
            args, keywords = self._arguments(node)
            operator = _AS_OPERATOR[name]
            values = [self.materialize(a) for a in args]
            if name == "len" and values and isinstance(values[0].type, TupleType):
                return self.constant(len(values[0].type.elements))
            if name == "len" and args:
                members = self.sequence_of(args[0])
                if members is not None:
                    return self.constant(len(members.items))
            found = None
            if name in _METHODS and values:
                found = self.magic(values[0], f"__{name}__", values[1:])
            return self.apply(operator, list(values), keywords) if found is None else found
        raise self.unsupported(f"the function {name} is not supported")

    def _cast(self, name: str, node: ast.Call) -> Value:
        type_, operator = _CASTS[name]
        args, keywords = self._arguments(node)
        if not args and not keywords:
            return self.constant({"int": 0, "float": 0.0, "bool": False, "str": ""}.get(name, 0j))
        values = [self.materialize(a) for a in args]
        if len(values) == 1 and values[0].type == type_:
            return values[0]
        if name == "bool" and len(values) == 1 and not keywords:
            return self.truth(values[0])
        found = self.magic(values[0], f"__{name}__", ()) if values else None
        return self.apply(operator, list(values), keywords) if found is None else found

    def _annotate(self, node: ast.Call, hint: Type | None) -> Item:
        type_node, value_node = self._expect(node, 2)
        type_ = self.type_argument(type_node)
        value = self.require(self.expression(value_node, type_), type_, "the value")
        return self.retyped(value, type_)

    def retyped(self, value: Value, type_: Type) -> Value:
        """`value` seen as the wider `type_`."""
        if value.type == type_ or not _is_wider(type_):
            return value
        return self.cast(value, type_)

    def _unchecked_cast(self, node: ast.Call, hint: Type | None) -> Item:
        type_node, value_node = self._expect(node, 2)
        return self.cast(self.expression(value_node), self.type_argument(type_node))

    def _uninitialized(self, node: ast.Call, hint: Type | None) -> Item:
        (type_node,) = self._expect(node, 1)
        return self.uninitialized(self.type_argument(type_node))

    def _fork(self, node: ast.Call, hint: Type | None) -> Item:
        return self._task(node, FORK, "Future")

    def _awaitable(self, node: ast.Call, hint: Type | None) -> Item:
        return self._task(node, AWAITABLE, "Await")

    def _task(self, node: ast.Call, op: OpDef, kind: str) -> Value:
        """Start what the first argument names, with the others, as a task."""
        args, keywords = self._arguments(node)
        if not args:
            raise self.error("fork takes a function")
        callee, *rest = args
        values: list[Item] = [self.materialize(a) for a in rest]
        named: dict[str, Item] = {k: self.materialize(v) for k, v in keywords.items()}
        task = self.emit(op)
        block = task.add_block()
        with self.inside(block, Frame(self.frame)):
            result = self.materialize(self.apply_item(callee, values, named))
            block.set_returns([result])
        return task.add_output(FutureType(result.type, kind))

    def _range(self, node: ast.Call, hint: Type | None) -> Item:
        values = [
            self.require(self.expression(a), INT, "a bound of range")
            for a in self._expect(node, 1, 3)
        ]
        if len(values) == 1:
            return Range(None, values[0], None)
        return Range(values[0], values[1], values[2] if len(values) == 3 else None)

    def _enumerate(self, node: ast.Call, hint: Type | None) -> Item:
        args, keywords = self._arguments(node)
        start = keywords.pop("start", None)
        args += [] if start is None else [start]
        if keywords or not 1 <= len(args) <= 2:
            raise self.error("enumerate takes an iterable and a start")
        return Enumerate(args[0], self.materialize(args[1]) if len(args) == 2 else None)

    def _zip(self, node: ast.Call, hint: Type | None) -> Item:
        args, _ = self._arguments(node)
        if not args:
            raise self.error("zip takes at least one iterable")
        return Zip(tuple(args))

    def _print(self, node: ast.Call, hint: Type | None) -> Item:
        args, keywords = self._arguments(node)
        if keywords:
            raise self.error("print takes no arguments by name: one space and a line end are fixed")
        self.emit(PRINT, [self.materialize(a) for a in args])
        return self.none()

    def _make_list(self, node: ast.Call, hint: Type | None) -> Item:
        args, keywords = self._arguments(node)
        if keywords:
            raise self.error("list takes no arguments by name")
        if not args:
            return self.expression(ast.List([], ast.Load()), hint)
        if isinstance(args[0], (Range, Enumerate, Zip)):
            return self.collect(args[0])
        value = self.materialize(args[0])
        if isinstance(value.type, TensorType):
            return self.collect(value)
        if isinstance(value.type, TupleType):
            return self.require(value, ListType(value.type.elements[0]), "the tuple")
        if isinstance(value.type, DictType):
            return self.apply("aten::keys", (value,))
        return self.apply("aten::list", (value,))

    def collect(self, item: Item) -> Value:
        """A list of what iteration over `item` gives."""
        raise NotImplementedError

    def _make_dict(self, node: ast.Call, hint: Type | None) -> Item:
        if not node.args and not node.keywords:
            return self.expression(ast.Dict([], []), hint)
        if not node.args:
            keys: list[ast.expr | None] = [ast.Constant(k.arg) for k in node.keywords]
            display = ast.Dict(keys, [k.value for k in node.keywords])
            return self.expression(ast.copy_location(display, node), hint)
        given = self.item(node.args[0])
        pairs = given if isinstance(given, Value) else self.collect(given)
        made = self.apply("aten::dict", (pairs,))
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.syntax_error("TorchScript has no ** in calls", keyword)
            pair = self.constant(keyword.arg), self.expression(keyword.value)
            self.apply("aten::_set_item", (made, *pair))
        return made

    def _identity(self, node: ast.Call, hint: Type | None) -> Item:
        return self.item(self._expect(node, 1)[0], hint)

    def _unwrap(self, node: ast.Call, hint: Type | None) -> Item:
        value = self.expression(self._expect(node, 1)[0])
        if not isinstance(value.type, OptionalType):
            return value
        return self.apply("aten::_unwrap_optional", (value,))

    def _assert_call(self, node: ast.Call, hint: Type | None) -> Item:
        """``torch._assert(condition, message)``, which is the statement."""
        test, *message = self._expect(node, 1, 2)
        self.statement(ast.copy_location(ast.Assert(test, *message), node))
        return self.none()

    def statement(self, node: ast.stmt) -> frozenset[str]:
        """Import one statement."""
        raise NotImplementedError

    def _is_scripting(self, node: ast.Call, hint: Type | None) -> Item:
        return Constant(True)

    def _never(self, node: ast.Call, hint: Type | None) -> Item:
        return Constant(False)

    _specials: ClassVar[dict[str, Callable[..., Item]]] = {
        "annotate": _annotate, "unchecked_cast": _unchecked_cast, "uninitialized": _uninitialized,
        "isinstance": TypeTests._isinstance,
        "hasattr": lambda self, node, hint: self.type_test(node).make(),
        "getattr": TypeTests._get_attribute, "fork": _fork, "awaitable": _awaitable,
        "range": _range,
        "enumerate": _enumerate, "zip": _zip, "print": _print, "list": _make_list,
        "dict": _make_dict, "__new__": Contexts._new, "identity": _identity, "unwrap": _unwrap,
        "is_scripting": _is_scripting, "is_tracing": _never, "never": _never,
        "no_grad": Contexts._no_grad, "autocast": Contexts._autocast,
        "cpu_autocast": Contexts._cpu_autocast, "assert": _assert_call,
    }  # fmt: skip


def _is_wider(type_: Type) -> bool:
    return len(flatten_union(type_)) > 1 or type_ == ANY


SPECIAL_NAMES = frozenset({*Specials._specials, *_CASTS, *_AS_OPERATOR})
