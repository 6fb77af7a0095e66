"""What an archive needs, without running it: its operators, and those that Treadle lacks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from treadle.errors import ArchiveError, CompileError, UnsupportedError
from treadle.frontends.torchscript.loader import load_program
from treadle.frontends.torchscript.unsupported import is_unsupported
from treadle.ir.program import Function, Object, Program


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that would fail: the function that holds it, and why."""

    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: uses by operator, the number of functions, what is not supported."""

    operators: dict[str, int]
    functions: int
    problems: tuple[Problem, ...]


def check_archive(path: str | os.PathLike[str]) -> Checked:
    """Compile everything in an archive and list its operators; nothing is run.

    Raises:
        ArchiveError: if it is not an archive, or a damaged one.
    """
    operators: Counter[str] = Counter()
    problems: list[Problem] = []
    try:
        loaded = load_program(path, restore=_ignore_state)
    except ArchiveError:
        raise
    except (CompileError, UnsupportedError) as error:
        return Checked({}, 0, (Problem("load", str(error)),))
    functions = 0
    for function in _functions(loaded.program):
        functions += 1
        try:
            graph = function.graph()
        except (CompileError, UnsupportedError) as error:
            problems.append(Problem(function.name, str(error)))
            continue
        for node in graph.walk():
            if is_unsupported(node):
                problems.append(Problem(function.name, node.op.doc))
            elif node.op.schema is not None:
                operators[f"{node.op.schema.namespace}::{node.op.schema.base}"] += 1
    return Checked(dict(operators), functions, tuple(problems))


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
