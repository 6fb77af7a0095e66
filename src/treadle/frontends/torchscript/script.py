"""``@script``: Python functions, classes and module-like objects to programs.

Their source is what is compiled; Python never runs it.
"""

from __future__ import annotations

import ast
import enum
import inspect
import textwrap
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ForwardRef

import numpy as np

from treadle.errors import CompileError, UnsupportedError
from treadle.frontends.torchscript.emitter import class_type
from treadle.frontends.torchscript.importer import (
    Importer,
    assigned_attributes,
    read_parameters,
)
from treadle.frontends.torchscript.parser import Source, parse_function
from treadle.frontends.torchscript.python_scope import PythonScope, as_constant
from treadle.frontends.torchscript.reachable import compile_called, compile_reachable
from treadle.frontends.torchscript.subtyping import is_subtype, unify_or_union
from treadle.frontends.torchscript.symbols import (
    ClassSymbol,
    Constant,
    ExceptionClass,
    FunctionSymbol,
    Symbol,
    TypeSymbol,
)
from treadle.ir.graph import Graph
from treadle.ir.program import Class, EnumValue, Function, Object, Parameter, Program
from treadle.ir.schema import REQUIRED
from treadle.ir.types import (
    ANY,
    BOOL,
    COMPLEX,
    DEVICE,
    FLOAT,
    INT,
    NONE,
    NUMBER,
    STR,
    TENSOR,
    ClassType,
    DictType,
    ListType,
    TupleType,
    Type,
)
from treadle.ops.device import Device

_SIMPLE: dict[type, Type] = {
    bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX, str: STR, type(None): NONE,
    np.ndarray: TENSOR, Device: DEVICE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScriptedFunction:
    """A Python function as part of a program."""

    program: Program
    function: Function


@dataclass(frozen=True, slots=True)
class ScriptedModule:
    """A Python object with a ``forward`` method as part of a program."""

    program: Program
    root: Object


def script(value: Any) -> ScriptedFunction | ScriptedModule:
    """Compile a Python function, or an object whose class has a ``forward`` method.

    A function's parameters without annotation are tensors. It may use other Python functions and
    classes, constants, and what ``torch`` or ``treadle`` offer. An object's attributes become the
    module's: arrays are tensors, objects with ``forward`` are submodules, ``Final`` ones constants.

    Raises:
        CompileError: if the source is not TorchScript.
        UnsupportedError: if it uses what Treadle does not implement, or has no source.
    """
    builder = _Builder()
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, (types.FunctionType, types.MethodType)):
        plain = value if isinstance(value, types.FunctionType) else value.__func__
        assert isinstance(plain, types.FunctionType)
        function = builder.function(plain)
        builder.prepare(function)
        compile_called(builder.program, [function])
        return ScriptedFunction(builder.program, function)
    if isinstance(value, type):
        raise UnsupportedError(f"script takes an object of class {value.__name__}, not the class")
    root = builder.object(value)
    if "forward" not in root.cls.methods:
        raise CompileError(f"{type(value).__name__} has no method 'forward'")
    compile_reachable(builder.program, root.cls)
    return ScriptedModule(builder.program, root)


class _Builder:
    """Makes the functions, classes and objects of one program from Python's."""

    def __init__(self) -> None:
        self.program = Program()
        self._names: dict[int, tuple[Any, str]] = {}
        self._inferred: dict[int, Callable[[], Graph]] = {}
        self._running: set[int] = set()
        self._objects: dict[int, tuple[Any, Object]] = {}
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
            return FunctionSymbol(self.function(value))
        if isinstance(value, enum.Enum):
            return Constant(self.class_(type(value)).constants[value.name])
        if isinstance(value, type):
            return self._class_symbol(value)
        return None

    def _class_symbol(self, value: type) -> Symbol | None:
        if value in _SIMPLE:
            return TypeSymbol(_SIMPLE[value])
        if issubclass(value, BaseException):
            return ExceptionClass(f"{value.__module__}.{value.__qualname__}")
        if value.__module__ in ("builtins", "typing") or value.__name__ == "Tensor":
            return None
        return ClassSymbol(self.class_(value))

    def scope(self, function: types.FunctionType) -> PythonScope:
        closure = inspect.getclosurevars(function)
        names = {**function.__globals__, **closure.nonlocals}
        return PythonScope(names, self.resolve, self.prepare, self.program)

    def function(
        self, function: types.FunctionType, owner: Class | None = None, method: str = ""
    ) -> Function:
        """The function for a Python one; it is compiled when its graph or result is needed.

        With `owner` it is that class's method of the name `method`.
        """
        name = self.name(function) if owner is None else f"{owner.name}.{method}"
        if owner is None and name in self.program.functions:
            return self.program.functions[name]
        source = _source(function)
        node = parse_function(source)
        left_out = _left_out(function)
        if left_out:
            _replace_body(node, left_out)
        scope = self.scope(function)
        parameters = _parameters(source, scope, node, function, owner)
        result = self._declared_result(source, scope, node)
        if left_out and result is None:
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
        cls = Class(name, _kind(value))
        self.program.classes[name] = cls
        if issubclass(value, enum.Enum):
            if {type(m.value) for m in value} not in ({int}, {float}, {str}):
                raise CompileError(
                    f"the members of enum {name} must be all ints, floats or strings"
                )
            cls.constants = {m.name: EnumValue(cls, m.name, m.value) for m in value}
            return cls
        for attribute, annotation in _annotations(value).items():
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
        text = annotation if isinstance(annotation, str) else _annotation_text(annotation)
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

    def object(self, value: Any) -> Object:
        """The module for a Python object."""
        if id(value) in self._objects:
            return self._objects[id(value)][1]
        kind = type(value)
        name = self.name(kind)
        used = name in self.program.classes
        cls = Class(f"{name}_{len(self._objects)}" if used else name, "module")
        self.program.classes[cls.name] = cls
        result = Object(cls)
        self._objects[id(value)] = (value, result)
        declared = _annotations(kind)
        for attribute, part in vars(value).items():
            self._attribute(result, kind, attribute, part, declared.get(attribute))
        for attribute in declared:
            part = getattr(kind, attribute, REQUIRED)
            if part is not REQUIRED and attribute not in result.attributes:
                self._attribute(result, kind, attribute, part, declared[attribute])
        self._methods(kind, cls)
        cls.methods.pop("__init__", None)
        return result

    def _attribute(
        self, target: Object, kind: type, name: str, value: Any, annotation: Any
    ) -> None:
        cls = target.cls
        if type(value).__name__ == "Attribute" and hasattr(value, "type"):
            value, annotation = value.value, value.type
        made = self.value(value)
        if made is REQUIRED:
            return  # Python's alone: using it in a script is an error there
        text = "" if annotation is None else _annotation_text(annotation)
        if text.rpartition(".")[2].startswith("Final"):
            cls.constants[name] = made
            return
        is_plain = annotation is None or isinstance(made, Object)
        type_ = self.type_of(made) if is_plain else self._annotated_type(kind, annotation)
        cls.attributes[name] = type_
        target.attributes[name] = made
        if isinstance(made, np.ndarray):
            cls.parameters |= {name}

    def value(self, value: Any) -> Any:
        """A Python value as an attribute holds it; REQUIRED if a script cannot hold it."""
        if isinstance(value, enum.Enum):
            return self.class_(type(value)).constants[value.name]
        constant = as_constant(value)
        if constant is not None:
            return constant.value
        if hasattr(value, "forward"):
            return self.object(value)
        if isinstance(value, dict):
            parts = {key: self.value(part) for key, part in value.items()}
            missing = any(part is REQUIRED for part in parts.values())
            return REQUIRED if missing else self._mapping(parts)
        if isinstance(value, (list, tuple)):
            return self._sequence([self.value(part) for part in value], type(value))
        return REQUIRED

    def _sequence(self, parts: list[Any], kind: type) -> Any:
        if any(part is REQUIRED for part in parts):
            return REQUIRED
        if parts and all(isinstance(part, Object) for part in parts):
            return self._container({str(i): part for i, part in enumerate(parts)}, "ModuleList")
        return kind(parts)

    def _mapping(self, parts: dict[Any, Any]) -> Any:
        if parts and all(isinstance(part, Object) for part in parts.values()):
            return self._container({str(k): part for k, part in parts.items()}, "ModuleDict")
        return parts

    def _container(self, parts: dict[str, Object], kind: str) -> Object:
        """A module that holds others, as a list of modules is."""
        cls = Class(f"__torch__.containers.c{len(self.program.classes)}.{kind}", "module")
        cls.attributes = {name: ClassType(part.cls.name) for name, part in parts.items()}
        self.program.classes[cls.name] = cls
        return Object(cls, dict(parts))

    def type_of(self, value: Any) -> Type:
        """The type of an attribute without annotation."""
        if isinstance(value, (Object, EnumValue)):
            return class_type(value.cls)
        if isinstance(value, list):
            return ListType(self._common(value))
        if isinstance(value, tuple):
            return TupleType(tuple(map(self.type_of, value)))
        if isinstance(value, dict):
            return DictType(self._common(list(value)), self._common(list(value.values())))
        return _SIMPLE.get(type(value), TENSOR)

    def _common(self, values: list[Any]) -> Type:
        types_ = [self.type_of(value) for value in values] or [TENSOR]
        result = types_[0]
        for type_ in types_[1:]:
            result = unify_or_union(result, type_)
        return result


def _may_be(given: Type, wanted: Type) -> bool:
    """Whether a default of the type `given` may stand for a parameter of type `wanted`."""
    return (
        is_subtype(given, wanted, lambda name: None)
        or wanted in (TENSOR, NUMBER)
        or (given in (INT, BOOL) and is_subtype(FLOAT, wanted, lambda name: None))
        or not isinstance(wanted, type(STR))
    )


def _source(function: types.FunctionType) -> Source:
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise UnsupportedError(f"the source of {function.__qualname__} is not available") from None
    return Source(textwrap.dedent("".join(lines)), inspect.getfile(function), first)


def _parameters(
    source: Source,
    scope: PythonScope,
    node: ast.FunctionDef,
    function: types.FunctionType,
    owner: Class | None,
) -> tuple[Parameter, ...]:
    """The parameters, with the defaults that Python has for them."""
    arguments = node.args
    bare = ast.arguments(
        posonlyargs=[], args=[*arguments.posonlyargs, *arguments.args], vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs, kw_defaults=[None] * len(arguments.kwonlyargs),
        kwarg=arguments.kwarg, defaults=[],
    )  # fmt: skip
    stripped = ast.FunctionDef(name=node.name, args=bare, body=node.body, decorator_list=[])
    ast.copy_location(stripped, node)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    found = []
    for parameter in read_parameters(source, scope, stripped, owner):
        default = REQUIRED
        if parameter.name in defaults:
            value = defaults[parameter.name]
            constant = scope.symbol(value)
            if not isinstance(constant, Constant):
                raise source.compile_error(
                    f"the default of {parameter.name!r} is no constant", node
                )
            default = constant.value
            if type(default) in _SIMPLE and not _may_be(_SIMPLE[type(default)], parameter.type):
                raise source.compile_error(
                    f"the default of {parameter.name!r} is a {type(default).__name__}, "
                    f"expected {parameter.type}",
                    node,
                )
            if parameter.type == FLOAT:
                default = float(default)
        found.append(Parameter(parameter.name, parameter.type, default, parameter.keyword_only))
    return tuple(found)


def _kind(value: type) -> str:
    if issubclass(value, enum.Enum):
        return "enum"
    if issubclass(value, tuple) and hasattr(value, "_fields"):
        return "namedtuple"
    return "interface" if getattr(value, "_is_script_interface", False) else "class"


def _left_out(function: types.FunctionType) -> str:
    """What a call raises of a function that is marked to stay with Python; empty for others."""
    modifier = str(getattr(function, "_torchscript_modifier", ""))
    if modifier.startswith("unused"):
        return "Cannot call @unused methods"
    if modifier.startswith("ignore"):
        return f"{function.__qualname__} is marked @ignore: a script cannot call Python"
    return ""


def _replace_body(node: ast.FunctionDef, message: str) -> None:
    """Let a function raise, and do nothing else."""
    call = ast.Call(ast.Name("NotImplementedError", ast.Load()), [ast.Constant(message)], [])
    node.body = [ast.Raise(call)]
    for part in ast.walk(node.body[0]):
        ast.copy_location(part, node)


def _annotations(value: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for owner in reversed(value.__mro__[:-1]):
        if owner.__module__.partition(".")[0] not in ("treadle", "torch"):
            found.update(inspect.get_annotations(owner))
    return found


def _annotation_text(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation)


_NO_ARGUMENTS = ast.arguments(
    posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
)
