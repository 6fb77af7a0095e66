"""Conditions: tests of types and of None, short circuits, comparisons, and what they tell."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from treadle.frontends.torchscript.expressions import Expressions
from treadle.frontends.torchscript.frames import Condition
from treadle.frontends.torchscript.subtyping import make_union
from treadle.frontends.torchscript.symbols import Constant, Special
from treadle.ir.graph import Value
from treadle.ir.types import (
    BOOL,
    NONE,
    STR,
    DictType,
    ListType,
    OptionalType,
    TupleType,
    Type,
)

_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "aten::eq", ast.NotEq: "aten::ne", ast.Lt: "aten::lt", ast.LtE: "aten::le",
    ast.Gt: "aten::gt", ast.GtE: "aten::ge", ast.Is: "aten::__is__", ast.IsNot: "aten::__isnot__",
}  # fmt: skip


class Conditions(Expressions):
    """Imports conditions."""

    def condition(self, node: ast.expr) -> Condition:
        """`node` as a condition; it is imported when its value is made."""
        match node:
            case ast.UnaryOp(ast.Not(), operand):
                inner = self.condition(operand)
                return inner.negated(lambda: self._negate(inner, node))
            case ast.BoolOp(op, values):
                return self._short_circuit(node, list(values), isinstance(op, ast.And))
            case ast.Compare(left, [ast.Is() | ast.IsNot() as op], [ast.Constant(None)]):
                return self._is_none(node, left, isinstance(op, ast.Is))
            case ast.Compare(ast.Constant(None), [ast.Is() | ast.IsNot() as op], [right]):
                return self._is_none(node, right, isinstance(op, ast.Is))
            case ast.Compare(left, [_, _, *_] as ops, operands):  # ``a < b < c`` asks twice for b
                pairs = zip((left, *operands), ops, operands, strict=False)
                tests = [ast.Compare(a, [op], [b]) for a, op, b in pairs]
                both = ast.BoolOp(ast.And(), [ast.copy_location(t, node) for t in tests])
                return self.condition(ast.copy_location(both, node))
            case ast.Compare():
                return Condition(lambda: self._compare(node))
            case ast.Call(ast.Name() | ast.Attribute() as function, _):
                if self.item(function) in (Special("isinstance"), Special("hasattr")):
                    return self.type_test(node)
        return self._plain_condition(node)

    def type_test(self, node: ast.Call) -> Condition:
        """``isinstance`` or ``hasattr`` as a condition."""
        raise NotImplementedError

    def _plain_condition(self, node: ast.expr) -> Condition:
        item = self.item(node)
        if isinstance(item, Constant) and isinstance(item.value, (bool, int, float)):
            return Condition(lambda: self.constant(bool(item.value)), bool(item.value))
        with self.at(node):
            value = self.truth(self.materialize(item))
        known: bool | None = value.constant if value.is_constant else None
        if value.node is not None and value.node.op.name == "is_scripting.number":
            known = True
        return Condition(lambda: value, known)

    def truth(self, value: Value) -> Value:
        """`value` as a bool, as `if` takes it."""
        if value.type == BOOL:
            return value
        if isinstance(value.type, (ListType, DictType)) or value.type == STR:
            length = self.apply("aten::len", (value,))
            return self.apply("aten::gt", (length, self.constant(0)))
        if isinstance(value.type, (TupleType, OptionalType)):
            advice = "compare it with None" if isinstance(value.type, OptionalType) else "use len()"
            raise self.error(f"a condition has type {value.type}, expected bool: {advice}")
        found = self.magic(value, "__bool__", ())
        return self.apply("aten::Bool", (value,)) if found is None else found

    def _negate(self, inner: Condition, node: ast.expr) -> Value:
        if inner.known is not None:
            return self.constant(not inner.known)
        with self.at(node):
            return self.apply("aten::__not__", (inner.make(),))

    def _short_circuit(self, node: ast.expr, values: list[ast.expr], is_and: bool) -> Condition:
        first = self.condition(values[0])
        if len(values) == 1:
            return first
        if first.known is not None:
            if first.known is is_and:
                return self._short_circuit(node, values[1:], is_and)
            decided = first.known
            return Condition(lambda: self.constant(decided), decided)
        rest = _Deferred()

        def right() -> Value:
            self.refine(first.when_true if is_and else first.when_false)
            rest.condition = self._short_circuit(node, values[1:], is_and)
            return self.truth(rest.condition.make())

        left = self.truth(first.make())
        if is_and:
            value = self.branch_value(left, right, lambda: self.constant(False))
        else:
            value = self.branch_value(left, lambda: self.constant(True), right)
        assert rest.condition is not None
        other = rest.condition
        known = other.known if other.known is not None and other.known is not is_and else None
        return Condition(
            lambda: value,
            known,
            {**first.when_true, **other.when_true} if is_and else {},
            {} if is_and else {**first.when_false, **other.when_false},
        )

    def _is_none(self, node: ast.expr, operand: ast.expr, positive: bool) -> Condition:
        value = self.expression(operand)

        def make() -> Value:
            if known is not None:
                return self.constant(known)
            with self.at(node):
                name = "aten::__is__" if positive else "aten::__isnot__"
                return self.apply(name, (value, self.none()))

        known: bool | None = None
        if value.type == NONE:
            known = positive
        elif not self.is_subtype(NONE, value.type):
            known = not positive
        condition = Condition(make, known)
        if known is None and isinstance(operand, ast.Name):
            without = _without_none(value.type)
            condition.when_true[operand.id] = NONE
            if without is not None:
                condition.when_false[operand.id] = without
        if not positive:
            condition.when_true, condition.when_false = condition.when_false, condition.when_true
        return condition

    def refine(self, types: dict[str, Type]) -> None:
        """Let names have the narrower types that a condition tells."""
        for name, type_ in types.items():
            item = self.frame.lookup(name)
            if isinstance(item, Value) and item.type != type_:
                self.frame.refine(name, self.cast(item, type_))

    def _compare(self, node: ast.Compare) -> Value:
        left, right = self.expression(node.left), self.expression(node.comparators[0])
        with self.at(node):
            return self._compare_pair(node.ops[0], left, right)

    def _compare_pair(self, op: ast.cmpop, left: Value, right: Value) -> Value:
        if isinstance(op, (ast.In, ast.NotIn)):
            found = self.magic(right, "__contains__", (left,))
            if found is None:
                found = self.apply("aten::__contains__", (right, left))
            return found if isinstance(op, ast.In) else self.apply("aten::__not__", (found,))
        return self.operator(_COMPARE[type(op)], left, right)


@dataclass(slots=True)
class _Deferred:
    condition: Condition | None = None


def _without_none(type_: Type) -> Type | None:
    if isinstance(type_, OptionalType):
        return type_.element
    options = getattr(type_, "options", None)
    if options is None:
        return None
    return make_union([option for option in options if option != NONE])
