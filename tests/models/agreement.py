"""Whole models against torch, at several numbers of threads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import treadle
from tests.support import as_arrays, largest_deviation
from treadle.compiler import Explanation


def as_argument(value: Any) -> Any:
    """A tensor of torch, or a list of them, as Treadle is given it."""
    return [as_argument(v) for v in value] if isinstance(value, list) else value.numpy()


def check_agrees_with_torch(
    archive: Path, inputs: Sequence[Any], threads: Sequence[int], tolerance: float
) -> Explanation:
    """Check a model at every number of threads: torch's numbers, equal bits.

    Returns how the model runs.
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
        for ours, theirs in zip(outputs, expected, strict=True):
            assert largest_deviation(ours, theirs) <= tolerance
        bits = tuple(output.tobytes() for output in outputs)
        first = first or bits
        assert bits == first, f"other bits at {count} threads"
    return explanation
