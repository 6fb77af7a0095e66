"""Programs to archives: the code records, the two pickles and the tensors."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from typing import IO, Any

from treadle.errors import CompileError, InputError, UnsupportedError
from treadle.interpreter import call
from treadle.ir.program import Class, Function, Object, Program
from treadle.ir.types import ANY, ClassType, TupleType, Type
from treadle.saving.container import ContainerWriter
from treadle.saving.pickles import State, arrays_in, pickle_value
from treadle.saving.source import SourcePrinter, saved_name
from treadle.saving.storages import Array, Storages
from treadle.saving.types import type_text

_VERSION = 10  # what scripts mean by an operator is what the newest version means
_BASES = {"module": "(Module)", "namedtuple": "(NamedTuple)", "enum": "(Enum)", "class": ""}
Target = str | os.PathLike[str] | IO[bytes]


def save(
    program: Program,
    root: Object | Function,
    target: Target,
    extra_files: Mapping[str, str | bytes] | None = None,
) -> None:
    """Write an archive of an object with the values that it has now, or of one function.

    Raises:
        UnsupportedError: if PyTorch's format has no form for a value or an operator.
    """
    constants: list[Any] = list(program.constants())
    if isinstance(root, Function):
        code = _placeholder(program, root, constants)
        root = Object(Class(_PLACEHOLDER, "module"))
    else:
        code = dict(program.sources) or _sources(program, constants)
    state = _states(program)
    with ContainerWriter(target) as container:
        for name, content in (extra_files or {}).items():
            data = content.encode() if isinstance(content, str) else content
            container.write(f"extra/{name}", data)
        _write_pickle(container, "data", root, ClassType(root.cls.name), state)
        for path, text in code.items():
            container.write(f"code/{path}", text.encode())
        types = TupleType((ANY,) * len(constants))
        _write_pickle(container, "constants", tuple(constants), types, state)
        version = program.version or _VERSION
        container.write(".data/version" if version >= 6 else "version", f"{version}\n".encode())
        container.write("byteorder", b"little")


_PLACEHOLDER = "__torch__.PlaceholderModule"


def _write_pickle(
    container: ContainerWriter, name: str, value: Any, type_: Type, state: State
) -> None:
    arrays: list[Array] = []
    arrays_in(value, state, arrays, set())
    storages = Storages(arrays)
    data = pickle_value(value, type_, storages, state)
    for storage in storages.all:
        container.write(f"{name}/{storage.key}", storage.memory)
    container.write(f"{name}.pkl", data)


def _states(program: Program) -> State:
    """What ``__getstate__`` gives, run once for each object."""
    known: dict[int, tuple[Object, tuple[Any, Type] | None]] = {}

    def state(value: Object) -> tuple[Any, Type] | None:
        if id(value) not in known:
            methods = value.cls.methods
            found = None
            if {"__getstate__", "__setstate__"} <= methods.keys():
                found = (call(program, value, "__getstate__"), methods["__getstate__"].result)
            known[id(value)] = (value, found)
        return known[id(value)][1]

    return state


def _sources(program: Program, constants: list[Any]) -> dict[str, str]:
    """The code records of a program that was made of Python's source."""
    files: dict[str, list[str]] = defaultdict(list)
    printer = SourcePrinter(constants)
    done: set[str] = set()
    while pending := [n for n in (*program.functions, *program.classes) if n not in done]:
        for name in pending:  # compiling one may define others
            done.add(name)
            function, cls = program.functions.get(name), program.classes.get(name)
            if function is not None:
                files[_path(saved_name(name))] += _printed(printer, function) or []
            elif cls is not None and cls.kind in _BASES:
                files[_path(name)] += _class_lines(printer, cls)
    return {path: "\n".join(lines) + "\n" for path, lines in files.items() if lines}


def _placeholder(program: Program, function: Function, constants: list[Any]) -> dict[str, str]:
    """The code of a module whose ``forward`` is `function`."""
    code = dict(program.sources) or _sources(program, constants)
    printer = SourcePrinter(constants)
    head = [f"class {_PLACEHOLDER.rpartition('.')[2]}(Module):"]
    head += ["  __parameters__ = []", "  __buffers__ = []"]
    body = ["  " + line for line in printer.function(function, "forward", _PLACEHOLDER)]
    path = _path(_PLACEHOLDER)
    code[path] = code.get(path, "") + "\n".join([*head, *body]) + "\n"
    return code


def _path(name: str) -> str:
    return name.rpartition(".")[0].replace(".", "/") + ".py"


def _printed(printer: SourcePrinter, function: Function) -> list[str] | None:
    """The lines of a function; None if it is Python's alone."""
    try:
        function.graph()
    except (CompileError, UnsupportedError):
        return None
    return printer.function(function, function.name.rpartition(".")[2])


def _class_lines(printer: SourcePrinter, cls: Class) -> list[str]:
    lines = [f"class {cls.name.rpartition('.')[2]}{_BASES[cls.kind]}:"]
    if cls.kind == "enum":
        members = (f"  {m.name} = {printer.literal(m.value)}" for m in cls.constants.values())
        return [*lines, *members]
    if cls.kind == "module":
        for title, names in (("parameters", cls.parameters), ("buffers", cls.buffers)):
            listed = "".join(f'"{name}", ' for name in cls.attributes if name in names)
            lines.append(f"  __{title}__ = [{listed}]")
    for name, type_ in cls.attributes.items():
        text = type_text(type_)
        plain = f"  {name} : {text}"
        lines.append(plain if name.isidentifier() else f'  __annotations__["{name}"] = {text}')
    for name, value in cls.constants.items():
        if cls.kind == "module" and isinstance(value, (bool, int, float, str)):
            lines.append(f"  {name} : Final[{type(value).__name__}] = {printer.literal(value)}")
    for function in list(cls.methods.values()):
        lines += ["  " + line for line in _printed(printer, function) or []]
    return lines if len(lines) > 1 else [*lines, "  pass"]


def check_target(value: object) -> None:
    """Raise unless `value` can be written to."""
    if not isinstance(value, (str, os.PathLike)) and not hasattr(value, "write"):
        raise InputError(f"save takes a path or a binary file, got {type(value).__name__}")
