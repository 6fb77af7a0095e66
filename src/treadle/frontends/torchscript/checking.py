"""What an archive needs, without running it: its operators, and those that Treadle lacks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from treadle.collector import collection_paused
from treadle.errors import ArchiveError, CompileError, UnsupportedError
from treadle.frontends.torchscript.archive import Archive
from treadle.frontends.torchscript.loader import LoadedModule, load_program
from treadle.frontends.torchscript.reachable import compile_reachable
from treadle.frontends.torchscript.unsupported import is_unsupported
from treadle.ir.program import Function, Object, Program, UnsupportedTensor

_LOADING = "load"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that would fail: the function or tensor that it is about, and why."""

    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        loads: whether the archive can be loaded; then `problems` are met only if they are reached.
        operators: uses by operator.
        functions: how many there are.
        problems: what is not supported, once for each place in the source.
        tensors: those that Treadle cannot represent, which is an error only if they are used.
    """

    loads: bool
    operators: dict[str, int]
    functions: int
    problems: tuple[Problem, ...]
    tensors: tuple[Problem, ...] = ()


def check_archive(path: str | os.PathLike[str]) -> Checked:
    """Compile everything in an archive and list its operators; nothing is run.

    Raises:
        ArchiveError: if it is not an archive, or a damaged one.
        UnsupportedError: if it is of another format.
    """
    Archive.open(path).close()
    try:
        loaded = load_program(path, restore=_ignore_state, compiled=False)
    except ArchiveError:
        raise
    except (CompileError, UnsupportedError) as error:
        return Checked(False, {}, 0, (Problem(_LOADING, str(error)),))
    with collection_paused():
        return _checked(loaded)


def _checked(loaded: LoadedModule) -> Checked:
    operators: Counter[str] = Counter()
    problems: dict[Problem, None] = {}
    functions = 0
    for function in _functions(loaded.program):
        functions += 1
        try:
            nodes = list(function.graph().walk())
        except (CompileError, UnsupportedError) as error:
            problems[Problem(function.name, str(error))] = None
            continue
        for node in nodes:
            if is_unsupported(node):
                problems[Problem(function.name, node.attributes["message"])] = None
            elif node.op.schema is not None:
                operators[node.op.schema.name] += 1
    tensors = tuple(_unsupported_tensors(loaded.root))
    return Checked(_loads(loaded), dict(operators), functions, tuple(problems), tensors)


def _loads(loaded: LoadedModule) -> bool:
    try:
        compile_reachable(loaded.program, loaded.root.cls)
    except (CompileError, UnsupportedError):
        return False
    return True


def _ignore_state(program: Program, target: Object, state: object) -> None:
    """Objects are not restored: that would run the archive's code."""


def _functions(program: Program) -> Iterator[Function]:
    """All functions and methods; compiling one may bring in others."""
    seen: set[int] = set()
    while True:
        known = [f for c in program.classes.values() for f in c.methods.values()]
        new = [f for f in (*program.functions.values(), *known) if id(f) not in seen]
        if not new:
            return
        for function in new:
            seen.add(id(function))
            yield function


def _unsupported_tensors(root: Object) -> Iterator[Problem]:
    """The tensors among the attributes of `root` and its submodules that Treadle lacks."""
    seen: set[int] = set()
    pending: list[tuple[str, object]] = [("", root)]
    while pending:
        name, value = pending.pop()
        if isinstance(value, UnsupportedTensor):
            yield Problem(name, value.reason)
        if isinstance(value, Object) and id(value) not in seen:
            seen.add(id(value))
            prefix = f"{name}." if name else ""
            pending += [(f"{prefix}{key}", v) for key, v in reversed(value.attributes.items())]
