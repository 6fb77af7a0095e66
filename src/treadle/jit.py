"""Where models come from: `load` for archives, `script` for Python functions and modules."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from treadle.frontends.torchscript.loader import load_program
from treadle.frontends.torchscript.script import ScriptedFunction
from treadle.frontends.torchscript.script import script as compile_script
from treadle.interpreter.entry import restore_state
from treadle.model import Method, Module
from treadle.runtime import Future, fork, wait
from treadle.tensor import Tensor

__all__ = ["Future", "fork", "load", "script", "wait"]


def load(source: str | os.PathLike[str] | bytes | BinaryIO, *, interpret: bool = False) -> Module:
    """The model in a TorchScript archive, as ``torch.jit.save`` writes it.

    Nothing in the file is executed but TorchScript; weights are mapped, not copied.

    Args:
        source: a path, the bytes, or a binary file object.
        interpret: run everything in the reference interpreter, slowly; for comparisons.

    Raises:
        ArchiveError: if it is not an archive, or a damaged or hostile one.
        CompileError: if its source is not TorchScript.
        UnsupportedError: if it needs what Treadle does not implement.
    """
    loaded = load_program(source, restore=restore_state)
    return Module(loaded.program, loaded.root, interpret=interpret)


def script(value: Any, *, interpret: bool = False) -> Any:
    """Compile a Python function or module; usable as a decorator.

    Args:
        value: a function, whose parameters without annotation are tensors; an object with a
            ``forward`` method, whose attributes that are arrays or tensors become parameters; or a
            class of such objects, whose instances are then compiled as they are made.
        interpret: as for `load`.

    Returns:
        A `Method` for a function, a `Module` for an object, a function that makes modules for a
        class.

    Raises:
        CompileError: with the place in the source, if it is not TorchScript.
    """
    if isinstance(value, type):
        return _scripted_class(value, interpret)
    if not callable(value) or hasattr(value, "forward"):
        _share_arrays(value)
    scripted = compile_script(value)
    if isinstance(scripted, ScriptedFunction):
        method = Method(scripted.program, scripted.function, None, interpret=interpret)
        functools.update_wrapper(method, value)  # other scripts that call it find its source
        return method
    return Module(scripted.program, scripted.root, interpret=interpret)


def _scripted_class(cls: type, interpret: bool) -> Callable[..., Module]:
    @functools.wraps(cls, updated=())
    def make(*args: Any, **kwargs: Any) -> Module:
        module = script(cls(*args, **kwargs), interpret=interpret)
        assert isinstance(module, Module)
        return module

    return make


def _share_arrays(value: Any) -> None:
    """Let tensors among the attributes of an object be the arrays that they are views of."""
    for name, attribute in list(getattr(value, "__dict__", {}).items()):
        if isinstance(attribute, Tensor):
            setattr(value, name, np.asarray(attribute))
