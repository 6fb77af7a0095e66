"""Hundreds of one-line programs: by torch, from an archive and as a script, interpreted, planned,
and written again for torch."""

from __future__ import annotations

import io
import linecache
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
import torch
from torch.nn import functional

import treadle
from tests.frontends.torchscript.support import assert_same, check, copied, to_numpy

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
    assert len(programs()) >= 250
    assert runs >= 400


@pytest.mark.parametrize("line", programs())
def test_program_agrees_with_torch(line: str) -> None:
    function, inputs = made(line)
    compiled, buffer = torch.jit.script(function), io.BytesIO()
    torch.jit.save(compiled, buffer)
    planned = (treadle.load(buffer.getvalue()), treadle.script(function))
    for args in inputs:
        check(function, *copied(list(args)))
        try:
            want = to_numpy(compiled(*copied(list(args))))
        except Exception:  # torch has many classes for a script's errors
            for model in planned:
                with pytest.raises(treadle.errors.ScriptError):
                    model(*copied(list(args)))
            continue
        for model in planned:
            assert_same(plain(model(*copied(list(args)))), want)


def plain(value: Any) -> Any:
    """A result with tensors as arrays."""
    match value:
        case treadle.Tensor():
            return np.asarray(value)
        case list() | tuple():
            return type(value)([plain(part) for part in value])
        case dict():
            return {key: plain(part) for key, part in value.items()}
    return value
