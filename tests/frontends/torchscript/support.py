"""Runs one Python function as TorchScript, from an archive and as a script, and compares."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.frontends.torchscript.roundtrip import saved_again, saved_script
from treadle.errors import ScriptError
from treadle.frontends.torchscript.loader import LoadedModule, load_program
from treadle.frontends.torchscript.script import ScriptedFunction, script
from treadle.interpreter import call, restore_state, run
from treadle.interpreter.entry import bind_arguments
from treadle.ir.program import EnumValue, Object
from treadle.ir.verify import verify


def load(module: torch.jit.ScriptModule | torch.jit.ScriptFunction[Any, Any]) -> LoadedModule:
    """What Treadle reads of an archive that torch writes."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return load_program(buffer.getvalue(), restore=restore_state)


def to_numpy(value: Any) -> Any:
    """A torch result as Treadle represents it."""
    match value:
        case torch.Tensor():
            return value.detach().numpy().copy()
        case list():
            return [to_numpy(v) for v in value]
        case tuple():
            return tuple(to_numpy(v) for v in value)
        case dict():
            return {to_numpy(k): to_numpy(v) for k, v in value.items()}
    return value


def copied(value: Any) -> Any:
    """A copy of an argument, so that in-place changes stay with one run."""
    match value:
        case torch.Tensor():
            return value.clone()
        case list():
            return [copied(v) for v in value]
        case dict():
            return {k: copied(v) for k, v in value.items()}
    return value


def assert_same(got: Any, want: Any) -> None:
    """Compare results of Treadle and torch, types included."""
    if isinstance(want, np.ndarray):
        assert isinstance(got, np.ndarray), got
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    elif isinstance(want, (list, tuple)):
        assert isinstance(got, (list, tuple)), got
        assert len(got) == len(want), (got, want)
        for g, w in zip(got, want, strict=True):
            assert_same(g, w)
    elif isinstance(want, dict):
        assert list(got) == list(want)
        assert_same(list(got.values()), list(want.values()))
    elif isinstance(got, EnumValue):
        assert got.name == want.name
    elif isinstance(want, float):
        assert type(got) is float
        np.testing.assert_allclose(got, want, rtol=1e-15, atol=0)
    else:
        assert type(got) is type(want), (got, want)
        assert got == want


def run_script(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Compile `function` with Treadle and run it."""
    scripted = script(function)
    assert isinstance(scripted, ScriptedFunction)
    graph = scripted.function.graph()
    verify(graph)
    values = bind_arguments(scripted.function, args, {}, scripted.program)
    return run(scripted.program, graph, values)


def run_archive(module: Any, args: tuple[Any, ...], method: str = "__call__") -> Any:
    """Save a scripted module or function with torch, and run it with Treadle."""
    loaded = load(module)
    verify_all(loaded.root)
    return call(loaded.program, loaded.root, method, args)


def verify_all(root: Object) -> None:
    """Verify the graphs of all methods of an object and of those it holds."""
    for function in root.cls.methods.values():
        verify(function.graph())
    for value in root.attributes.values():
        if isinstance(value, Object):
            verify_all(value)


def check(function: Callable[..., Any], *args: Any) -> Any:
    """Run `function` by torch, from an archive and as a script; all must agree.

    A function that raises must raise everywhere.
    """
    compiled = torch.jit.script(function)
    numpy_args = tuple(to_numpy(copied(a)) for a in args)
    try:
        want = to_numpy(compiled(*copied(list(args))))
    except Exception as error:  # torch has many classes for a script's errors
        _check_failures(function, compiled, numpy_args, str(error))
        return None
    assert_same(run_archive(compiled, to_numpy(copied(list(args)))), want)
    assert_same(run_script(function, tuple(to_numpy(copied(list(args))))), want)
    for written in (saved_again(load(compiled)), saved_script(function)):
        assert_same(to_numpy(written(*copied(list(args)))), want)
    return want


def _check_failures(
    function: Callable[..., Any], compiled: Any, args: tuple[Any, ...], error: str
) -> None:
    """Both ways must fail; a message that the script itself chose must be the same."""
    message = error.strip().splitlines()[-1].partition(": ")[2]
    expected = re.escape(message) if message.startswith("MSG") else ""
    with pytest.raises(ScriptError, match=expected or None):
        run_archive(compiled, args)
    with pytest.raises(ScriptError, match=expected or None):
        run_script(function, args)
