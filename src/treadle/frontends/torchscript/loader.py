"""Archives to programs: objects made of the pickles, classes and functions of the source.

``forward`` and what it calls are compiled at once, other functions when first used. What the
pickles hold must agree with what the source declares.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from treadle.collector import collection_paused
from treadle.errors import ArchiveError, UnsupportedError
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.archive_scope import ArchiveScope
from treadle.frontends.torchscript.limits import Limits
from treadle.frontends.torchscript.reachable import compile_reachable
from treadle.frontends.torchscript.unpickle import unpickle
from treadle.frontends.torchscript.unsupported import is_cpp_class, lacks_cpp_class
from treadle.frontends.torchscript.values import (
    Device as PickledDevice,
)
from treadle.frontends.torchscript.values import (
    PickledEnum,
    PickledObject,
)
from treadle.ir.program import Class, EnumValue, Object, Program, UnsupportedTensor
from treadle.ir.types import (
    ANY,
    ClassType,
    DictType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
    UnionType,
)
from treadle.ops.device import Device
from treadle.ops.primitives import PYTHON_CLASSES

RestoreState = Callable[[Program, Object, object], None]


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """A program and the module that its archive holds.

    Attributes:
        version: the archive's file format version.
        extra_files: what was saved with ``_extra_files``, read when asked for.
    """

    program: Program
    root: Object
    version: int
    extra_files: Mapping[str, bytes]


def load_program(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO,
    *,
    limits: Limits | None = None,
    restore: RestoreState | None = None,
    compiled: bool = True,
) -> LoadedModule:
    """The program and root module of a TorchScript archive.

    Args:
        source: a path, the bytes, or a binary file object.
        limits: what the archive may use while it is read.
        restore: runs ``__setstate__`` of an object; without it, such archives are refused.
        compiled: compile what ``forward`` may call; if not, what is wrong there is found later.

    Raises:
        ArchiveError: if the archive is damaged, or its objects are not as its source declares.
        CompileError: if a class of an object in it, or what ``forward`` calls, is not TorchScript.
        UnsupportedError: if it holds something that Treadle does not implement.
    """
    archive = Archive.open(source, limits)
    with collection_paused():
        loaded = _load(archive, restore)
        if compiled:
            compile_reachable(loaded.program, loaded.root.cls)
        return loaded


def _load(archive: Archive, restore: RestoreState | None) -> LoadedModule:
    constants = unpickle(archive, "constants.pkl")
    assert isinstance(constants, tuple)
    scope = ArchiveScope(archive, constants)
    builder = _Builder(archive.name, scope, restore)
    scope.convert_constant = builder.build_any
    scope.program.sources = archive.code_files
    scope.program.constants = lambda: tuple(map(builder.build_any, constants))
    scope.program.version = archive.version
    root = builder.build_any(unpickle(archive, "data.pkl"))
    assert isinstance(root, Object)
    return LoadedModule(scope.program, root, archive.version, archive.extra_files)


class _Builder:
    """Turns what the pickles hold into objects; shared values stay shared."""

    def __init__(self, name: str, scope: ArchiveScope, restore: RestoreState | None) -> None:
        self._name = name
        self._scope = scope
        self._restore = restore
        self._made: dict[int, tuple[object, object]] = {}

    def fail(self, message: str) -> ArchiveError:
        return ArchiveError(f"{self._name}: {message}")

    def build_any(self, value: object) -> object:
        """`value` with objects and enum members made; lists and dicts are changed in place."""
        known = self._made.get(id(value))
        if known is not None:
            return known[1]
        made = self._make(value)
        if made is not value or isinstance(value, (list, dict)):
            self._made[id(value)] = (value, made)  # `value` is kept so that its id stays its own
        return made

    def _make(self, value: object) -> object:
        match value:
            case PickledObject():
                return self._object(value)
            case PickledEnum(type_name, member):
                return self._enum(type_name, member)
            case PickledDevice(kind, index):
                return Device(kind, index)
            case list():
                value[:] = [self.build_any(part) for part in value]
            case dict():
                for key, part in value.items():
                    value[key] = self.build_any(part)
            case tuple():
                parts = tuple(self.build_any(part) for part in value)
                return (
                    parts if any(a is not b for a, b in zip(parts, value, strict=True)) else value
                )
        return value

    def _class(self, name: str) -> Class:
        if is_cpp_class(name):
            raise UnsupportedError(f"{self._name}: {lacks_cpp_class(name)}")
        cls = self._scope.find_class(name)
        if cls is None:
            raise self.fail(f"class {name} is not in the archive's code")
        return cls

    def _enum(self, name: str, value: object) -> EnumValue:
        cls = self._class(name)
        for member in cls.constants.values():
            if isinstance(member, EnumValue) and member.value == value:
                return member
        raise self.fail(f"enum {name} has no member with value {value!r}")

    def _object(self, value: PickledObject) -> Object:
        cls = self._class(value.type_name)
        if cls.kind not in ("module", "class"):
            raise self.fail(f"{cls.kind} {cls.name} has an instance")
        result = Object(cls)
        self._made[id(value)] = (value, result)
        if "__setstate__" in cls.methods:
            self._set_state(result, self.build_any(value.state))
        elif isinstance(value.state, dict):
            self._set_attributes(result, value.state)
        elif cls.attributes:
            raise self.fail(f"an object of class {cls.name} has no attributes")
        return result

    def _set_state(self, target: Object, state: object) -> None:
        if self._restore is None:
            raise UnsupportedError(f"{self._name}: {target.cls.name} defines __setstate__")
        self._restore(self._scope.program, target, state)

    def _set_attributes(self, target: Object, state: dict[object, object]) -> None:
        cls = target.cls
        unknown = [key for key in state if key not in cls.attributes]
        if unknown:
            raise self.fail(f"class {cls.name} declares no attribute {unknown[0]!r}")
        for name, type_ in cls.attributes.items():
            if name not in state:
                raise self.fail(f"attribute {cls.name}.{name} is missing")
            value = self.build_any(state[name])
            if not self._fits(value, type_):
                kind = value.cls.name if isinstance(value, Object) else type(value).__name__
                raise self.fail(f"attribute {cls.name}.{name} is declared {type_}, but is a {kind}")
            target.attributes[name] = value

    def _fits(self, value: object, type_: Type) -> bool:
        match type_:
            case TensorType():
                return isinstance(value, (np.ndarray, UnsupportedTensor))
            case OptionalType(element):
                return value is None or self._fits(value, element)
            case UnionType(options):
                return any(self._fits(value, option) for option in options)
            case ListType(element):
                return isinstance(value, list) and self._all_fit(value, element)
            case DictType(key, element):
                return (
                    isinstance(value, dict)
                    and self._all_fit(list(value), key)
                    and self._all_fit(list(value.values()), element)
                )
            case TupleType(elements):
                return (
                    isinstance(value, tuple)
                    and len(value) == len(elements)
                    and all(map(self._fits, value, elements))
                )
            case ClassType(name):
                return self._is_instance(value, name)
        if type_ == ANY:
            return True
        return type(value) in PYTHON_CLASSES.get(type_, ())

    def _all_fit(self, values: list[object], type_: Type) -> bool:
        return all(self._fits(value, type_) for value in values)

    def _is_instance(self, value: object, name: str) -> bool:
        if isinstance(value, EnumValue):
            return value.cls.name == name
        if not isinstance(value, Object):
            return False
        if value.cls.name == name:
            return True
        wanted = self._scope.find_class(name)
        return (
            wanted is not None
            and wanted.kind == "interface"
            and wanted.methods.keys() <= value.cls.methods.keys()
        )
