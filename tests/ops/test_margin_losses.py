"""The margin loss of classes, as torch has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import treadle
from treadle.errors import IndexOutOfRange, InputError


def _loss(library: Any, *args: Any, **options: Any) -> Any:
    functional = library.nn.functional
    return functional.multi_margin_loss(*map(library.tensor, args), **options)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "classes"), [(1, 1), (3, 5), (7, 2)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("p", [1, 2])
def test_losses_are_those_of_torch(
    dtype: str, rows: int, classes: int, reduction: str, p: int
) -> None:
    rng = np.random.default_rng(6)
    x = rng.standard_normal((rows, classes)).astype(dtype)
    right = rng.integers(0, classes, rows)
    weight = rng.random(classes).astype(dtype)
    for margin in (1.0, -0.5):
        options: dict[str, Any] = {"p": p, "margin": margin, "reduction": reduction}
        expected = _loss(torch, x, right, **options).numpy()
        np.testing.assert_allclose(
            _loss(treadle, x, right, **options).numpy(), expected, 1e-5, strict=True
        )
        expected = _loss(torch, x, right, **options, weight=torch.tensor(weight)).numpy()
        found = _loss(treadle, x, right, **options, weight=treadle.tensor(weight)).numpy()
        np.testing.assert_allclose(found, expected, 1e-5, 1e-6, strict=True)


@pytest.mark.torch
def test_one_sample_needs_no_rows() -> None:
    x = np.array([0.5, -1.0, 2.0], np.float32)
    for right in (np.array(1), np.array([1])):
        expected = _loss(torch, x, right, reduction="none").numpy()
        np.testing.assert_allclose(
            _loss(treadle, x, right, reduction="none").numpy(), expected, 1e-6, strict=True
        )


def test_no_rows_have_no_losses() -> None:
    found = _loss(treadle, np.zeros((0, 4)), np.zeros(0, np.int64), reduction="none")
    assert found.shape == (0,)


def test_bad_arguments_are_refused() -> None:
    x, right = np.zeros((2, 3)), np.array([0, 2])
    with pytest.raises(IndexOutOfRange, match=r"multi_margin_loss: .* 3 is out of range"):
        _loss(treadle, x, right + 1)
    with pytest.raises(InputError, match="argument p must be 1 or 2, got 3"):
        _loss(treadle, x, right, p=3)
    with pytest.raises(InputError, match=r"target must be i64\[2\], got i64\[3\]"):
        _loss(treadle, x, np.zeros(3, np.int64))
    with pytest.raises(InputError, match=r"weight \[2\] for 3 classes"):
        _loss(treadle, x, right, weight=treadle.ones(2))
