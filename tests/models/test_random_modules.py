"""Random modules, scripted and traced, from archives: torch's numbers for many shapes."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, note, settings

import treadle
from tests.models.random_modules import bodies, module_of, source_of
from treadle.interpreter import regions

pytestmark = [pytest.mark.torch, pytest.mark.native, pytest.mark.slow]

SHAPES = ((2, 4, 5, 6), (2, 4, 5, 6), (1, 4, 8, 7), (3, 4, 6, 6), (1, 4, 1, 3), (2, 4, 9, 3))
SLACK, LEAST = 20.0, 2e-5
"""Our error may be so many times torch's, or as large as this of the largest result."""


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(regions, "BIND_AFTER", 0)
        yield
    torch.set_num_threads(threads)


def archive_of(module: Any) -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return buffer.getvalue()


def outcome(model: Any, inputs: tuple[Any, ...]) -> list[Any] | None:
    """What a model gives, and what is in its arguments then; None if it fails."""
    try:
        results = model(*inputs)
    except (RuntimeError, IndexError, ValueError, treadle.Error):
        return None
    return [np.asarray(value).copy() for value in (*results, *inputs)]


def check(model: Any, module: Any, shapes: Any) -> None:
    """Check that Treadle runs the archive of `module` as torch does, by a double of it."""
    exact = copy.deepcopy(module).double()
    for seed, shape in enumerate(shapes):
        generator = torch.Generator().manual_seed(seed)
        a, b = (torch.randn(shape, generator=generator) for _ in range(2))
        double = outcome(exact, (a.double(), b.double()))
        theirs = outcome(module, (a.clone(), b.clone()))
        ours = outcome(model, (a.numpy().copy(), b.numpy().copy()))
        assert (ours is None) == (theirs is None), f"only one fails for {shape}"
        if theirs is None or double is None or ours is None:
            return  # what has been assigned before is not compared
        for mine, other, right in zip(ours, theirs, double, strict=True):
            assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
            compare(mine, other, right)


def compare(mine: np.ndarray, other: np.ndarray, right: np.ndarray) -> None:
    np.testing.assert_array_equal(np.isfinite(mine), np.isfinite(other))
    finite = np.isfinite(other) & np.isfinite(right)
    mine, other, right = (np.where(finite, array, 0) for array in (mine, other, right))
    scale = max(float(np.abs(right).max(initial=0.0)), 1e-3)
    error = float(np.abs(mine - right).max(initial=0.0)) / scale
    theirs = float(np.abs(other - right).max(initial=0.0)) / scale
    assume(theirs < 1e-4)  # a branch or an order that rounding decides
    assert error <= max(SLACK * theirs, LEAST), f"error {error}, torch's {theirs}"


@settings(max_examples=3)
@given(lines=bodies())
def test_random_modules_agree_scripted_and_traced(lines: list[str]) -> None:
    source = source_of(lines)
    note(source)
    torch.manual_seed(0)
    module = module_of(source)
    scripted = torch.jit.script(module)
    check(treadle.load(archive_of(scripted)), scripted, SHAPES)
    try:
        inputs = (torch.randn(SHAPES[0]), torch.randn(SHAPES[0]))
        traced = torch.jit.trace(Tensors(module), inputs, check_trace=False)
    except RuntimeError:  # it writes into its arguments, or fails for them
        return
    check(treadle.load(archive_of(traced)), traced, SHAPES[:2])


class Tensors(torch.nn.Module):
    """The tensors that a module gives: all that a trace can return."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.module(a, b)[:4])
