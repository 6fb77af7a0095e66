"""Statements that raise, enter and leave, or delete."""

from __future__ import annotations

import ast

from treadle.frontends.torchscript.assignments import Assignments
from treadle.frontends.torchscript.branches import FALLS, RAISE, Exits
from treadle.frontends.torchscript.symbols import (
    ExceptionValue,
    Method,
    Special,
)
from treadle.ir.graph import Value
from treadle.ir.op import ENTER, EXIT
from treadle.ir.op import RAISE as RAISE_OP
from treadle.ir.types import STR, ClassType


class Effects(Assignments):
    """Imports ``raise``, ``assert``, ``with`` and ``del``."""

    def statements(self, body: list[ast.stmt]) -> Exits:
        """Import statements, and say how they may end."""
        raise NotImplementedError

    def _raise(self, node: ast.Raise) -> Exits:
        if isinstance(node.exc, ast.Name) and self.frame.lookup(node.exc.id) is not None:
            error = self.frame.lookup(node.exc.id)
            if not isinstance(error, ExceptionValue):
                raise self.error("raise takes an exception: raise ValueError(message)")
            text, name = error.text, error.class_name
        elif not isinstance(node.exc, ast.Call):  # ``raise ValueError`` forgets the class, as torch
            self.emit(RAISE_OP, [self.constant("")])
            return frozenset({RAISE})
        else:
            text = self.message([self.expression(arg) for arg in node.exc.args])
            name = f"builtins.{ast.unparse(node.exc.func)}"
        self.emit(RAISE_OP, [text, self.constant(name)])
        return frozenset({RAISE})

    def _assert(self, node: ast.Assert) -> Exits:
        condition = self.condition(node.test)

        def fail() -> Exits:
            text = self.constant("AssertionError: ")
            if node.msg is not None:
                message = self.expression(node.msg)
                if message.type != STR:
                    message = self.apply("aten::str", (message,))
                text = self.apply("aten::add", (text, message))
            self.emit(RAISE_OP, [text])
            return frozenset({RAISE})

        if condition.known is True:
            return FALLS
        if condition.known is False:
            return fail()
        self.branch(condition.make(), lambda: FALLS, fail)
        self.refine(condition.when_true)
        return FALLS

    def _with(self, node: ast.With) -> Exits:
        """``with``: gradient modes mean nothing here; other objects are entered and left."""
        entered: list[Method] = []
        for item in node.items:
            context = self.item(item.context_expr)
            if isinstance(context, Special):
                continue
            value = self.materialize(context)
            entered.append(self._enter(value, item.optional_vars))
        exits = self.statements(node.body)
        for method in reversed(entered):
            arguments = [self.none()] * 3
            self.emit(EXIT, [method.receiver])
            self.call_method(method, arguments, {})
        return exits

    def _enter(self, value: Value, target: ast.expr | None) -> Method:
        cls = self.find_class(value.type.name) if isinstance(value.type, ClassType) else None
        if cls is None or not {"__enter__", "__exit__"} <= cls.methods.keys():
            raise self.error(
                f"a value of type {value.type} cannot be used in a with statement: "
                "objects with __enter__ and __exit__ can"
            )
        result = self.call_method(Method(value, cls, "__enter__"), [], {})
        self.emit(ENTER, [value])
        if target is not None:
            self.assign_item(target, result)
        return Method(value, cls, "__exit__")

    def _delete(self, node: ast.Delete) -> Exits:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                self.delete_subscript(target)
            elif isinstance(target, ast.Name) and self.frame.lookup(target.id) is not None:
                self.frame.values.pop(target.id, None)
            else:
                raise self.syntax_error(
                    "TorchScript deletes names that have a value, and elements x[i]", target
                )
        return FALLS
