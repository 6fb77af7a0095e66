"""What a sweep sends: examples, their labels, the requests made of them, and the accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from treadle.errors import InputError
from treadle.tune.sweep import Model

LABELS = "labels"
_MOST_AT_ONCE = 256

BUNDLED_MODEL = Path(__file__).resolve().parents[1] / "data" / "digits.pt"
BUNDLED_DATA = BUNDLED_MODEL.with_name("heldout.npz")

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs of a model, one array per parameter.

    With `labels` the first dimension of every array counts examples; without, the arrays are one
    request as they are.
    """

    inputs: tuple[Array, ...]
    labels: Array | None = None

    @property
    def count(self) -> int:
        """How many examples there are."""
        return 1 if self.labels is None else len(self.labels)


def examples_from(arrays: Mapping[str, Array], parameters: Sequence[str]) -> Examples:
    """Match named `arrays` to the `parameters` of a model; ``labels`` are the right classes.

    Raises:
        InputError: if a parameter has no array, an array no parameter, or counts differ.
    """
    labels = arrays.get(LABELS) if LABELS not in parameters else None
    inputs = {name: array for name, array in arrays.items() if array is not labels}
    if set(inputs) != set(parameters):
        raise InputError(
            f"the data must hold the arrays {_names(parameters)}, and may hold {LABELS}; "
            f"it holds {_names(arrays)}"
        )
    chosen = tuple(inputs[name] for name in parameters)
    if labels is not None:
        _check_counts(labels, chosen)
    return Examples(chosen, labels)


def _check_counts(labels: Array, inputs: Sequence[Array]) -> None:
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels must be integers [n], got {labels.dtype} {list(labels.shape)}")
    if not len(labels):
        raise InputError("the data holds no examples")
    for array in inputs:
        if array.ndim == 0 or len(array) != len(labels):
            raise InputError(
                f"every array needs one row per label: got {len(labels)} labels and an array of "
                f"shape {list(array.shape)}"
            )


def _names(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(names) or "none"


def requests_of(examples: Examples, batch: int = 1) -> list[tuple[Array, ...]]:
    """Requests of `batch` examples each; a remainder is left out.

    Raises:
        InputError: if there are fewer examples than `batch`.
    """
    if examples.labels is None:
        return [examples.inputs]
    if not 0 < batch <= examples.count:
        raise InputError(
            f"a batch of {batch} needs as many examples, the data has {examples.count}"
        )
    return [
        tuple(np.ascontiguousarray(array[i : i + batch]) for array in examples.inputs)
        for i in range(0, examples.count - batch + 1, batch)
    ]


def accuracy(module: Model, examples: Examples) -> float:
    """The fraction of labelled examples whose highest score is at the label.

    Raises:
        InputError: if there are no labels, or the model does not give scores [n, classes].
    """
    if examples.labels is None:
        raise InputError("accuracy needs labels")
    right = 0
    for start in range(0, examples.count, _MOST_AT_ONCE):
        part = slice(start, start + _MOST_AT_ONCE)
        labels = examples.labels[part]
        scores = module(*(array[part] for array in examples.inputs))
        values = np.asarray(scores.numpy()) if hasattr(scores, "numpy") else np.asarray(scores)
        if values.ndim != 2 or len(values) != len(labels):
            raise InputError(
                f"accuracy needs scores [{len(labels)}, classes], got shape {list(values.shape)}"
            )
        right += int((values.argmax(1) == labels).sum())
    return right / examples.count
