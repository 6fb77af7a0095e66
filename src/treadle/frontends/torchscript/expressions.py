"""Expressions of TorchScript: literals, names, attributes, operators."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from treadle.frontends.torchscript.attributes import Attributes
from treadle.frontends.torchscript.displays import Displays
from treadle.frontends.torchscript.emitter import class_type
from treadle.frontends.torchscript.frames import Condition
from treadle.frontends.torchscript.operators import Operators
from treadle.frontends.torchscript.symbols import (
    Builtin,
    ClassSymbol,
    Conflict,
    Constant,
    FunctionSymbol,
    Item,
    Sequence,
    TypeSymbol,
    describe,
)
from treadle.ir.graph import Value
from treadle.ir.op import FUNCTION_REF, LIST
from treadle.ir.program import EnumValue
from treadle.ir.types import (
    TENSOR,
    FunctionType,
    ListType,
    Type,
)

_SPECIAL_NUMBERS = {"inf": math.inf, "nan": math.nan, "infj": complex(0, math.inf),
                    "nanj": complex(0, math.nan)}  # fmt: skip


class Expressions(Attributes):
    """Imports expressions; classes derived from it add conditions, subscripts and calls."""

    def expression(self, node: ast.expr, hint: Type | None = None) -> Value:
        """The value of `node`; `hint` is the type that its place asks for."""
        item = self.item(node, hint)
        with self.at(node):
            return self.materialize(item)

    def item(self, node: ast.expr, hint: Type | None = None) -> Item:
        """What `node` stands for: a value, or a function, class, module, ..."""
        with self.at(node):
            method = self._kinds.get(type(node))
            if method is None:
                raise self.syntax_error(f"TorchScript has no {_kind(node)} here{_instead(node)}")
            result: Item = method(self, node, hint)
            return result

    def materialize(self, item: Item) -> Value:
        """`item` as a value of the graph."""
        match item:
            case Value():
                return item
            case Constant(value):
                return self._constant_value(value)
            case FunctionSymbol(function, None):
                return self.value(FUNCTION_REF, (), FunctionType(function.name), name=function.name)
            case Sequence(items):
                return self.tuple([self.materialize(part) for part in items])
        if isinstance(item, Builtin) and item.receiver is not None:
            name = item.name.partition("::")[2]
            raise self.error(f"{item.receiver.type} has no attribute {name!r}; a method is called")
        raise self.error(f"{describe(item)} cannot be used as a value")

    def _constant_value(self, value: object) -> Value:
        if isinstance(value, list):
            parts = [self._constant_value(part) for part in value]
            return self.value(LIST, parts, ListType(parts[0].type if parts else TENSOR))
        if isinstance(value, EnumValue):  # ``is`` tells two mentions of a member apart
            return self.constant(replace(value))
        return self.constant(value)

    def call(self, node: ast.Call, hint: Type | None) -> Item:
        """What a call gives."""
        raise NotImplementedError

    def subscript(self, node: ast.Subscript, hint: Type | None) -> Item:
        """What ``base[index]`` gives."""
        raise NotImplementedError

    def comprehension(self, node: ast.expr, hint: Type | None) -> Item:
        """The list or dict of a comprehension."""
        raise NotImplementedError

    def _literal(self, node: ast.Constant, hint: Type | None) -> Item:
        value = node.value
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise self.syntax_error("an integer does not fit into 64 bits")
        if not isinstance(value, (bool, int, float, complex, str, type(None))):
            raise self.syntax_error(f"TorchScript has no {type(value).__name__} literals")
        return self.constant(value)

    def _name(self, node: ast.Name, hint: Type | None) -> Item:
        return self.name(node.id)

    def name(self, name: str) -> Item:
        """What `name` stands for here."""
        item = self.frame.lookup(name)
        if isinstance(item, Conflict):
            raise self.error(f"{item.message}: declare its type before")
        if item is not None:
            return item
        symbol = self.scope.lookup(name)
        if symbol is not None:
            return symbol
        if name in _SPECIAL_NUMBERS:
            return Constant(_SPECIAL_NUMBERS[name])
        raise self.error(
            f"the name {name!r} is not defined: it needs a value on every way that leads here"
        )

    def _attribute(self, node: ast.Attribute, hint: Type | None) -> Item:
        return self.attribute(self.item(node.value), node.attr)

    def condition(self, node: ast.expr) -> Condition:
        """`node` as a condition; it is imported when its value is made."""
        raise NotImplementedError

    def refine(self, types: dict[str, Type]) -> None:
        """Let names have the narrower types that a condition tells."""
        raise NotImplementedError

    def _condition_value(self, node: ast.expr, hint: Type | None) -> Item:
        return self.condition(node).make()

    def _conditional(self, node: ast.IfExp, hint: Type | None) -> Item:
        condition = self.condition(node.test)

        def arm(part: ast.expr, types: dict[str, Type]) -> Callable[[], Value]:
            def make() -> Value:
                self.refine(types)
                return self.expression(part, hint)

            return make

        then = arm(node.body, condition.when_true)
        otherwise = arm(node.orelse, condition.when_false)
        if condition.known is not None:
            return then() if condition.known else otherwise()
        return self.branch_value(condition.make(), then, otherwise, hint)

    def type_argument(self, node: ast.expr) -> Type:
        """A type that is written as an argument: of ``annotate``, ``isinstance``, ..."""
        if isinstance(node, ast.Name):
            item = self.frame.lookup(node.id) or self.scope.lookup(node.id)
            if isinstance(item, TypeSymbol):
                return item.type
            if isinstance(item, ClassSymbol):
                return class_type(item.cls)
        return self.types.read(node)

    _kinds: ClassVar[dict[type[ast.expr], Callable[..., Item]]] = {
        ast.Constant: _literal, ast.Name: _name, ast.Attribute: _attribute,
        ast.Tuple: Displays._tuple,
        ast.List: Displays._list, ast.Dict: Displays._dict, ast.JoinedStr: Displays._f_string,
        ast.BinOp: Operators._binary,
        ast.UnaryOp: Operators._unary, ast.BoolOp: _condition_value, ast.Compare: _condition_value,
        ast.IfExp: _conditional, ast.Call: lambda self, node, hint: self.call(node, hint),
        ast.Subscript: lambda self, node, hint: self.subscript(node, hint),
        ast.ListComp: lambda self, node, hint: self.comprehension(node, hint),
        ast.DictComp: lambda self, node, hint: self.comprehension(node, hint),
        ast.GeneratorExp: lambda self, node, hint: self.comprehension(
            ast.copy_location(ast.ListComp(node.elt, node.generators), node), hint
        ),
    }  # fmt: skip


_INSTEAD: dict[type[ast.AST], str] = {
    ast.Lambda: "define a function", ast.NamedExpr: "assign in a statement before",
    ast.Yield: "return a list", ast.YieldFrom: "return a list", ast.Set: "use a list or a dict",
    ast.SetComp: "use a list or a dict",
    ast.Await: "fork and wait", ast.Starred: "name the elements, or add lists",
    ast.Slice: "give one index",
}  # fmt: skip


def _instead(node: ast.AST) -> str:
    found = _INSTEAD.get(type(node))
    return "" if found is None else f": {found}"


def _kind(node: ast.AST) -> str:
    return {"Lambda": "lambda", "Await": "await", "Yield": "yield", "SetComp": "set comprehension",
            "NamedExpr": ":="}.get(type(node).__name__,
                                                            type(node).__name__)  # fmt: skip
