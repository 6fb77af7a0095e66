"""The names that source in an archive may use, and the classes and functions it defines.

Files of an archive are read when a name in them is first looked up, as their order is arbitrary.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from treadle.errors import CompileError
from treadle.frontends.torchscript.annotations import dotted
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.importer import Importer, literal, make_function
from treadle.frontends.torchscript.library import Library
from treadle.frontends.torchscript.parser import Source, parse
from treadle.frontends.torchscript.symbols import (
    Builtin,
    ClassSymbol,
    Constant,
    FunctionSymbol,
    Namespace,
    Special,
    Symbol,
)
from treadle.frontends.torchscript.unsupported import REMOTE_CALLS
from treadle.ir.program import Class, EnumValue, Function, Program
from treadle.ir.types import Type

_SPECIALS = frozenset({
    "annotate", "unchecked_cast", "uninitialized", "isinstance", "fork", "awaitable", "int",
    "float", "bool", "str", "complex", "sorted", "range", "print", "getattr", "len", "hasattr",
    "min", "max", "abs", "round", "list", "dict",
})  # fmt: skip
_NAMESPACES = frozenset({"torch", "ops", "__torch__"})
_KINDS = {
    "Module": "module", "NamedTuple": "namedtuple", "Enum": "enum", "Interface": "interface",
    "ModuleInterface": "interface",
}  # fmt: skip
Definition = tuple[Source, ast.ClassDef | ast.FunctionDef]


class ArchiveScope:
    """The scope of all source in one archive.

    Attributes:
        program: the functions and classes that were looked up so far.
    """

    declares_attributes = False
    defers_unsupported = True

    def __init__(self, archive: Archive, constants: tuple[object, ...]) -> None:
        self.program = Program()
        self._archive = archive
        self._library = Library(self.program, archive.version)
        self._files: dict[str, dict[str, Definition]] = {}
        self.constants = constants
        self.convert_constant: Callable[[object], object] = lambda value: value

    def lookup(self, name: str) -> Symbol | None:
        """What a free name stands for: TorchScript's functions and namespaces."""
        if name in _NAMESPACES:
            return Namespace(name)
        if name == "CONSTANTS":
            return Namespace("CONSTANTS")
        return Special(name) if name in _SPECIALS or name in REMOTE_CALLS else None

    def member(self, path: str, name: str) -> Symbol | None:
        """What ``path.name`` stands for; files are read for it if need be."""
        if path == "torch":
            return Special("fork") if name == "fork" else Builtin(f"aten::{name}")
        if path == "ops":
            return Namespace(f"ops.{name}")
        if path.startswith("ops."):
            return Builtin(f"{path[4:]}::{name}")
        if path == "CONSTANTS":
            return self._constant(name)
        return self._defined(f"{path}.{name}")

    def _constant(self, name: str) -> Symbol | None:
        number = name[1:]
        if name[:1] != "c" or not number.isdecimal() or len(number) > 9:
            return None
        if int(number) >= len(self.constants):
            raise CompileError(
                f"{self._archive.name}: CONSTANTS.{name} is not among the {len(self.constants)}"
            )
        return Constant(self.convert_constant(self.constants[int(number)]))

    def _defined(self, name: str) -> Symbol | None:
        cls = self.find_class(name)
        if cls is not None:
            return ClassSymbol(cls)
        function = self.find_function(name)
        if function is not None:
            return FunctionSymbol(function)
        return Namespace(name)

    def find_function(self, name: str) -> Function | None:
        """The function with a qualified name."""
        if name not in self.program.functions:
            replacement = self._library.replacement(name)
            if replacement is not None:
                return replacement
            found = self._definition(name)
            if found is None or not isinstance(found[1], ast.FunctionDef):
                return None
            self.program.functions[name] = make_function(found[0], self, found[1], name)
        return self.program.functions[name]

    def find_class(self, name: str) -> Class | None:
        """The class with a qualified name, or None."""
        if name not in self.program.classes:
            found = self._definition(name)
            if found is None or not isinstance(found[1], ast.ClassDef):
                return None
            _ClassReader(self, found[0], found[1], name).read()
        return self.program.classes.get(name)

    def library(self, name: str) -> Iterable[Function]:
        """What operator `name` stood for when the archive was written."""
        return self._library.overloads(name)

    def prepare(self, function: Function) -> bool:
        """Nothing to do: functions in archives say what they return."""
        return True

    def _definition(self, name: str) -> Definition | None:
        folder, _, last = name.rpartition(".")
        return self._file(folder.replace(".", "/") + ".py").get(last)

    def _file(self, path: str) -> dict[str, Definition]:
        if path not in self._files:
            self._files[path] = {}
            if path in self._archive.code_files:
                source = Source(self._archive.code_files[path], path)
                self._files[path] = dict(_definitions(source))
        return self._files[path]


def _definitions(source: Source) -> Iterator[tuple[str, Definition]]:
    """The classes and functions of a file; nothing else may stand in it."""
    for node in parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            if node.decorator_list:
                raise source.syntax_error("TorchScript has no decorators in archives", node)
            yield node.name, (source, node)
        elif not _is_old_header(node):
            raise source.syntax_error("only classes and functions may stand here", node)


def _is_old_header(node: ast.stmt) -> bool:
    """``op_version_set = 1``, with which old files begin."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "op_version_set"
        and isinstance(node.value, ast.Constant)
    )


class _ClassReader:
    """Reads a class definition into the program; entered there first, as it may name itself."""

    def __init__(self, scope: ArchiveScope, source: Source, node: ast.ClassDef, name: str) -> None:
        self._scope, self._source, self._node = scope, source, node
        bases = [dotted(base) for base in node.bases]
        kind = _KINDS.get(bases[0] or "") if bases else "class"
        if len(bases) > 1 or kind is None or node.keywords:
            raise source.syntax_error("a class has one base, of TorchScript's own", node)
        self.cls = Class(name, kind)
        scope.program.classes[name] = self.cls
        function = ast.FunctionDef(name=name, args=_NO_ARGUMENTS, body=[], decorator_list=[])
        self._emitter = Importer(source, scope, function, name, (), None)

    def read(self) -> None:
        try:
            methods = [node for node in self._node.body if not self._member(node)]
            for node in methods:
                self._method(node)
        except BaseException:
            self._scope.program.classes.pop(self.cls.name, None)
            raise

    def _member(self, node: ast.stmt) -> bool:
        """Read an attribute or a constant; give False for a method."""
        match node:
            case ast.AnnAssign(ast.Name(name), annotation, value):
                self._attribute(name, annotation, value)
            case ast.Assign([ast.Subscript(ast.Name("__annotations__"), key)], type_node):
                if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                    raise self._source.syntax_error("an attribute's name must be a string", node)
                self._attribute(key.value, type_node, None)
            case ast.Assign([ast.Name(name)], value):
                self._assigned(name, value)
            case ast.Pass():
                pass
            case _:
                return False
        return True

    def _attribute(self, name: str, annotation: ast.expr, value: ast.expr | None) -> None:
        self._check_new(name, annotation)
        type_ = self._emitter.types.read(annotation)
        is_final = isinstance(annotation, ast.Subscript) and dotted(annotation.value) == "Final"
        if value is None:
            self.cls.attributes[name] = type_
        elif is_final:
            self.cls.constants[name] = literal(self._emitter, value, type_)
        else:
            self.cls.attributes[name] = type_
            self._default(name, value, type_)

    def _default(self, name: str, value: ast.expr, type_: Type) -> None:
        if self.cls.kind != "namedtuple":
            raise self._source.syntax_error("only Final attributes have values", value)
        defaults = self.cls.constants.setdefault("__defaults__", {})
        defaults[name] = literal(self._emitter, value, type_)

    def _check_new(self, name: str, node: ast.AST) -> None:
        if name in self.cls.attributes or name in self.cls.constants:
            raise self._source.compile_error(f"{self.cls.name}.{name} is declared twice", node)

    def _assigned(self, name: str, value: ast.expr) -> None:
        if self.cls.kind == "enum":
            member = EnumValue(self.cls, name, literal(self._emitter, value))
            self._check_new(name, value)
            self.cls.constants[name] = member
            return
        names = literal(self._emitter, value)
        if not isinstance(names, list) or any(not isinstance(n, str) for n in names):
            raise self._source.syntax_error("this is not a list of names", value)
        match name:
            case "__parameters__":
                self.cls.parameters = frozenset(names)
            case "__buffers__":
                self.cls.buffers = frozenset(names)
            case "__forward_hooks__":
                self.cls.forward_hooks = tuple(names)
            case "__forward_pre_hooks__":
                self.cls.forward_pre_hooks = tuple(names)
            case "__annotations__" if not names:
                pass  # stands before ``__annotations__["0"] = T``
            case _:
                raise self._source.syntax_error(f"a class has no {name!r}", value)

    def _method(self, node: ast.stmt) -> None:
        if not isinstance(node, ast.FunctionDef) or node.decorator_list:
            raise self._source.syntax_error("this cannot stand in a class", node)
        qualified = f"{self.cls.name}.{node.name}"
        owner = self.cls
        self.cls.methods[node.name] = make_function(
            self._source, self._scope, node, qualified, owner
        )


_NO_ARGUMENTS = ast.arguments(
    posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
)
