"""Operators that end in a selection: what comes before it is planned."""

from __future__ import annotations

from tests.passes.test_regions import contents

NMS = """
    graph f(%boxes: Tensor, %scores: Tensor, %t: float)
    %good: Tensor = sigmoid(%scores)
    %kept: Tensor = nms(%boxes, %good, %t)
    %y: Tensor = index_select(%scores, 0, %kept)
    %z: Tensor = relu(%y)
    return %z"""


def test_what_comes_before_the_selection_is_in_a_region() -> None:
    first, second = contents(NMS)
    assert first == ["sigmoid", "nms_order", "index_select", "nms_staying"]
    assert second == ["index_select", "relu"]
