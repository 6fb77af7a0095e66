"""What tests of several areas share: models as archives, torch as the oracle."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[1] / "src" / "treadle" / "data"


def as_arrays(output: Any) -> tuple[NDArray[Any], ...]:
    """The tensors of a model's output, of either engine, as NumPy arrays."""
    if isinstance(output, dict):
        output = tuple(output.values())
    tensors = output if isinstance(output, tuple | list) else (output,)
    return tuple(np.asarray(tensor.numpy()) for tensor in tensors)


def largest_deviation(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Largest difference of two arrays of one shape, relative to the largest of `theirs`."""
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    if not theirs.size:
        return 0.0
    scale = float(np.abs(theirs).max()) or 1.0
    return float(np.abs(ours - theirs).max()) / scale
