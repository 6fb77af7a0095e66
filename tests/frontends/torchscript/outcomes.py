"""What a run of a program did: its result, what it printed, changed, shared, or how it failed."""

from __future__ import annotations

import contextlib
import enum
import io
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import treadle
from treadle.errors import Error, ScriptError
from treadle.ir.program import EnumValue


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run did, in terms that torch and Treadle have in common.

    Attributes:
        result: with tensors as arrays; None if it failed.
        arguments: the arguments, as the run left them.
        printed: what went to standard output.
        warned: messages of warnings.
        shared: pairs of tensors that share memory, numbered through the arguments and the result.
        error: class and message, if it failed; the class is None where torch gives none.
        traceback: of the script, where Treadle gave one.
    """

    result: Any
    arguments: Any
    printed: str
    warned: tuple[str, ...]
    shared: frozenset[tuple[int, int]]
    error: tuple[str | None, str] | None
    traceback: str = ""


def observe(call: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    """Run `call` on `args`, which it may change."""
    out, error, result, traceback = io.StringIO(), None, None, ""
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(out):
        warnings.simplefilter("always")
        try:
            result = plain(call(*args))
        except Exception as failure:  # torch has many classes for a script's errors
            error = _failure(failure)
            traceback = str(failure).partition("\n\nTraceback of TorchScript")[2]
    warned = tuple(str(w.message) for w in caught if issubclass(w.category, UserWarning))
    arguments = plain(list(args))
    shared = _shared([*_arrays(arguments), *_arrays(result)])
    return Outcome(result, arguments, out.getvalue(), warned, shared, error, traceback)


def plain(value: Any) -> Any:
    """A value of torch or of Treadle, with tensors as arrays of the same memory."""
    match value:
        case torch.Tensor():
            return value.detach().resolve_conj().numpy()
        case treadle.Tensor():
            return np.asarray(value)
        case enum.Enum() | EnumValue():
            return value.name, value.value
        case tuple() if hasattr(value, "_fields"):
            return {field: plain(part) for field, part in zip(value._fields, value, strict=True)}
        case list() | tuple():
            return type(value)([plain(part) for part in value])
        case dict():
            return {plain(key): plain(part) for key, part in value.items()}
        case torch.device():
            return str(value)
    return str(value) if type(value).__name__ == "Device" else value


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _arrays(part)


def _shared(arrays: list[np.ndarray[Any, Any]]) -> frozenset[tuple[int, int]]:
    return frozenset(
        (i, j)
        for j, second in enumerate(arrays)
        for i, first in enumerate(arrays[:j])
        if np.shares_memory(first, second)
    )


_CLASS = re.compile(r"(?:[\w.]*\.)?(\w+): ?(.*)", re.DOTALL)


def _failure(error: Exception) -> tuple[str | None, str]:
    """The class that the script named, if it did, and the message.

    Torch says ``RuntimeError`` of all that its operators refuse, so that this says nothing.
    """
    if isinstance(error, ScriptError):
        return error.script_class, str(error).partition("\n\nTraceback of TorchScript")[0]
    if isinstance(error, Error):
        return None, str(error)
    text = str(error).rpartition("\nTraceback of TorchScript")[2].rstrip("\n")
    place = re.search(r"^(?:[\w.]*\.)?\w*(?:Error|Exception|Err|Warning)\b.*", text, re.M | re.S)
    last = place[0] if place else text.splitlines()[-1]
    found = _CLASS.match(last)
    name, message = (found[1], found[2]) if found else (None, last)
    inner = _CLASS.match(message)
    if name == "RuntimeError" and inner and inner[1].endswith("Error") and " " not in inner[1]:
        name, message = inner[1], inner[2]
    is_raised = isinstance(error, torch.jit.Error)
    return (name if is_raised or name != "RuntimeError" else None), message


def assert_same_outcome(got: Outcome, want: Outcome) -> None:
    """Compare what a run of Treadle did with what torch did."""
    if want.error is not None:
        assert got.error is not None, f"torch failed: {want.error}, Treadle gave {got.result!r}"
        name, message = want.error
        if name is not None:
            assert got.error[0] == name, (got.error, want.error)
            if name != "AssertionError" or message:
                assert got.error[1] == message, (got.error, want.error)
    else:
        assert got.error is None, got.error
        assert_same(got.result, want.result)
    assert_same(got.arguments, want.arguments)
    assert got.printed == want.printed
    assert got.warned == want.warned
    assert got.shared == want.shared, "tensors share memory differently"


def assert_same(got: Any, want: Any) -> None:
    """Compare results of Treadle and torch, types included."""
    if isinstance(got, EnumValue):
        got = plain(got)
    if isinstance(want, np.ndarray):
        assert isinstance(got, np.ndarray), got
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    elif isinstance(want, (list, tuple)):
        assert type(got) is type(want), (got, want)
        assert len(got) == len(want), (got, want)
        for g, w in zip(got, want, strict=True):
            assert_same(g, w)
    elif isinstance(want, dict):
        assert isinstance(got, dict), (got, want)
        assert list(got) == list(want)
        assert_same(list(got.values()), list(want.values()))
    elif isinstance(want, float):
        assert type(got) is float, (got, want)
        np.testing.assert_allclose(got, want, rtol=1e-15, atol=0)
    else:
        assert type(got) is type(want), (got, want)
        assert got == want
