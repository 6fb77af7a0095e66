"""Plans of pooling against torch, for every layout of the operand."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from tests.plans import Array, results_of

pytestmark = [pytest.mark.native, pytest.mark.torch]
torch.set_num_threads(1)
_POOLS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("max_pool2d", ([3, 2], [2, 1], [1, 1], [1, 2], False)),
    ("max_pool2d", ([3, 3], [2, 2], [1, 1], [1, 1], True)),
    ("avg_pool2d", ([3, 2], [2, 1], [1, 1], False, True, None)),
    ("avg_pool2d", ([3, 3], [2, 2], [1, 0], True, False, None)),
    ("avg_pool2d", ([2, 3], [1, 2], [0, 1], True, True, 5)),
    ("adaptive_avg_pool2d", ([3, 4],)),
    ("adaptive_avg_pool2d", ([1, 1],)),
    ("adaptive_avg_pool2d", ([9, 20],)),
)


def _pool(name: str, x: torch.Tensor, options: tuple[Any, ...]) -> Array:
    if name == "max_pool2d":
        kernel, stride, padding, dilation, ceil = options
        result = torch.nn.functional.max_pool2d(x, kernel, stride, padding, dilation, ceil)
    else:
        result = getattr(torch.nn.functional, name)(x, *options)
    return np.asarray(result.numpy())


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("name", "options"), _POOLS)
def test_pool_gives_torchs_result_in_every_layout(
    name: str, options: tuple[Any, ...], dtype: str
) -> None:
    for order in itertools.permutations(range(4)):
        shape = [2, 19, 7, 8]
        given = np.random.default_rng(0).standard_normal([shape[d] for d in order]).astype(dtype)
        back = [order.index(d) for d in range(4)]
        (actual,) = results_of(
            f"""
            graph(%x: Tensor)
            %v: Tensor = permute(%x, {back})
            %y: Tensor = {name}(%v, {", ".join(map(str, options))})
            return %y
            """,
            given,
        )
        want = _pool(name, torch.tensor(given.transpose(back)), options)
        assert actual.shape == want.shape
        np.testing.assert_allclose(actual, want, rtol=0, atol=1e-5 if dtype == "f4" else 1e-14)


@pytest.mark.parametrize("shape", [(3, 6, 6), (0, 3, 6, 6), (2, 1, 3, 1)])
def test_pool_of_few_and_no_images(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    (actual,) = results_of(
        """
        graph(%x: Tensor)
        %y: Tensor = max_pool2d(%x, [3, 1], [1, 1], [1, 0], [1, 1], False)
        %z: Tensor = relu(%y)
        return %z
        """,
        x,
    )
    want = torch.nn.functional.max_pool2d(torch.tensor(x), (3, 1), 1, (1, 0)).relu().numpy()
    np.testing.assert_array_equal(actual, want)


def test_what_precedes_a_pool_is_a_kernel_of_its_own() -> None:
    """The window reads each element several times."""
    x = np.random.default_rng(0).standard_normal((1, 3, 6, 6)).astype(np.float32)
    (actual,) = results_of(
        """
        graph(%x: Tensor)
        %a: Tensor = tanh(%x)
        %y: Tensor = max_pool2d(%a, [3, 3], [1, 1], [1, 1], [1, 1], False)
        %z: Tensor = neg(%y)
        return %z
        """,
        x,
    )
    want = -torch.nn.functional.max_pool2d(torch.tensor(np.tanh(x)), 3, 1, 1).numpy()
    np.testing.assert_allclose(actual, want, rtol=0, atol=1e-6)
