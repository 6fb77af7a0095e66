"""Running sums and products: lanes along rows or across them, the same at every thread count."""

import numpy as np
import pytest
import torch

from tests.plans import results_of, steps_of

pytestmark = pytest.mark.native


def _graph(line: str) -> str:
    return f"graph(%x: Tensor)\n%y: Tensor = {line}\nreturn %y"


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "float16"])
@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 70), (40, 2, 33), (2, 0, 3)])
def test_sums_run_along_any_dim(shape: tuple[int, ...], dim: int, dtype: str) -> None:
    x = np.random.default_rng(1).integers(-9, 9, shape).astype(dtype)
    (result,) = results_of(_graph(f"cumsum(%x, {dim}, None)"), x)
    wide = result.dtype
    np.testing.assert_array_equal(result, np.cumsum(x.astype(wide), dim, dtype=wide))


def test_long_sums_stay_close() -> None:
    x = np.random.default_rng(1).random(100_000, np.float32)
    (result,) = results_of(_graph("cumsum(%x, 0, None)"), x)
    exact = np.cumsum(x, dtype=np.float64)
    assert np.abs(result - exact).max() <= np.spacing(exact.max().astype(np.float32))


def test_sums_of_doubles_overflow_in_order_only() -> None:
    x = np.array([-1e308, 1e308, 1e308, 0.0] * 4)
    x[4:] = 0
    (result,) = results_of(_graph("cumsum(%x, 0, None)"), x)
    np.testing.assert_array_equal(result, np.cumsum(x))


def test_what_follows_is_part_of_the_kernel() -> None:
    text = "graph(%x: Tensor)\n%s: Tensor = cumprod(%x, -1, None)\n%y: Tensor = neg(%s)\nreturn %y"
    x = np.random.default_rng(1).random((3, 40)) + 0.5
    assert len(steps_of(text, x)) == 1
    np.testing.assert_allclose(results_of(text, x)[0], -np.cumprod(x, -1))


@pytest.mark.torch
@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 70), (40, 2, 33)])
@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_running_extrema_are_torchs(name: str, shape: tuple[int, ...], dim: int) -> None:
    x = np.random.default_rng(1).integers(-3, 4, shape).astype(np.float32)
    x[..., -1:] = np.nan
    text = (
        f"graph(%x: Tensor)\n%v: Tensor, %i: Tensor = {name}(%x, {dim})\n"
        "%y: Tuple[Tensor, Tensor] = tuple(%v, %i)\nreturn %y"
    )
    expected = getattr(torch, name)(torch.from_numpy(x), dim)
    for ours, theirs in zip(results_of(text, x), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs.numpy())
    assert len(steps_of(text, x)) == 3


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_running_sums_of_exponentials_do_not_overflow(dtype: str, dim: int) -> None:
    x = np.random.default_rng(1).standard_normal((70, 41)) * 300
    x[3, 5], x[:2, :3] = np.inf, -np.inf
    x = x.astype(dtype)
    (result,) = results_of(_graph(f"logcumsumexp(%x, {dim})"), x)
    wide = np.logaddexp.accumulate(x.astype(np.float64), axis=dim)
    np.testing.assert_allclose(result, wide, rtol=1e-6 if dtype == "float32" else 1e-14)
    assert steps_of(_graph(f"logcumsumexp(%x, {dim})"), x) == ["running_logsumexp"]
