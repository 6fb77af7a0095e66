"""Programs that PyTorch rejects are rejected, with the place and with what would be accepted."""

from __future__ import annotations

import enum
import linecache
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

import pytest
import torch

import treadle

# Each begins with a comment: what the message says.
TEXT = (Path(__file__).parent / "wrong_programs.txt").read_text()
PROGRAMS = [block for block in TEXT.split("\n# ") if block.strip()]
NAMES = {
    "torch": torch, "List": list, "Dict": dict, "Tuple": tuple, "Optional": Optional,
    "Any": Any, "Union": Union, "NamedTuple": NamedTuple, "enum": enum, "__name__": "wrong",
}  # fmt: skip


def function_of(number: int) -> tuple[str, Callable[..., Any]]:
    """What is expected of a program, and its last function."""
    message, _, source = PROGRAMS[number].partition("\n")
    file = f"<wrong {number}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = dict(NAMES)
    exec(compile(source, file, "exec", dont_inherit=True), names)
    return message.removeprefix("# "), names["f"]


def test_there_are_enough_wrong_programs() -> None:
    assert len(PROGRAMS) >= 80


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_wrong_program_is_rejected_with_its_place(number: int) -> None:
    message, function = function_of(number)
    with pytest.raises(Exception):  # noqa: B017 - torch has many classes for this
        torch.jit.script(function)
    with pytest.raises(treadle.Error, match=re.escape(message)) as caught:
        treadle.script(function)
    assert re.search(r"\(<wrong \d+>:\d+:\d+\)\n +\S.*", str(caught.value))
