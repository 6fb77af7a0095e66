"""Tuples, lists, dicts and f-strings, written with what is in them."""

from __future__ import annotations

import ast

from treadle.frontends.torchscript.operators import Operators
from treadle.frontends.torchscript.subtyping import make_union, unify
from treadle.frontends.torchscript.symbols import (
    Item,
)
from treadle.ir.graph import Value
from treadle.ir.op import DICT, LIST
from treadle.ir.types import (
    STR,
    TENSOR,
    DictType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
)


class Displays(Operators):
    """Imports displays."""

    def _tuple(self, node: ast.Tuple, hint: Type | None) -> Item:
        hints: tuple[Type | None, ...] = (None,) * len(node.elts)
        if isinstance(hint, TupleType) and len(hint.elements) == len(node.elts):
            hints = hint.elements
        return self.tuple([self.expression(e, h) for e, h in zip(node.elts, hints, strict=True)])

    def _list(self, node: ast.List, hint: Type | None) -> Item:
        if isinstance(hint, OptionalType):
            hint = hint.element
        wanted = hint.element if isinstance(hint, ListType) else None
        values = [self.expression(e, wanted) for e in node.elts]
        if not values:
            if wanted is not None:
                return self.value(LIST, (), ListType(wanted))
            return self.value(LIST, (), ListType(TENSOR), untyped=True)
        element = wanted or self._common_type(values)
        return self.value(
            LIST, [self.require(v, element, "an element") for v in values], ListType(element)
        )

    def _common_type(self, values: list[Value]) -> Type:
        type_ = values[0].type
        for value in values[1:]:
            both = unify(type_, value.type, self.find_class)
            if both is None:
                return make_union(list(dict.fromkeys(v.type for v in values)))
            type_ = both
        return type_

    def _dict(self, node: ast.Dict, hint: Type | None) -> Item:
        known = hint.element if isinstance(hint, OptionalType) else hint
        key_hint = known.key if isinstance(known, DictType) else None
        value_hint = known.value if isinstance(known, DictType) else None
        keys = [self.expression(self._key(k), key_hint) for k in node.keys]
        values = [self.expression(v, value_hint) for v in node.values]
        if not keys:
            return self.value(DICT, (), DictType(key_hint or STR, value_hint or TENSOR))
        key_type = key_hint or self._common_type(keys)
        value_type = value_hint or self._common_type(values)
        pairs = [
            (self.require(key, key_type, "a key"), self.require(value, value_type, "a value"))
            for key, value in zip(keys, values, strict=True)
        ]
        if not isinstance(key_type, TensorType):
            flat = [part for pair in pairs for part in pair]
            return self.value(DICT, flat, DictType(key_type, value_type))
        result = self.value(DICT, (), DictType(key_type, value_type))
        for pair in pairs:
            self.apply("aten::_set_item", (result, *pair))
        return result

    def _key(self, node: ast.expr | None) -> ast.expr:
        if node is None:
            raise self.syntax_error("TorchScript has no ** in a dict")
        return node

    def _f_string(self, node: ast.JoinedStr, hint: Type | None) -> Item:
        template, values = "", []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.format_spec is not None or part.conversion not in (-1, ord("s")):
                    raise self.syntax_error(
                        "TorchScript has no format specifiers in f-strings: {value} alone, or "
                        "'%.2f' % value"
                    )
                template += "{}"
                values.append(self.expression(part.value))
            elif isinstance(part, ast.Constant):
                template += str(part.value)
        return self.apply("aten::format", [self.constant(template), *values])
