"""Operators of expressions: arithmetic, comparisons, and the methods that classes have for them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from treadle.frontends.torchscript.control import Control
from treadle.frontends.torchscript.frames import Condition
from treadle.frontends.torchscript.symbols import Item, Method
from treadle.ir.graph import Value
from treadle.ir.op import TUPLE_UNPACK
from treadle.ir.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NUMBER,
    STR,
    ClassType,
    ListType,
    TensorType,
    TupleType,
    Type,
)

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "aten::add", ast.Sub: "aten::sub", ast.Mult: "aten::mul", ast.Div: "aten::div",
    ast.FloorDiv: "aten::floordiv", ast.Mod: "aten::remainder", ast.Pow: "aten::pow",
    ast.MatMult: "aten::matmul", ast.BitAnd: "aten::__and__", ast.BitOr: "aten::__or__",
    ast.BitXor: "aten::__xor__", ast.LShift: "aten::__lshift__", ast.RShift: "aten::__rshift__",
}  # fmt: skip
# A number before a tensor: the operator with the operands exchanged.
_EXCHANGED = {
    "aten::add": "aten::add", "aten::mul": "aten::mul", "aten::eq": "aten::eq",
    "aten::ne": "aten::ne", "aten::lt": "aten::gt", "aten::le": "aten::ge", "aten::gt": "aten::lt",
    "aten::ge": "aten::le",
}  # fmt: skip
NUMBERS = (INT, NUMBER, BOOL, FLOAT, COMPLEX)
_METHODS = {
    "aten::add": "__add__", "aten::sub": "__sub__", "aten::mul": "__mul__",
    "aten::div": "__truediv__", "aten::floordiv": "__floordiv__", "aten::remainder": "__mod__",
    "aten::pow": "__pow__", "aten::matmul": "__matmul__", "aten::eq": "__eq__",
    "aten::ne": "__ne__", "aten::lt": "__lt__", "aten::le": "__le__", "aten::gt": "__gt__",
    "aten::ge": "__ge__",
}  # fmt: skip


class Operators(Control):
    """Imports operators."""

    def expression(self, node: ast.expr, hint: Type | None = None) -> Value:
        """The value of `node`; `hint` is the type that its place asks for."""
        raise NotImplementedError

    def condition(self, node: ast.expr) -> Condition:
        """`node` as a condition; it is imported when its value is made."""
        raise NotImplementedError

    def call_method(self, method: Method, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Call a method of an object."""
        raise NotImplementedError

    def magic(self, owner: Value, name: str, args: Sequence[Value]) -> Value | None:
        """What the method `name`, which stands for an operator, gives; None if there is none."""
        cls = self.find_class(owner.type.name) if isinstance(owner.type, ClassType) else None
        if cls is None or name not in cls.methods:
            return None
        return self.call_method(Method(owner, cls, name), list(args), {})

    def _binary(self, node: ast.BinOp, hint: Type | None) -> Item:
        name = _BINARY[type(node.op)]
        left = self.expression(node.left, hint if isinstance(hint, ListType) else None)
        return self.operator(name, left, self.expression(node.right))

    def operator(self, name: str, left: Value, right: Value) -> Value:
        """``left op right``, where a number may stand before a tensor."""
        found = self.magic(left, _METHODS.get(name, name.rpartition(":")[2]), (right,))
        if found is not None:
            return found
        if name == "aten::add" and isinstance(left.type, TupleType):
            return self._joined(left, right)
        tensor = isinstance(right.type, TensorType)
        if name == "aten::floordiv" and isinstance(left.type, TensorType):
            return self.apply("aten::floor_divide", (left, right))
        if name == "aten::remainder" and left.type == STR:
            return self.apply("aten::percentFormat", (left, right))
        if tensor and left.type in NUMBERS and left.type != BOOL:
            if name in _EXCHANGED:
                return self.apply(_EXCHANGED[name], (right, left))
            if name == "aten::sub":
                return self.apply("aten::add", (self.apply("aten::neg", (right,)), left))
            if name == "aten::div":
                return self.apply("aten::mul", (self.apply("aten::reciprocal", (right,)), left))
        return self.apply(name, (left, right))

    def _joined(self, left: Value, right: Value) -> Value:
        """The sum of two tuples."""
        parts: list[Value] = []
        for value in (left, right):
            if not isinstance(value.type, TupleType):
                raise self.error(f"a tuple and a value of type {value.type} cannot be added")
            parts += self.emit(TUPLE_UNPACK, (value,), value.type.elements).outputs
        return self.tuple(parts)

    def _unary(self, node: ast.UnaryOp, hint: Type | None) -> Item:
        if isinstance(node.op, ast.Not):
            return self.condition(node).make()
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            number = node.operand.value
            if isinstance(number, int) and not isinstance(number, bool) and number > 2**63:
                raise self.syntax_error("an integer does not fit into 64 bits")
            if isinstance(number, (int, float, complex)) and not isinstance(number, bool):
                return self.constant(-number)
        value = self.expression(node.operand)
        if isinstance(node.op, ast.UAdd):
            return value
        if isinstance(node.op, ast.USub):
            return self.magic(value, "__neg__", ()) or self.apply("aten::neg", (value,))
        return self.magic(value, "__invert__", ()) or self.apply("aten::bitwise_not", (value,))
