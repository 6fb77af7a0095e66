"""What a user tries out with tensors at hand runs the same as a script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import treadle
import treadle.nn.functional as F  # noqa: N812  torch's custom
from treadle import Tensor

SOURCE = np.random.default_rng(0)
IMAGE = SOURCE.standard_normal((2, 4, 6, 6)).astype(np.float32)
ROWS = SOURCE.standard_normal((4, 6)).astype(np.float32)
CHANNELS = SOURCE.standard_normal(4).astype(np.float32)


def block(x: Tensor, mean: Tensor) -> Tensor:
    y = F.batch_norm(x, mean, mean * mean, None, None, False)
    return F.relu(F.interpolate(y, scale_factor=2.0, mode="nearest"), inplace=True)


def head(x: Tensor) -> Tensor:
    y = F.normalize(F.leaky_relu(x, 0.1), dim=1)
    return F.softmax(F.dropout(y, 0.5, False), dim=-1) + F.softsign(x) * F.tanhshrink(x)


def lookup(x: Tensor, ids: Tensor) -> Tensor:
    return F.embedding(ids, x, padding_idx=1) + F.silu(x[:2]).sum()


def losses(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x, y, reduction="sum") + F.l1_loss(x, y) + F.logsigmoid(x).mean()


def spectrum(x: Tensor) -> Tensor:
    return treadle.special.expit(x) + treadle.linalg.vector_norm(x, 2.0)


def sampled(x: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(x, grid, padding_mode="border", align_corners=True)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (block, (IMAGE, CHANNELS)),
        (head, (ROWS,)),
        (lookup, (ROWS, np.array([[0, 3]]))),
        (losses, (ROWS, ROWS[::-1].copy())),
        (spectrum, (ROWS,)),
        (sampled, (IMAGE, np.tanh(SOURCE.standard_normal((2, 3, 3, 2))).astype(np.float32))),
    ],
)
def test_a_function_runs_the_same_scripted(
    function: Callable[..., Tensor], arguments: tuple[Any, ...]
) -> None:
    tensors = [treadle.from_numpy(a) for a in arguments]
    expected = function(*tensors).numpy()
    result = treadle.script(function)(*tensors).numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
