"""Running logarithms of sums of complex numbers, which no plan has, against torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import treadle

pytestmark = pytest.mark.torch
_INF, _NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("values", "dim"),
    [
        (np.random.default_rng(0).standard_normal((3, 7, 2)).view(np.complex128)[..., 0], 1),
        (np.random.default_rng(1).standard_normal((40, 2)).view(np.complex128)[:, 0] * 20, 0),
        (np.array([complex(-_INF, 0), complex(-_INF, 0), 1 + 1j, complex(2, _NAN), 3]), 0),
        (np.zeros((0, 2), np.complex64), 0),
        (np.array(2 + 1j, np.complex64), 0),
    ],
)
def test_complex_logarithms_of_running_sums_are_torchs(values: Any, dim: int) -> None:
    expected = torch.logcumsumexp(torch.from_numpy(values), dim).numpy()
    np.testing.assert_allclose(treadle.logcumsumexp(values, dim), expected, rtol=1e-6, atol=1e-9)
