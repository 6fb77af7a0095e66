"""torchvision's operators where samples of the table do not reach."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tests.torchvision_ops  # noqa: F401  (operators of torch.ops.torchvision)
from tests.plans import bind, run, type_of
from treadle.compiler import single
from treadle.errors import IndexOutOfRange, ShapeError
from treadle.ops import OPS

IMAGE = np.random.default_rng(0).standard_normal((2, 3, 6, 9), np.float32)
ROIS = np.array([[1, 0.5, 1, 9, 6.5], [0, 3, 2, 3, 2], [0, -4, -3, 40, 50]], np.float32)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_roi_align_takes_as_many_samples_as_pixels_if_not_told(scale: float, aligned: bool) -> None:
    args = (scale, 2, 3, 0, aligned)
    expected = torch.ops.torchvision.roi_align(
        torch.from_numpy(IMAGE), torch.from_numpy(ROIS), *args
    )
    ours = OPS["roi_align"].reference(IMAGE, ROIS, *args)  # type: ignore[misc]
    np.testing.assert_allclose(ours, expected.numpy(), atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(0, 150), st.floats(0, 1))
def test_nms_keeps_what_no_better_box_overlaps(seed: int, count: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 12, (count, 2))
    boxes = np.concatenate([corners, corners + rng.integers(0, 9, (count, 2))], 1)
    scores = rng.integers(0, 5, count).astype(np.float32)
    args = (boxes.astype(np.float32), scores)
    expected = torch.ops.torchvision.nms(*map(torch.from_numpy, args), threshold)
    ours = OPS["nms"].reference(*args, threshold)  # type: ignore[misc]
    np.testing.assert_array_equal(ours, expected.numpy())


@pytest.mark.parametrize("name", ["roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"])
@pytest.mark.parametrize("image", [2.0, -1.0, float("nan")])
def test_a_box_of_an_image_that_is_not_there_is_refused(name: str, image: float) -> None:
    rois = ROIS.copy()
    rois[1, 0] = image
    args = [1.0, 1, 3, *([2] if "align" in name else []), *([True] if name == "roi_align" else [])]
    with pytest.raises(IndexOutOfRange, match=f"{name}: rois name image .*, of 2"):
        OPS[name].reference(IMAGE, rois, *args)  # type: ignore[misc]


@pytest.mark.native
@pytest.mark.parametrize("image", [2.0, -1.0, float("nan"), float("inf"), 1e30])
def test_a_plan_reads_no_image_that_is_not_there(image: float) -> None:
    rois = ROIS.copy()
    rois[1, 0] = image
    graph, arrays = single(OPS["roi_align"], (IMAGE, rois, 1.0, 2, 3, 2, False))
    plan = bind(graph, [*map(type_of, arrays)])
    with pytest.raises(IndexOutOfRange):
        run(plan, arrays)


_ODD = [0.0, -3.5, 1e30, -1e30, float("nan"), float("inf"), -float("inf")]


@pytest.mark.parametrize("ratio", [0, 2])
@given(st.lists(st.sampled_from(_ODD), min_size=4, max_size=4), st.booleans())
def test_boxes_of_any_numbers_are_pooled_or_refused(
    ratio: int, corners: list[float], aligned: bool
) -> None:
    rois = np.array([[0, *corners]], np.float32)
    for name, args in (
        ("roi_align", (ratio, aligned)),
        ("roi_pool", ()),
        ("roi_align", (1, False)),
    ):
        with np.errstate(all="ignore"), contextlib.suppress(IndexOutOfRange):
            OPS[name].reference(IMAGE, rois, 1.0, 2, 3, *args)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("nms", (ROIS, ROIS[:, 0], 0.5), r"nms: dets \[3, 5\] must be \[n, 4\]"),
        ("nms", (ROIS[:, :4], ROIS[:2, 0], 0.5), r"scores \[2\] \[n\]"),
        ("nms", (ROIS[:, :4], ROIS[:, 0].astype("i8"), 0.5), "must both be f32 or f64"),
        ("roi_align", (IMAGE[0], ROIS, 1.0, 1, 1, 2, False), r"\[n, c, h, w\]"),
        ("roi_align", (IMAGE, ROIS.astype("f8"), 1.0, 1, 1, 2, False), "one floating dtype"),
        ("roi_pool", (IMAGE, ROIS, 1.0, 0, 1), "must be positive, got 0 x 1"),
        ("ps_roi_align", (IMAGE, ROIS, 1.0, 2, 2, 1), "3 channels for 2 x 2 bins"),
    ],
)
def test_operands_that_do_not_fit_are_named(
    name: str, args: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        OPS[name].reference(*args)  # type: ignore[misc]


def test_a_deformable_convolution_names_what_does_not_fit() -> None:
    image, weight, bias = IMAGE, np.ones((4, 3, 2, 2), np.float32), np.ones(4, np.float32)
    offset, mask = np.zeros((2, 8, 5, 8), np.float32), np.zeros((2, 4, 5, 8), np.float32)
    reference = OPS["deform_conv2d"].reference
    assert reference is not None
    numbers = (1, 1, 0, 0, 1, 1, 1, 1, True)
    assert reference(image, weight, offset, mask, bias, *numbers).shape == (2, 4, 5, 8)
    with pytest.raises(ShapeError, match=r"offset \[2, 8, 5, 7\] must be \[2, 8, 5, 8\]"):
        reference(image, weight, offset[..., 1:], mask, bias, *numbers)
    with pytest.raises(ShapeError, match=r"mask \[1, 4, 5, 8\] must be \[2, 4, 5, 8\]"):
        reference(image, weight, offset, mask[1:], bias, *numbers)
    with pytest.raises(ShapeError, match=r"stride .* must be positive"):
        reference(image, weight, offset, mask, bias, 0, *numbers[1:])
    with pytest.raises(ShapeError, match=r"2 groups .* does not fit 3 channels"):
        reference(image, weight, offset, mask, bias, *numbers[:6], 2, 1, True)
