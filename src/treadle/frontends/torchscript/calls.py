"""Calls: of functions, methods, operators and classes."""

from __future__ import annotations

import ast

from treadle.frontends.torchscript.emitter import class_type
from treadle.frontends.torchscript.frames import Frame
from treadle.frontends.torchscript.resolve import CallArguments, Signature
from treadle.frontends.torchscript.subscripts import Subscripts
from treadle.frontends.torchscript.symbols import (
    BooleanDispatch,
    Builtin,
    ClassSymbol,
    Closure,
    ExceptionClass,
    ExceptionValue,
    FunctionSymbol,
    Item,
    Method,
    Namespace,
    Overloads,
    Special,
    describe,
)
from treadle.frontends.torchscript.unsupported import is_cpp_class, lacks_cpp_class
from treadle.ir.graph import Value
from treadle.ir.op import (
    CALL_FUNCTION,
    CALL_METHOD,
    NEW_OBJECT,
    TUPLE,
)
from treadle.ir.program import Class, Function
from treadle.ir.schema import Argument
from treadle.ir.types import (
    NONE,
    STR,
    ClassType,
    TupleType,
    Type,
)


class Calls(Subscripts):
    """Imports calls."""

    def call(self, node: ast.Call, hint: Type | None) -> Item:
        """What a call gives."""
        callee = self.item(node.func)
        while isinstance(callee, BooleanDispatch):
            callee, node = self._dispatched(callee, node)
        if isinstance(callee, Special):
            return self.special(callee.name, node, hint)
        if isinstance(callee, ClassSymbol):
            return self._construct(callee.cls, node)
        if isinstance(callee, ExceptionClass):
            parts = [self.expression(argument) for argument in node.args]
            return ExceptionValue(self.message(parts), callee.name)
        args, keywords = self._arguments(node)
        return self.apply_item(callee, args, keywords, hint)

    def _dispatched(self, choice: BooleanDispatch, node: ast.Call) -> tuple[Item, ast.Call]:
        """The function that a call means of two, and the call as that takes it."""
        given = {keyword.arg: keyword.value for keyword in node.keywords}.get(choice.argument)
        if given is None and choice.index < len(node.args):
            given = node.args[choice.index]
        known = choice.default if given is None else self.condition(given).known
        found = choice.if_true if known else choice.if_false
        if known is None or found is None:
            raise self.error(f"argument {choice.argument!r} must be True or False")
        if isinstance(found, Builtin):  # has no such argument
            keywords = [k for k in node.keywords if k.arg != choice.argument]
            plain = ast.Call(node.func, node.args[: choice.index], keywords)
            node = ast.copy_location(plain, node)
        return found, node

    def message(self, parts: list[Value]) -> Value:
        """What an exception with these arguments says."""
        text = parts[0] if len(parts) == 1 else self.tuple(parts) if parts else self.constant("")
        return text if text.type == STR else self.apply("aten::str", (text,))

    def _arguments(self, node: ast.Call) -> tuple[list[Item], dict[str, Item]]:
        args: list[Item] = []
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                args += self.unpackable(self.item(arg.value), None)
            else:
                args.append(self.item(arg))
        keywords: dict[str, Item] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.syntax_error("TorchScript has no ** in calls", keyword)
            keywords[keyword.arg] = self.item(keyword.value)
        return args, keywords

    def apply_item(
        self,
        callee: Item,
        args: list[Item],
        keywords: dict[str, Item],
        hint: Type | None = None,
    ) -> Item:
        """Call `callee`, whatever it is."""
        match callee:
            case Builtin(name, receiver):
                if name == "prim::tolist":
                    return self._to_list([receiver] if receiver else args, hint)
                return self.apply(name, [receiver, *args] if receiver else args, keywords)
            case FunctionSymbol(function, None):
                return self.call_function(function, *self._values(args, keywords))
            case Overloads(functions):
                return self._overloaded(functions, *self._values(args, keywords))
            case FunctionSymbol(function, str(method)):
                return self._call_unbound(function, method, *self._values(args, keywords))
            case Method():
                return self.call_method(callee, *self._values(args, keywords))
            case Closure():
                return self.call_closure(callee, args)
            case Special(name):
                result = self.special_function(name, args, keywords)
                if result is not None:
                    return result
            case Value() if isinstance(callee.type, ClassType):
                return self._call_object(callee, callee.type, *self._values(args, keywords))
            case Namespace(path) if is_cpp_class(path):
                raise self.unsupported(lacks_cpp_class(path))
        raise self.error(f"{describe(callee)} cannot be called: functions, methods and modules can")

    def _to_list(self, args: list[Item], hint: Type | None) -> Value:
        """``x.tolist()``, which gives what is expected of it."""
        if hint is None:
            raise self.error("the type of tolist() must be declared: y: List[int] = x.tolist()")
        return self.apply("prim::tolist", args, {}, hint)

    def _values(
        self, args: list[Item], keywords: dict[str, Item]
    ) -> tuple[list[Value], dict[str, Value]]:
        values = [self.materialize(a) for a in args]
        return values, {name: self.materialize(item) for name, item in keywords.items()}

    def _prepare(self, function: Function) -> None:
        if not self.scope.prepare(function):
            raise self.error(
                f"function {function.name} calls itself: recursive calls are not supported"
            )

    def call_function(
        self, function: Function, args: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """Call a function of the program."""
        call = CallArguments(args, keywords)
        self._prepare(function)
        inputs = self.call_signature(Signature.of_function(function), call)
        return self.value(CALL_FUNCTION, inputs, function.result, name=function.name)

    def _overloaded(
        self, functions: tuple[Function, ...], args: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """Call the first of `functions` that takes the arguments."""
        call = CallArguments(args, keywords)
        for conversions in (False, True):
            for function in functions:
                found = self._attempt(Signature.of_function(function), call, conversions)
                if not isinstance(found, str):
                    return self.call_function(function, args, keywords)
        raise self.error(f"no overload of {functions[0].name} takes ({call})")

    def _call_unbound(
        self, function: Function, name: str, args: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """``Class.method(object, ...)``."""
        call = CallArguments(args, keywords)
        self._prepare(function)
        inputs = self.call_signature(Signature.of_function(function), call)
        return self.value(CALL_METHOD, inputs, function.result, name=name)

    def call_method(self, method: Method, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Call a method of an object."""
        function = method.cls.methods[method.name]
        call = CallArguments(args, keywords)
        self._prepare(function)
        inputs = self.call_signature(Signature.of_function(function, method=True), call)
        return self.value(
            CALL_METHOD, (method.receiver, *inputs), function.result, name=method.name
        )

    def _call_object(
        self, value: Value, type_: ClassType, args: list[Value], keywords: dict[str, Value]
    ) -> Value:
        """Call a module as Python does: its hooks around ``forward``; else ``__call__``."""
        cls = self.find_class(type_.name)
        if cls is None:
            raise self.unsupported(f"class {type_.name} is not supported")
        name = "forward" if cls.kind == "module" or "forward" in cls.methods else "__call__"
        if name not in cls.methods:
            raise self.error(f"class {cls.name} cannot be called: it has no method {name!r}")
        for hook in cls.forward_pre_hooks:
            args = self._pre_hook(Method(value, cls, hook), args)
        result = self.call_method(Method(value, cls, name), args, keywords)
        for hook in cls.forward_hooks:
            changed = self.call_method(Method(value, cls, hook), [self.tuple(args), result], {})
            result = result if changed.type == NONE else changed
        return result

    def _pre_hook(self, hook: Method, args: list[Value]) -> list[Value]:
        changed = self.call_method(hook, [self.tuple(args)], {})
        if changed.type == NONE:
            return args
        if not isinstance(changed.type, TupleType):
            return [changed]
        return [self.materialize(part) for part in self.unpackable(changed, None)]

    def call_closure(self, closure: Closure, args: list[Item]) -> Value:
        """Import the body of a nested function in place."""
        parameters = closure.node.args.args
        if len(parameters) != len(args):
            raise self.error(f"{closure.node.name} takes {len(parameters)} arguments")
        frame = Frame(self.frame)
        for parameter, item in zip(parameters, args, strict=True):
            frame.assign(parameter.arg, item)
        with self.inside(self.block, frame):
            return self.body_value(closure.node.body, None)

    def body_value(self, body: list[ast.stmt], result: Type | None) -> Value:
        """Import the statements of a function into the current block; the value it returns."""
        raise NotImplementedError

    def _construct(self, cls: Class, node: ast.Call) -> Value:
        args, keywords = self._values(*self._arguments(node))
        type_ = class_type(cls)
        if isinstance(type_, TupleType):
            defaults = cls.constants.get("__defaults__", {})
            arguments = tuple(
                Argument(name, t, defaults[name]) if name in defaults else Argument(name, t)
                for name, t in cls.attributes.items()
            )
            call = CallArguments(args, keywords)
            inputs = self.call_signature(Signature(cls.name, arguments), call)
            return self.value(TUPLE, inputs, type_)
        if cls.kind != "class":
            raise self.unsupported(f"{cls.kind} {cls.name} cannot be constructed in a script")
        value = self.value(NEW_OBJECT, (), type_, name=cls.name)
        if "__init__" in cls.methods:
            self.call_method(Method(value, cls, "__init__"), args, keywords)
        return value

    def special(self, name: str, node: ast.Call, hint: Type | None) -> Item:
        """Call one of the functions that the importer knows by name."""
        raise NotImplementedError

    def special_function(
        self, name: str, args: list[Item], keywords: dict[str, Item]
    ) -> Value | None:
        """Apply the operator that a function of Python stands for, if it does."""
        raise NotImplementedError
