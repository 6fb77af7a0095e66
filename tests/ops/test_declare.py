"""Every operator's reference runs under the same rules."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from treadle.ops import OPS


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("mm", ([[np.inf]], [[0.0]])),
        ("addmv", ([0.0], [[np.inf, 1.0]], [0.0, 1.0], 1, 1)),
        ("div.Tensor", ([0.0], [0.0])),
        ("softmax.int", ([np.inf, np.inf], 0, None)),
        ("sum", ([np.inf, -np.inf], None)),
    ],
)
def test_a_reference_says_nothing_of_nan(name: str, args: tuple[object, ...]) -> None:
    reference = OPS[name].reference
    assert reference is not None
    tensors = [np.array(a, np.float32) if isinstance(a, list) else a for a in args]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(reference(*tensors)).any()
