"""Archives that Treadle writes, read by torch."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import torch

from treadle.frontends.torchscript.loader import LoadedModule
from treadle.frontends.torchscript.script import ScriptedFunction, script
from treadle.ir.program import Function, Object, Program
from treadle.saving import save


def torch_of(program: Program, root: Object | Function) -> torch.jit.ScriptModule:
    """What torch reads of the archive that Treadle writes."""
    buffer = io.BytesIO()
    save(program, root, buffer)
    buffer.seek(0)
    return torch.jit.load(buffer)


def saved_again(loaded: LoadedModule) -> torch.jit.ScriptModule:
    """A loaded archive, written and read again."""
    return torch_of(loaded.program, loaded.root)


def saved_script(function: Callable[..., Any]) -> torch.jit.ScriptModule:
    """A Python function compiled by Treadle, written, and read by torch."""
    scripted = script(function)
    assert isinstance(scripted, ScriptedFunction)
    return torch_of(scripted.program, scripted.function)
