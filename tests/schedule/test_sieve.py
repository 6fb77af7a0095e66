"""Boxes that better ones strike out: as the reference, whatever their number, at page ends too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plans import Array, results_of, steps_of
from treadle.ops import OPS

pytestmark = pytest.mark.native


def _boxes(count: int, dtype: str, seed: int) -> Array:
    source = np.random.default_rng(seed)
    corners = source.integers(0, 12, (count, 2))
    boxes = np.concatenate([corners, corners + source.integers(0, 9, (count, 2))], 1)
    return boxes.astype(dtype)


def _text(threshold: float) -> str:
    return f"graph(%x: Tensor)\n%y: Tensor = nms_staying(%x, {threshold!r})\nreturn %y"


@given(
    count=st.integers(1, 90),
    threshold=st.sampled_from([0.0, 0.3, 1 / 3, 0.5, 0.1, 1.0]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_the_same_boxes_stay_as_by_the_reference(
    count: int, threshold: float, dtype: str, seed: int
) -> None:
    boxes = _boxes(count, dtype, seed)
    reference = OPS["nms_staying"].reference
    assert reference is not None
    (staying,) = results_of(_text(threshold), boxes)
    np.testing.assert_array_equal(staying, reference(boxes, threshold))


@pytest.mark.parametrize("isa", ["native", "avx2"])
def test_boxes_without_an_area_and_without_a_place(isa: str) -> None:
    boxes = _boxes(40, "float32", 0)
    boxes[3], boxes[17, 2], boxes[20] = np.nan, np.inf, boxes[21]
    reference = OPS["nms_staying"].reference
    assert reference is not None
    (staying,) = results_of(_text(0.4), boxes, isa=isa)
    np.testing.assert_array_equal(staying, reference(boxes, 0.4))


def test_a_share_that_is_the_threshold_strikes_nobody_out() -> None:
    boxes = np.array([[0, 0, 2, 2], [0, 0, 2, 1], [5, 5, 15, 15], [5, 5, 8, 15]], np.float32)
    staying_at = {0.5: [1, 1, 1, 1], 0.29: [1, 0, 1, 0], 0.3: [1, 0, 1, 0]}
    for threshold, expected in staying_at.items():  # 0.3 is more as a float than as a double
        (staying,) = results_of(_text(threshold), boxes)
        assert staying.tolist() == [bool(e) for e in expected]


def test_boxes_are_sieved_in_three_steps() -> None:
    assert steps_of(_text(0.5), _boxes(9, "float32", 0)) == ["columns", "all", "nms_staying"]
