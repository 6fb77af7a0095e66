"""Operators that only TorchScript has, against the Python functions that compile to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from treadle.errors import ShapeError, UnsupportedError
from treadle.ops import OPS

pytestmark = pytest.mark.torch
_IMAGE = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)


@pytest.mark.parametrize(
    ("size", "factor", "mode", "align"),
    [
        (None, 2.0, "nearest", None),
        (None, 1.5, "bilinear", False),
        (5, None, "bilinear", True),
        (None, 2.5, "bilinear", None),
    ],
)
@pytest.mark.parametrize("recompute", [None, True])
def test_interpolate_is_torchs(
    size: int | None, factor: float | None, mode: str, align: bool | None, recompute: bool | None
) -> None:
    if size is not None and recompute:
        pytest.skip("torch refuses both")
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(_IMAGE), size, factor, mode, align, recompute
    )
    result = OPS["__interpolate"].reference(_IMAGE, size, factor, mode, align, recompute, False)  # type: ignore[misc]
    np.testing.assert_allclose(result, expected.numpy(), rtol=1e-5, atol=1e-5)


def test_interpolation_of_other_kinds_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="mode 'area' over 2 dims"):
        OPS["__interpolate"].reference(_IMAGE, 4, None, "area", None, None, False)  # type: ignore[misc]


@pytest.mark.parametrize(
    "data", [[1, 2, 3], [[1.5, 2.0], [3.0, 4.0]], [True, False], [], [[1], [2]], [1, 2.5]]
)
def test_tensor_of_lists_is_torchs(data: Any) -> None:
    expected = torch.tensor(data).numpy()
    result = OPS["tensor"].reference(data, None, None, False)  # type: ignore[misc]
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


@pytest.mark.parametrize("number", [True, 3, -(2**62), 0.1, float("nan"), 1.5 - 2j])
def test_tensors_of_numbers_are_torchs(number: Any) -> None:
    graph = torch._C.parse_ir(
        "graph(%a : Scalar):\n  %b : Tensor = prim::NumToTensor(%a)\n  return (%b)"
    )
    expected = torch._C._create_function_from_graph("f", graph)(number).numpy()
    result = OPS["NumToTensor.Scalar"].reference(number)  # type: ignore[misc]
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


def test_ragged_lists_are_refused() -> None:
    with pytest.raises(ShapeError, match="different lengths"):
        OPS["tensor"].reference([[1, 2], [3]], None, None, False)  # type: ignore[misc]


@pytest.mark.parametrize(("mode", "name"), [(0, "sum"), (1, "mean"), (2, "max")])
def test_embedding_bag_is_torchs(mode: int, name: str) -> None:
    weight = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    indices, offsets = np.array([0, 2, 5, 1]), np.array([0, 1])
    expected = torch.nn.functional.embedding_bag(
        torch.from_numpy(indices), torch.from_numpy(weight), torch.from_numpy(offsets), mode=name
    )
    result = OPS["embedding_bag"].reference(  # type: ignore[misc]
        weight, indices, offsets, False, mode, False, None, False
    )
    np.testing.assert_allclose(result[0], expected.numpy(), rtol=1e-5)
