"""Errors come between the effects where they come in PyTorch; what nobody uses may not fail."""

from __future__ import annotations

import contextlib
import io
import itertools
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import treadle
from treadle.errors import Error
from treadle.interpreter import regions

pytestmark = pytest.mark.torch
numbers = itertools.count()

PROGRAMS = {
    "an unused element out of range": "y = x[7]\n    return x + 1.0",
    "an unused view that does not fit": "y = x.view(7)\n    return torch.relu(x)",
    "an unused product that does not fit": "y = x @ torch.ones(9, 2)\n    return x * 2.0",
    "an unused row of an embedding": "y = torch.index_select(x, 0, i + 9)\n    return x - 1.0",
    "a used element out of range": "y = torch.relu(x)[7]\n    return y + 1.0",
    "an error after a print": "print('before')\n    return x.view(7)",
    "an error before a print": "y = (x * 2.0).view(7)\n    print('after')\n    return y",
    "an error after a print of a tensor": "y = x + 1.0\n    print(y.sum())"
    "\n    return y @ y.sum(0)[:2]",
    "an error after a write": "x.add_(1.0)\n    return torch.relu(x).view(7)",
    "an error before a write": "y = torch.relu(x).view(7)\n    x.add_(1.0)\n    return y",
    "an error between writes": "x[0] = 5.0\n    y = x @ x[:3]\n    x[1] = 6.0\n    return y",
    "an unused error between writes": "x[0] = 5.0\n    y = x @ x[:3]\n    x[1] = 6.0"
    "\n    return x + 1",
    "a raise before an error": "if bool(x.sum() > -9e9):\n        raise ValueError('first')"
    "\n    return x[9]",
    "an error before a raise": "y = torch.index_select(x, 0, i + 9)\n    if bool(y.sum() > 0.0):\n"
    "        raise ValueError('second')\n    return y",
    "an error in a branch not taken": "y = x\n    if bool(x.sum() > 9e9):\n        y = x.view(7)"
    "\n    return y",
    "an error in the last round of a loop": "y = x\n    for k in range(6):\n        print(k)\n"
    "        y = y + x[k]\n    return y",
    "an unused error in a loop": "for k in range(6):\n        print(k)\n        y = x[k]"
    "\n    return x",
    "an assertion after an unused error": "y = x.view(7)\n    assert x.size(0) == 3, 'rows'"
    "\n    return x",
    "a task that fails after a print": "t = torch.jit.fork(refuse, x)\n    print('on')\n"
    "    return torch.jit.wait(t)",
}  # fmt: skip
HEAD = "def refuse(x):\n    return torch.relu(x).view(7)\ndef program(x, i):\n    "


def function_of(body: str) -> Callable[..., Any]:
    source = f"{HEAD}{body}\n"
    file = f"<effects {next(numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"torch": torch, "__name__": "programs"}
    exec(compile(source, file, "exec", dont_inherit=True), names)
    function: Callable[..., Any] = names["program"]
    return function


def outcome(call: Callable[..., Any], make: Callable[[np.ndarray], Any]) -> Any:
    """Whether a call fails, what it gives and prints, and the argument afterwards."""
    x, i, printed = np.arange(16, dtype=np.float32).reshape(4, 4) - 5, np.arange(3), io.StringIO()
    result = None
    failures = contextlib.suppress(RuntimeError, Error, IndexError, torch.jit.Error)
    with contextlib.redirect_stdout(printed), failures:
        result = np.asarray(call(make(x), make(i))).tolist()
    return result, printed.getvalue(), x.tolist()


@pytest.mark.parametrize("body", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_errors_and_effects_come_in_pytorchs_order(
    body: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(regions, "BIND_AFTER", 0)
    function = function_of(body)
    wanted = outcome(torch.jit.script(function), torch.from_numpy)
    wanted = (wanted[0], wanted[1] + capfd.readouterr().out, wanted[2])
    for interpret in (False, True):
        found = outcome(treadle.script(function, interpret=interpret), treadle.Tensor)
        if interpret and wanted[0] is not None:
            continue  # nothing is dropped there, errors neither
        assert found == wanted
