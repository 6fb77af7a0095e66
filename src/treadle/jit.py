"""Where models come from: `load` for archives, `script` for Python functions and modules.

Whatever of ``torch.jit`` has a meaning for inference is here under its name.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, ParamSpec, Protocol, TypeVar, overload

import numpy as np

from treadle.eager.creation import check_options
from treadle.errors import InputError
from treadle.errors import ScriptError as Error
from treadle.frontends.torchscript.loader import load_program
from treadle.frontends.torchscript.script import ScriptedFunction
from treadle.frontends.torchscript.script import script as compile_script
from treadle.interpreter.entry import restore_state
from treadle.jit_language import (
    Attribute,
    Final,
    annotate,
    export,
    ignore,
    interface,
    is_scripting,
    is_tracing,
    isinstance,
    optimized_execution,
    script_if_tracing,
    strict_fusion,
    unused,
)
from treadle.method import Method
from treadle.method import Method as ScriptFunction
from treadle.model import Module
from treadle.model import Module as ScriptModule
from treadle.runtime import Future, fork, wait
from treadle.saving.archive import check_target
from treadle.saving.archive import save as save_archive
from treadle.tensor import Tensor

__all__ = [
    "Attribute",
    "Error",
    "Final",
    "Future",
    "ScriptFunction",
    "ScriptModule",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "optimize_for_inference",
    "optimized_execution",
    "save",
    "script",
    "script_if_tracing",
    "strict_fusion",
    "unused",
    "wait",
]

if TYPE_CHECKING:
    from treadle._scripted import TypedMethod

_SOURCES = (str, os.PathLike, bytes, bytearray, memoryview)
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class _HasForward(Protocol):
    def forward(self, *args: Any, **kwargs: Any) -> Any: ...


def load(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    map_location: Any = None,
    *,
    interpret: bool = False,
    extra_files: dict[str, Any] | None = None,
) -> Module:
    """The model in a TorchScript archive, as ``torch.jit.save`` writes it.

    Nothing in the file is executed but TorchScript; weights are mapped, not copied.

    Args:
        source: a path, the bytes, or a binary file object.
        map_location: None or the CPU, to which weights saved on another device come anyway.
        interpret: run everything in the reference interpreter, slowly; for comparisons.
        extra_files: each of its keys gets the bytes that were saved under that name.

    Raises:
        ArchiveError: if it is not an archive, or a damaged or hostile one.
        CompileError: if its source is not TorchScript.
        UnsupportedError: if it needs what Treadle does not implement.
        InputError: if `source` is nothing to read, or `map_location` another device.
    """
    check_options("load", map_location, requires_grad=False)
    if not (builtins.isinstance(source, _SOURCES) or hasattr(source, "read")):
        raise InputError(f"load takes a path, bytes or a binary file, got {type(source).__name__}")
    loaded = load_program(source, restore=restore_state)
    if extra_files is not None:
        extra_files.update(
            {n: loaded.extra_files[n] for n in extra_files if n in loaded.extra_files}
        )
    return Module(loaded.program, loaded.root, interpret=interpret)


def save(
    module: Module | Method,
    target: str | os.PathLike[str] | BinaryIO,
    *,
    extra_files: Mapping[str, str | bytes] | None = None,
) -> None:
    """Write an archive that `load` and ``torch.jit.load`` read, with the values of now.

    A file of that name is replaced once the archive is whole, so a model may be saved over itself.

    Args:
        module: a module, or a function that `script` compiled.
        target: a path, or a binary file object to write to.
        extra_files: contents by name, to be read back with the archive.

    Raises:
        UnsupportedError: if something in the module has no form in PyTorch's format.
    """
    check_target(target)
    if builtins.isinstance(module, Method):
        save_archive(module._source, module.function, target, extra_files)
    elif builtins.isinstance(module, Module):
        save_archive(module._program, module._object, target, extra_files)
    else:
        raise InputError(f"save takes a Module or a Method, got {type(module).__name__}")


@overload
def script(  # type: ignore[overload-overlap]  # classes are no functions here
    value: type[Any], *, interpret: bool = ...
) -> Callable[..., Module]: ...
@overload
def script(value: _HasForward, *, interpret: bool = ...) -> Module: ...
@overload
def script(
    value: Callable[_Parameters, _Result], *, interpret: bool = ...
) -> TypedMethod[_Parameters, _Result]: ...
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

    A module of PyTorch is compiled by PyTorch, and read from the archive that this writes.

    Raises:
        CompileError: with the place in the source, if it is not TorchScript.
        InputError: if `value` is none of these.
    """
    if _is_torch_module(value):
        return _from_torch(value, interpret)
    if builtins.isinstance(value, type):
        return _scripted_class(value, interpret)
    if not (callable(value) or hasattr(value, "forward")):
        raise InputError(
            f"script takes a function, or an object with a method forward, got {value!r}"
        )
    if hasattr(value, "forward"):
        _share_arrays(value)
    scripted = compile_script(value)
    if builtins.isinstance(scripted, ScriptedFunction):
        method = Method(scripted.program, scripted.function, None, interpret=interpret)
        functools.update_wrapper(method, value)  # other scripts that call it find its source
        return method
    return Module(scripted.program, scripted.root, interpret=interpret)


def freeze(
    mod: Module,
    preserved_attrs: list[str] | None = None,
    optimize_numerics: bool = True,
    preserve_parameters: bool = False,
) -> Module:
    """`mod` in evaluation mode: plans take its attributes as constants, whatever is asked here."""
    return mod.eval()


def optimize_for_inference(mod: Module, other_methods: list[str] | None = None) -> Module:
    """`mod` in evaluation mode: plans are optimised when they are made."""
    return mod.eval()


def _is_torch_module(value: Any) -> bool:
    """Whether `value` is an ``nn.Module``, or something that ``torch.jit`` compiled."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    kinds = (torch.nn.Module, torch.jit.ScriptFunction)
    return builtins.isinstance(value, kinds)


def _from_torch(value: Any, interpret: bool) -> Any:
    """What PyTorch, which made `value`, writes of it."""
    torch, buffer = sys.modules["torch"], io.BytesIO()
    torch.jit.save(torch.jit.script(value), buffer)
    return load(buffer.getvalue(), interpret=interpret)


def _scripted_class(cls: type, interpret: bool) -> Callable[..., Module]:
    @functools.wraps(cls, updated=())
    def make(*args: Any, **kwargs: Any) -> Module:
        module = script(cls(*args, **kwargs), interpret=interpret)
        assert builtins.isinstance(module, Module)
        return module

    return make


def _share_arrays(value: Any) -> None:
    """Let tensors among the attributes of an object be the arrays that they are views of."""
    for name, attribute in list(getattr(value, "__dict__", {}).items()):
        if builtins.isinstance(attribute, Tensor):
            setattr(value, name, np.asarray(attribute))
