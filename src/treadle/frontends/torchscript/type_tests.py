"""``isinstance``, ``hasattr`` and ``getattr``, which the importer decides where it can."""

from __future__ import annotations

import ast

from treadle.frontends.torchscript.calls import Calls
from treadle.frontends.torchscript.frames import Condition
from treadle.frontends.torchscript.subtyping import flatten_union, make_union
from treadle.frontends.torchscript.symbols import (
    Item,
    Special,
)
from treadle.ir.graph import Value
from treadle.ir.op import (
    ISINSTANCE,
)
from treadle.ir.types import (
    ANY,
    BOOL,
    PRIMITIVES,
    ClassType,
    Type,
)

_ISINSTANCE_NAMES = {"list": "AnyListType", "tuple": "AnyTupleType"}


class TypeTests(Calls):
    """Imports tests of types and attributes."""

    def _isinstance(self, node: ast.Call, hint: Type | None) -> Item:
        return self.type_test(node).make()

    def type_test(self, node: ast.Call) -> Condition:
        """``isinstance`` or ``hasattr`` as a condition."""
        if self.item(node.func) == Special("hasattr"):
            return self._has_attribute(node)
        value_node, types_node = self._expect(node, 2)
        value = self.expression(value_node)
        types = self._tested_types(types_node)

        def make() -> Value:
            if known is not None:
                return self.constant(known)
            with self.at(node):
                return self.value(ISINSTANCE, (value,), BOOL, types=types)

        options = flatten_union(value.type)
        matching = [o for o in options if any(self.is_subtype(o, t) for t in types)]
        others = [o for o in options if o not in matching]
        known: bool | None = None
        if not others:
            known = True
        elif not matching and value.type != ANY and not self._may_hold(value.type, types):
            known = False
        condition = Condition(make, known)
        if known is None and isinstance(value_node, ast.Name):
            if matching or len(types) == 1:
                condition.when_true[value_node.id] = make_union(matching) if matching else types[0]
            if value.type != ANY and others:
                condition.when_false[value_node.id] = make_union(others)
        return condition

    def _may_hold(self, type_: Type, types: tuple[Type, ...]) -> bool:
        """Whether a value of `type_` may be of one of the narrower `types`."""
        return any(
            self.is_subtype(t, option) and t != option
            for t in types
            for option in flatten_union(type_)
        )

    def _tested_types(self, node: ast.expr) -> tuple[Type, ...]:
        if isinstance(node, ast.Tuple):
            return tuple(t for part in node.elts for t in self._tested_types(part))
        if isinstance(node, ast.Name) and node.id in _ISINSTANCE_NAMES:
            return (PRIMITIVES[_ISINSTANCE_NAMES[node.id]],)
        return flatten_union(self.type_argument(node))

    def _has_attribute(self, node: ast.Call) -> Condition:
        value_node, name_node = self._expect(node, 2)
        value = self.expression(value_node)
        if not isinstance(name_node, ast.Constant) or not isinstance(value.type, ClassType):
            raise self.error("hasattr takes an object and a literal name")
        cls = self.find_class(value.type.name)
        name = str(name_node.value)
        found = cls is not None and (
            name in cls.attributes or name in cls.constants or name in cls.methods
        )
        return Condition(lambda: self.constant(found), found)

    def _get_attribute(self, node: ast.Call, hint: Type | None) -> Item:
        args = self._expect(node, 2, 3)
        if not isinstance(args[1], ast.Constant) or not isinstance(args[1].value, str):
            raise self.error("getattr takes a literal name")
        base = self.item(args[0])
        if len(args) == 3 and isinstance(base, Value) and isinstance(base.type, ClassType):
            cls = self.find_class(base.type.name)
            if cls is not None and args[1].value not in (
                *cls.attributes, *cls.constants, *cls.methods,
            ):  # fmt: skip
                return self.item(args[2])
        return self.attribute(base, args[1].value)

    def _expect(self, node: ast.Call, low: int, high: int | None = None) -> list[ast.expr]:
        """The positional arguments, whose number must be from `low` to `high`."""
        if node.keywords or not low <= len(node.args) <= (high or low):
            takes = f"{low}" if high in (None, low) else f"{low} to {high}"
            raise self.error(f"{len(node.args)} arguments are given, it takes {takes} by position")
        return node.args
