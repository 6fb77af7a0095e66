"""Real archives, as torch writes them, from which fuzzing starts."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import torch

from tests.frontends.torchscript import (
    test_containers,
    test_control_flow,
    test_functions,
    test_modules,
    test_numbers,
    test_tasks,
    test_types,
)

_FUNCTIONS = (
    test_control_flow, test_containers, test_types, test_functions, test_tasks, test_numbers,
)  # fmt: skip
_MODULES = (
    test_modules.Block, test_modules.Lists, test_modules.UsesEnum, test_modules.UsesClass,
    test_modules.UsesInterface, test_modules.GivesNamedTuple, test_modules.WithState,
    test_modules.Shared, test_modules.Constants, test_modules.Forks, test_modules.Counter,
)  # fmt: skip


def archives(every: int = 1) -> list[bytes]:
    """Archives of small modules, and of one in `every` functions of the language's tests."""
    modules: Iterator[Any] = (torch.jit.script(make()) for make in _MODULES)
    cases = [case[0] for tests in _FUNCTIONS for case in tests.CASES]
    functions: Iterator[Any] = (torch.jit.script(function) for function in cases[::every])
    return [_written(module) for part in (modules, functions) for module in part]


def _written(module: Any) -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return buffer.getvalue()
