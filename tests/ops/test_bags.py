"""Bags of embeddings against torch; only the first result has a meaning without gradients."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.plans import bind, run_on_all, type_of
from treadle.compiler import single
from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ops import OPS

WEIGHT = np.random.default_rng(0).standard_normal((10, 3)).astype(np.float32)
INDICES = np.array([1, 2, 4, 5, 4, 3, 2, 9])
PADDED = OPS["embedding_bag.padding_idx"]


def _torch(offsets: list[int], mode: int, weights: Any, last: bool, padding: int | None) -> Any:
    tensors = [torch.from_numpy(a) for a in (WEIGHT, INDICES, np.array(offsets))]
    scale = None if weights is None else torch.from_numpy(weights)
    packet = torch.ops.aten.embedding_bag.padding_idx
    return packet(*tensors, False, mode, False, scale, last, padding)[0].numpy()


@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize(
    ("offsets", "last"), [([0, 3, 3, 5], False), ([0, 4, 8], True), ([0, 2, 4, 6], False)]
)
@pytest.mark.parametrize("padding", [None, 4])
def test_bags_are_torchs(mode: int, offsets: list[int], last: bool, padding: int | None) -> None:
    assert PADDED.reference is not None
    arguments = (WEIGHT, INDICES, np.array(offsets), False, mode, False, None, last, padding)
    expected = _torch(offsets, mode, None, last, padding)
    np.testing.assert_allclose(PADDED.reference(*arguments)[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.native
@pytest.mark.parametrize(("mode", "padding"), [(0, None), (1, None), (2, None), (0, 4), (1, 4)])
def test_bags_of_one_known_size_are_planned(mode: int, padding: int | None) -> None:
    arguments = (WEIGHT, INDICES, np.arange(0, 8, 2), False, mode, False, None, False, padding)
    graph, arrays = single(PADDED, arguments)
    bound = bind(graph, [*map(type_of, arrays[:2]), arrays[2]], "native")
    first, *_ = run_on_all(bound, arrays[:2])
    expected = _torch([0, 2, 4, 6], mode, None, False, padding)
    np.testing.assert_allclose(first, expected, rtol=1e-5, atol=1e-6)


def test_rows_are_scaled_by_their_weights() -> None:
    weights = np.linspace(0, 1, 8, dtype=np.float32)
    assert PADDED.reference is not None
    ours = PADDED.reference(
        WEIGHT, INDICES, np.array([0, 5]), False, 0, False, weights, False, None
    )
    expected = _torch([0, 5], 0, weights, False, None)
    np.testing.assert_allclose(ours[0], expected, rtol=1e-5, atol=1e-6)


def test_offsets_and_indices_are_checked() -> None:
    assert PADDED.reference is not None
    rest = (False, 0, False, None, False, None)
    with pytest.raises(ShapeError, match=r"embedding_bag: offsets \[0, 9\] must ascend"):
        PADDED.reference(WEIGHT, INDICES, np.array([0, 9]), *rest)
    with pytest.raises(IndexOutOfRange, match="embedding_bag: index 10"):
        PADDED.reference(WEIGHT, np.array([10]), np.array([0]), *rest)
