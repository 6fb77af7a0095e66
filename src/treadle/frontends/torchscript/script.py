"""``@script``: Python functions, classes and module-like objects to programs.

Their source is what is compiled; Python never runs it.
"""

from __future__ import annotations

import enum
import inspect
import types
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.errors import CompileError, UnsupportedError
from treadle.frontends.torchscript.emitter import class_type
from treadle.frontends.torchscript.python_builder import Builder
from treadle.frontends.torchscript.python_scope import as_constant
from treadle.frontends.torchscript.python_source import SIMPLE, annotation_text, annotations_of
from treadle.frontends.torchscript.reachable import compile_called, compile_reachable
from treadle.frontends.torchscript.subtyping import unify_or_union
from treadle.ir.program import Class, EnumValue, Function, Object, Program
from treadle.ir.schema import REQUIRED
from treadle.ir.types import (
    TENSOR,
    ClassType,
    DictType,
    ListType,
    TupleType,
    Type,
)


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
    builder = _ObjectBuilder()
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


class _ObjectBuilder(Builder):
    """Makes the objects of a program, too."""

    def __init__(self) -> None:
        super().__init__()
        self._objects: dict[int, tuple[Any, Object]] = {}

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
        declared = annotations_of(kind)
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
        text = "" if annotation is None else annotation_text(annotation)
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
        return SIMPLE.get(type(value), TENSOR)

    def _common(self, values: list[Any]) -> Type:
        types_ = [self.type_of(value) for value in values] or [TENSOR]
        result = types_[0]
        for type_ in types_[1:]:
            result = unify_or_union(result, type_)
        return result
