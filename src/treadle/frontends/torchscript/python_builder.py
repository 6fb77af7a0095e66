"""Python functions and classes as parts of a program, compiled when their graphs are needed."""

from __future__ import annotations

import ast
import enum
import inspect
import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin

from treadle.errors import CompileError
from treadle.frontends.torchscript.emitter import class_type
from treadle.frontends.torchscript.importer import (
    Importer,
    assigned_attributes,
)
from treadle.frontends.torchscript.parser import Source, parse_function
from treadle.frontends.torchscript.python_scope import PythonScope
from treadle.frontends.torchscript.python_source import (
    SIMPLE,
    annotation_text,
    annotations_of,
    declared,
    kind_of,
    left_out,
    overloads_of,
    parameters_of,
    source_of,
)
from treadle.frontends.torchscript.subtyping import make_union
from treadle.frontends.torchscript.symbols import (
    ClassSymbol,
    Constant,
    ExceptionClass,
    FunctionSymbol,
    Overloads,
    Symbol,
    TypeSymbol,
)
from treadle.ir.graph import Graph
from treadle.ir.program import Class, EnumValue, Function, Program
from treadle.ir.types import (
    ANY,
    NONE,
    TENSOR,
    DictType,
    ListType,
    TupleType,
    Type,
)


class Builder:
    """Makes the functions and classes of one program from Python's."""

    def __init__(self) -> None:
        self.program = Program()
        self._names: dict[int, tuple[Any, str]] = {}
        self._inferred: dict[int, Callable[[], Graph]] = {}
        self._running: set[int] = set()
        self.unreadable: dict[str, CompileError] = {}

    def name(self, value: Any) -> str:
        """A qualified name for a function or class, with a number if there are several."""
        if id(value) not in self._names:
            path = value.__qualname__.replace(".<locals>", "")
            if isinstance(value, types.FunctionType):
                path = path.replace(".", "_")  # what has the name of a class holds no functions
            base = f"__torch__.{value.__module__}.{path}"
            name, number = base, 0
            used = {known for _, known in self._names.values()}
            while name in used:
                name, number = f"{base}_{number}", number + 1
            self._names[id(value)] = (value, name)
        return self._names[id(value)][1]

    def resolve(self, value: Any) -> Symbol | None:
        """What a Python function or class that a script names stands for."""
        value = inspect.unwrap(value) if callable(value) else value
        if isinstance(value, types.FunctionType):
            declared = overloads_of(value)
            if declared:
                made = (self.function(value, declaration=d) for d in declared)
                return Overloads(tuple(made))
            return FunctionSymbol(self.function(value))
        if isinstance(value, enum.Enum):
            return Constant(self.class_(type(value)).constants[value.name])
        if isinstance(value, type) and not isinstance(value, types.GenericAlias):
            return self._class_symbol(value)
        alias = self._alias(value)
        return None if alias is None else TypeSymbol(alias)

    def _alias(self, value: Any) -> Type | None:
        """The type that ``Pair = Tuple[int, int]`` names; None if it is none of TorchScript's."""
        if value is Any:
            return ANY
        parts = [self._alias_part(part) for part in get_args(value)]
        known = [part for part in parts if part is not None]
        if not known or len(known) < len(parts):
            return None
        match get_origin(value):
            case origin if origin is list:
                return ListType(known[0])
            case origin if origin is dict:
                return DictType(known[0], known[1])
            case origin if origin is tuple:
                return TupleType(tuple(known))
            case origin if origin in (Union, types.UnionType):
                return make_union(known)
        return None

    def _alias_part(self, value: Any) -> Type | None:
        if value is type(None):
            return NONE
        if getattr(value, "__name__", "") == "Tensor":
            return TENSOR
        symbol = self.resolve(value)
        if isinstance(symbol, TypeSymbol):
            return symbol.type
        return class_type(symbol.cls) if isinstance(symbol, ClassSymbol) else None

    def _class_symbol(self, value: type) -> Symbol | None:
        if value in SIMPLE:
            return TypeSymbol(SIMPLE[value])
        if issubclass(value, BaseException):
            return ExceptionClass(f"{value.__module__}.{value.__qualname__}")
        if value.__module__ in ("builtins", "typing") or value.__name__ == "Tensor":
            return None
        return ClassSymbol(self.class_(value))

    def scope(self, function: types.FunctionType) -> PythonScope:
        """The names that `function` may use."""
        closure = inspect.getclosurevars(function)
        names = {**function.__globals__, **closure.nonlocals}
        return PythonScope(names, self.resolve, self.prepare, self.program)

    def function(
        self,
        function: types.FunctionType,
        owner: Class | None = None,
        method: str = "",
        declaration: types.FunctionType | None = None,
    ) -> Function:
        """The function for a Python one; it is compiled when its graph or result is needed.

        With `owner` it is that class's method of the name `method`. With `declaration` it is an
        overload, which has the signature of that.
        """
        name = self.name(declaration or function) if owner is None else f"{owner.name}.{method}"
        if owner is None and name in self.program.functions:
            return self.program.functions[name]
        source = source_of(function)
        node = parse_function(source)
        instead = left_out(function, owner)
        if instead is not None:
            node.body = [instead]
        scope = self.scope(function)
        head = (source, node) if declaration is None else declared(declaration)
        parameters = parameters_of(head[0], scope, head[1], declaration or function, owner)
        result = self._declared_result(head[0], scope, head[1])
        if instead is not None and result is None:
            result = TENSOR
        made = Function(
            name, parameters, result or ANY, lambda: graph(), lambda: source.text_of(node),
            assigned_attributes(node),
        )  # fmt: skip

        def compile_() -> tuple[Graph, Type]:
            return Importer(source, scope, node, name, parameters, result).graph()

        def graph() -> Graph:
            self._running.add(id(made))
            try:
                found, made.result = compile_()
            finally:
                self._running.discard(id(made))
            self._inferred.pop(id(made), None)
            return found

        if result is None:
            self._inferred[id(made)] = made.graph
        if owner is None:
            self.program.functions[name] = made
        return made

    def _declared_result(
        self, source: Source, scope: PythonScope, node: ast.FunctionDef
    ) -> Type | None:
        if node.name == "__init__":
            return NONE
        if node.returns is None:
            return None
        return Importer(source, scope, node, node.name, (), None).types.read(node.returns)

    def prepare(self, function: Function) -> bool:
        """Find out what `function` returns, if it does not say; false while that is going on."""
        infer = self._inferred.get(id(function))
        if infer is not None:
            if id(function) in self._running:
                return False
            infer()
        return True

    def class_(self, value: type) -> Class:
        """The class for a Python class: a NamedTuple, an Enum, or a class with annotations."""
        name = self.name(value)
        if name in self.program.classes:
            return self.program.classes[name]
        cls = Class(name, kind_of(value))
        self.program.classes[name] = cls
        if issubclass(value, enum.Enum):
            if {type(m.value) for m in value} not in ({int}, {float}, {str}):
                raise CompileError(
                    f"the members of enum {name} must be all ints, floats or strings"
                )
            cls.constants = {m.name: EnumValue(cls, m.name, m.value) for m in value}
            return cls
        for attribute, annotation in annotations_of(value).items():
            cls.attributes[attribute] = self._annotated_type(value, annotation)
        if cls.kind == "namedtuple":
            self._named_tuple(value, cls)
        else:
            self._methods(value, cls)
            if "__init__" in cls.methods:
                cls.methods["__init__"].graph()
        return cls

    def _named_tuple(self, value: type, cls: Class) -> None:
        for field in value._fields:  # type: ignore[attr-defined]
            cls.attributes.setdefault(field, TENSOR)
        cls.constants["__defaults__"] = dict(value._field_defaults)  # type: ignore[attr-defined]

    def _annotated_type(self, value: type, annotation: Any) -> Type:
        text = annotation if isinstance(annotation, str) else annotation_text(annotation)
        source = Source(text, f"<annotation of {value.__name__}>")
        node = ast.parse(text, mode="eval").body
        module = inspect.getmodule(value)
        names = dict(vars(module)) if module is not None else {}
        for known, _ in list(self._names.values()):
            names.setdefault(known.__name__, known)
        if isinstance(annotation, type):
            names.setdefault(annotation.__name__, annotation)
        scope = PythonScope(names, self.resolve, self.prepare, self.program)
        function = ast.FunctionDef(
            name=value.__name__, args=_NO_ARGUMENTS, body=[], decorator_list=[]
        )
        return Importer(source, scope, function, value.__name__, (), None).types.read(node)

    def _methods(self, value: type, cls: Class) -> None:
        """All methods whose signatures can be read; others may be Python's alone."""
        for owner in reversed(value.__mro__[:-1]):
            if owner.__module__.partition(".")[0] in ("treadle", "torch"):
                continue
            for name, member in vars(owner).items():
                if isinstance(member, types.FunctionType):
                    self._method(cls, name, member)
                elif isinstance(member, property):
                    self._property(cls, name, member)
                elif isinstance(member, staticmethod):
                    assert isinstance(member.__func__, types.FunctionType)
                    cls.static_methods[name] = self.function(member.__func__)

    def _property(self, cls: Class, name: str, member: property) -> None:
        """A property's functions, under the names that archives give them."""
        for kind, function in (("getter", member.fget), ("setter", member.fset)):
            if isinstance(function, types.FunctionType):
                self._method(cls, f"__{name}_{kind}", function)

    def _method(self, cls: Class, name: str, method: types.FunctionType) -> None:
        try:
            cls.methods[name] = self.function(method, cls, name)
        except CompileError as error:
            self.unreadable[f"{cls.name}.{name}"] = error
            cls.methods.pop(name, None)


_NO_ARGUMENTS = ast.arguments(
    posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
)
