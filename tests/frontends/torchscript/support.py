"""Runs one program by torch and by Treadle in all its ways, and compares what they do."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import torch

import treadle
from tests.frontends.torchscript.outcomes import Outcome, assert_same_outcome, observe
from tests.frontends.torchscript.outcomes import assert_same as assert_same
from treadle.frontends.torchscript.loader import LoadedModule, load_program
from treadle.frontends.torchscript.script import ScriptedFunction, script
from treadle.interpreter import call, restore_state, run
from treadle.interpreter.entry import bind_arguments
from treadle.ir.program import Object
from treadle.ir.verify import verify


def written(module: torch.jit.ScriptModule | torch.jit.ScriptFunction[Any, Any]) -> bytes:
    """The archive that torch writes."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return buffer.getvalue()


def load(module: torch.jit.ScriptModule | torch.jit.ScriptFunction[Any, Any]) -> LoadedModule:
    """What Treadle reads of an archive that torch writes."""
    return load_program(written(module), restore=restore_state)


def to_numpy(value: Any) -> Any:
    """A torch value as Treadle takes and represents it; tensors are copied."""
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
        case tuple():
            return tuple(copied(v) for v in value)
        case dict():
            return {k: copied(v) for k, v in value.items()}
    return value


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


def ways(program: Any, archive: bytes) -> dict[str, Callable[..., Any]]:
    """What Treadle makes of a program, to be called like torch's own; of a module its archive."""
    made: dict[str, Callable[..., Any]] = {
        "archive, planned": treadle.load(archive),
        "archive, interpreted": treadle.load(archive, interpret=True),
    }
    if not isinstance(program, torch.nn.Module):
        made["script, planned"] = treadle.script(program)
        made["script, interpreted"] = treadle.script(program, interpret=True)
    return made


_KEPT: list[Any] = []  # torch may free the code of a task that is still ending


def again(module: Any) -> torch.jit.ScriptModule:
    """What torch reads of the archive that Treadle writes."""
    buffer = io.BytesIO()
    treadle.save(module, buffer)
    buffer.seek(0)
    _KEPT.append(torch.jit.load(buffer))
    return _KEPT[-1]


def check(program: Any, *args: Any) -> None:
    """Run `program` on `args` by torch and in all of Treadle's ways; all must agree."""
    check_calls(program, [args])


def check_calls(program: Any, calls: Sequence[tuple[Any, ...]]) -> None:
    """Call `program`, a function or a module, several times; all ways must agree.

    They agree if they give the same values, print the same, change and share the same memory; or
    raise the same error, where the script itself raises, with one traceback in all modes. What
    comes from the archive is compared with what torch reads of it: torch writes ``1e10`` as an
    integer.
    """
    compiled = torch.jit.script(program)
    archive = written(compiled)
    references = {"archive": torch.jit.load(io.BytesIO(archive)), "script": compiled}
    _KEPT.append(references)
    made = ways(program, archive)
    with torch.jit.optimized_execution(False):  # torch's optimiser crashes with forks at times
        for args in calls:
            wanted = {name: observe(way, copied(args)) for name, way in references.items()}
            tracebacks: dict[str, set[str]] = {name: set() for name in references}
            for name, way in made.items():
                got = observe(way, to_numpy(args))
                kind = name.partition(",")[0]
                _compare(name, got, wanted[kind])
                tracebacks[kind].add(got.traceback)
            assert max(map(len, tracebacks.values())) <= 1, tracebacks
        for kind in {name.partition(",")[0] for name in made}:
            reread = again(treadle.load(archive) if kind == "archive" else made["script, planned"])
            fresh = torch.jit.load(io.BytesIO(archive)) if kind == "archive" else compiled
            _KEPT.append(fresh)
            for args in calls:
                want = observe(fresh, copied(args))
                _compare(f"{kind}, written by Treadle", observe(reread, copied(args)), want)


def _compare(name: str, got: Outcome, want: Outcome) -> None:
    try:
        assert_same_outcome(got, want)
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from error
