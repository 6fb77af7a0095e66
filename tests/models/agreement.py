"""Whole models against torch, at several numbers of threads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import treadle
from tests.support import as_arrays, largest_deviation
from treadle.compiler import Explanation

Array = np.ndarray[Any, Any]


def as_argument(value: Any) -> Any:
    """A tensor of torch, or a list of them, as Treadle is given it."""
    return [as_argument(v) for v in value] if isinstance(value, list) else value.numpy()


def check_agrees_with_torch(
    archive: Path, inputs: Sequence[Any], threads: Sequence[int], tolerance: float
) -> tuple[treadle.Module, Explanation]:
    """Check a model at every number of threads: torch's numbers, equal bits.

    Returns the model, and how it runs if the interpreter does not have to.
    """
    with torch.no_grad():
        expected = as_arrays(torch.jit.load(str(archive))(*inputs))
    module = treadle.load(str(archive))
    arrays = [as_argument(i) for i in inputs]
    explanation = module.explain(*arrays)
    first: tuple[bytes, ...] = ()
    for count in threads:
        treadle.set_num_threads(count)
        outputs = as_arrays(module(*arrays))
        _check_near(outputs, expected, tolerance)
        bits = tuple(output.tobytes() for output in outputs)
        first = first or bits
        assert bits == first, f"other bits at {count} threads"
    return module, explanation


def check_interpreter_agrees(archive: Path, inputs: Sequence[Any], tolerance: float) -> None:
    """Check a model that nothing plans: torch's numbers."""
    with torch.no_grad():
        expected = as_arrays(torch.jit.load(str(archive))(*inputs))
    module = treadle.load(str(archive), interpret=True)
    _check_near(as_arrays(module(*map(as_argument, inputs))), expected, tolerance)


def _check_near(actual: Sequence[Array], expected: Sequence[Array], tolerance: float) -> None:
    for ours, theirs in zip(actual, expected, strict=True):
        assert largest_deviation(ours, theirs) <= tolerance
