"""Hundreds of programs: by torch, from an archive and as a script, interpreted and planned, and
written again for torch. They agree in values, output, errors, and in what they change and share."""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import pytest
import torch
from torch.nn import functional

from tests.frontends.torchscript.programs import (
    algorithms,
    aliases,
    classes,
    contexts,
    conversions,
    decisions,
    dicts,
    flow,
    generators,
    given_results,
    indexing,
    library,
    lists,
    mappings,
    members,
    memory,
    mixed,
    modules,
    named_tuples,
    narrowing,
    numbers,
    objects,
    overloading,
    raising,
    refinement,
    stateful,
    statements,
    tasks,
    tensors,
    texts,
    tuples,
)
from tests.frontends.torchscript.support import check_calls

FOLDER = Path(__file__).parent / "programs"


def floats(*shape: int) -> torch.Tensor:
    count = math.prod(shape)
    return (torch.arange(count) * 0.7 - 1.3).sin().reshape(shape)


def integers(*shape: int) -> torch.Tensor:
    return torch.arange(math.prod(shape)).reshape(shape) % 4


NAMES = {
    "torch": torch, "Tensor": torch.Tensor, "math": math, "F": functional, "List": list,
    "Dict": dict, "Optional": Optional, "Tuple": tuple, "T": floats, "I": integers,
}  # fmt: skip


def programs() -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found.append(pytest.param(line, id=f"{path.stem}:{number}"))
    return found


def made(line: str) -> tuple[Callable[..., Any], list[tuple[Any, ...]]]:
    """The function of a line and its inputs."""
    head, _, rest = line.partition(": " if "->" not in line else "->")
    result, _, rest = rest.partition(": ")
    expression, *inputs = rest.split(" ; " if " ; " in rest else " | ")
    source = f"def program{head}->{result}:\n    return {expression}\n"
    file = f"<program {abs(hash(line))}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = {**NAMES, "__name__": "programs"}
    exec(compile(source, file, "exec", dont_inherit=True), names)
    return names["program"], [eval(f"({text},)", names) for text in inputs]


def test_there_are_enough_programs() -> None:
    runs = sum(len(made(parameter.values[0])[1]) for parameter in programs())
    assert len(programs()) + len(CASES) >= 400
    assert runs + sum(len(case.values[1]) for case in CASES) >= 900


@pytest.mark.parametrize("line", programs())
def test_program_agrees_with_torch(line: str) -> None:
    function, inputs = made(line)
    check_calls(function, inputs)


def _name_of(program: Any) -> str:
    return getattr(program, "__name__", type(program).__name__)


MODULES = (
    algorithms, aliases, classes, contexts, conversions, decisions, dicts, flow, generators,
    given_results, indexing, library, lists, mappings, members, memory, mixed, modules,
    named_tuples, narrowing, numbers, objects, overloading, raising, refinement, stateful,
    statements, tasks, tensors, texts, tuples,
)  # fmt: skip
CASES = [
    pytest.param(program, calls, id=f"{file.__name__.rpartition('.')[2]}:{_name_of(program)}")
    for file in MODULES
    for program, *calls in file.CASES
]


@pytest.mark.parametrize(("program", "calls"), CASES)
def test_longer_program_agrees_with_torch(program: Any, calls: list[tuple[Any, ...]]) -> None:
    check_calls(program, calls)
