"""Scatters and folds: one order of writes to each element, whatever the threads, and checks."""

import numpy as np
import pytest

from tests.plans import bind, graph_of, results_of, run, steps_of, type_of
from treadle.errors import IndexOutOfRange
from treadle.ops import OPS

pytestmark = pytest.mark.native


def _body(line: str, params: str) -> str:
    return f"graph({params})\n%y: Tensor = {line}\nreturn %y"


_ADD = _body("index_add(%x, 0, %i, %s, 1)", "%x: Tensor, %i: Tensor, %s: Tensor")


@pytest.mark.parametrize("columns", [1, 3, 100])
def test_repeated_indices_are_added_in_order_at_every_thread_count(columns: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((7, columns), np.float32)
    index = rng.integers(0, 7, 200)
    source = rng.standard_normal((200, columns), np.float32)
    expected = x.copy()
    for i, row in zip(index, source, strict=True):
        expected[i] += row
    (result,) = results_of(_ADD, x, index, source)
    assert result.tobytes() == expected.tobytes()


def test_the_last_of_several_writes_to_one_place_stays() -> None:
    text = _body("scatter.src(%x, 0, %i, %s)", "%x: Tensor, %i: Tensor, %s: Tensor")
    x, index, source = np.zeros(5), np.array([4, 1, 4, 4]), np.arange(1.0, 5)
    np.testing.assert_array_equal(results_of(text, x, index, source)[0], [0, 2, 0, 0, 4])


@pytest.mark.parametrize("bad", [-1, 7])
def test_an_index_outside_stops_the_run(bad: int) -> None:
    arrays = [np.zeros((7, 2), np.float32), np.array([0, bad]), np.ones((2, 2), np.float32)]
    bound = bind(graph_of(_ADD), [type_of(a) for a in arrays])
    with pytest.raises(IndexOutOfRange, match=f"index {bad} is out of range"):
        run(bound, arrays)


def test_a_mask_with_one_value_is_a_choice_of_elements() -> None:
    text = (
        "graph(%x: Tensor, %m: Tensor, %v: Tensor)\n"
        "%l: List[Tensor] = list(%m)\n"
        "%y: Tensor = index_put(%x, %l, %v, False)\n"
        "return %y"
    )
    x, mask = np.arange(6.0), np.array([True, False] * 3)
    assert steps_of(text, x, mask, np.array(9.0)) == ["where"]
    np.testing.assert_array_equal(
        results_of(text, x, mask, np.array(9.0))[0], np.where(mask, 9.0, x)
    )


_BAGS = _body("fold_bags(%w, %i, %o, None, 0, False, None)", "%w: Tensor, %i: Tensor, %o: Tensor")


@pytest.mark.parametrize("offsets", [[1, 2], [0, 9], [0, -1]])
def test_offsets_that_do_not_fit_the_indices_stop_the_run(offsets: list[int]) -> None:
    arrays = [np.ones((4, 8), np.float32), np.array([0, 1, 2, 3]), np.array(offsets)]
    bound = bind(graph_of(_BAGS), [type_of(a) for a in arrays])
    with pytest.raises(IndexOutOfRange):
        run(bound, arrays)
    arrays[2] = np.array([0, 3])
    np.testing.assert_array_equal(run(bound, arrays)[0][:, 0], [3, 1])


def test_results_that_nobody_reads_cost_nothing() -> None:
    text = """
    graph(%w: Tensor, %i: Tensor, %o: Tensor)
    %y: Tensor, %b: Tensor, %c: Tensor, %m: Tensor = \
        embedding_bag(%w, %i, %o, False, 1, False, None, False)
    return %y
    """
    weight, indices = np.zeros((9, 5), np.float32), np.zeros(7, np.int64)
    assert steps_of(text, weight, indices, np.array([0, 3])) == ["fold_bags"]


@pytest.mark.parametrize("width", [1, 15, 64, 200])
def test_long_bags_of_any_width_are_summed(width: int) -> None:
    text = """
    graph(%w: Tensor, %i: Tensor, %o: Tensor)
    %y: Tensor, %b: Tensor, %c: Tensor, %m: Tensor = \
        embedding_bag(%w, %i, %o, False, 0, False, None, False)
    return %y
    """
    source = np.random.default_rng(0)
    weight = source.standard_normal((50, width)).astype(np.float32)
    indices, offsets = source.integers(0, 50, 90), np.array([0, 0, 1, 9, 90, 90])
    ends = [*offsets[1:], 90]
    want = [weight[indices[a:b]].sum(0, np.float64) for a, b in zip(offsets, ends, strict=True)]
    np.testing.assert_allclose(results_of(text, weight, indices, offsets)[0], want, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 7, 40])
def test_pixels_whose_channels_are_far_apart_are_copied_before_boxes_are_pooled(
    channels: int,
) -> None:
    source = np.random.default_rng(0)
    image = source.standard_normal((2, channels, 9, 8)).astype(np.float32)
    rois = np.array([[0, 1, 2, 5, 7], [1, -3, 0, 20, 4]], np.float32)
    text = (
        "graph(%x: Tensor, %r: Tensor)\n"
        "%y: Tensor = roi_align(%x, %r, 0.75, 3, 2, 2, False)\nreturn %y"
    )
    (pooled,) = results_of(text, image, rois)
    reference = OPS["roi_align"].reference
    assert reference is not None
    expected = reference(image, rois, 0.75, 3, 2, 2, False)
    np.testing.assert_allclose(pooled, expected, rtol=1e-5, atol=1e-6)
    assert steps_of(text, image, rois).count("contiguous") == (channels > 1)
