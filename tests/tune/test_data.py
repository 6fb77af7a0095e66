"""Examples, requests and accuracy."""

import numpy as np
import pytest

from treadle.errors import InputError
from treadle.tune import Examples, accuracy, examples_from, requests_of

IMAGES = np.arange(10, dtype=np.float32).reshape(5, 2)
LABELS = np.array([1, 1, 0, 1, 1])


def test_arrays_are_matched_to_parameters_by_name() -> None:
    examples = examples_from({"b": IMAGES, "a": IMAGES[:1]}, ("a", "b"))
    assert [len(array) for array in examples.inputs] == [1, 5]
    assert examples.labels is None
    assert requests_of(examples) == [examples.inputs]


def test_labels_make_rows_examples() -> None:
    examples = examples_from({"images": IMAGES, "labels": LABELS}, ("images",))
    requests = requests_of(examples, 2)
    assert [array.shape for (array,) in requests] == [(2, 2), (2, 2)]
    np.testing.assert_array_equal(requests[1][0], IMAGES[2:4])


def test_labels_may_be_an_input_of_the_model() -> None:
    examples = examples_from({"x": IMAGES, "labels": LABELS}, ("x", "labels"))
    assert examples.labels is None
    assert len(examples.inputs) == 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "must hold the arrays images.*it holds none"),
        ({"pictures": IMAGES}, "must hold the arrays images.*it holds pictures"),
        ({"images": IMAGES, "more": IMAGES}, "it holds images, more"),
        ({"images": IMAGES, "labels": LABELS[:3]}, "3 labels and an array of shape"),
        ({"images": IMAGES, "labels": LABELS.astype(np.float32)}, "labels must be integers"),
        ({"images": IMAGES, "labels": LABELS[None]}, "labels must be integers"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "no examples"),
        ({"images": np.float32(1), "labels": LABELS}, "one row per label"),
    ],
)
def test_data_that_does_not_fit_is_refused(arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message):
        examples_from(arrays, ("images",))


@pytest.mark.parametrize("batch", [0, 6])
def test_a_batch_needs_as_many_examples(batch: int) -> None:
    with pytest.raises(InputError, match=f"a batch of {batch} needs as many examples"):
        requests_of(Examples((IMAGES,), LABELS), batch)


def test_accuracy_counts_the_highest_scores_at_the_label() -> None:
    assert accuracy(lambda x: x, Examples((IMAGES,), LABELS)) == pytest.approx(0.8)


def test_accuracy_of_more_examples_than_one_call_takes() -> None:
    images = np.tile(IMAGES, (200, 1))
    assert accuracy(lambda x: x, Examples((images,), np.tile(LABELS, 200))) == pytest.approx(0.8)


def test_accuracy_needs_scores_of_classes() -> None:
    with pytest.raises(InputError, match=r"scores \[5, classes\], got shape \[5\]"):
        accuracy(lambda x: x[:, 0], Examples((IMAGES,), LABELS))


def test_accuracy_needs_labels() -> None:
    with pytest.raises(InputError, match="needs labels"):
        accuracy(lambda x: x, Examples((IMAGES,)))
