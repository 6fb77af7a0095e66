"""Parts of tensors, read and written, are torch's for every combination of kinds of indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import treadle

pytestmark = pytest.mark.torch


def numbers(shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...]) -> list[Any]:
    """Items of an index of a tensor of `shape`; arrays in it broadcast."""
    items: list[Any] = []
    common = draw(st.sampled_from([(2,), (1,), (3, 2), (2, 1), (0,)]))
    dim, has_ellipsis = 0, False
    kinds = ["int", "slice", "none", "ellipsis", "array", "mask", "bool", "zero-dim", "list"]
    while dim < len(shape) and len(items) < 6:
        kind = draw(st.sampled_from(["stop", *kinds]))
        size = shape[dim]
        if kind == "stop":
            break
        if kind == "none":
            items.append(None)
        elif kind == "ellipsis" and not has_ellipsis:
            items.append(...)
            has_ellipsis = True
            dim = len(shape) - draw(st.integers(0, len(shape) - dim))
        elif kind == "bool":
            items.append(draw(st.booleans()))
        elif kind == "slice":
            bounds = st.none() | st.integers(-size - 1, size + 1)
            items.append(slice(draw(bounds), draw(bounds), draw(st.none() | st.integers(1, 3))))
            dim += 1
        elif kind == "mask":
            rank = draw(st.integers(1, len(shape) - dim))
            mask = np.zeros(shape[dim : dim + rank], bool)
            mask.reshape(-1)[: draw(st.sampled_from([0, 1, 2]))] = True
            items.append(mask)
            dim += rank
        elif kind in ("int", "zero-dim") and size:
            place = draw(st.integers(-size, size - 1))
            items.append(place if kind == "int" else np.asarray(place))
            dim += 1
        elif kind in ("array", "list") and (size or not np.prod(common)):
            count = int(np.prod(common))
            places = st.integers(-size, max(size - 1, 0))
            array = np.array(
                draw(st.lists(places, min_size=count, max_size=count)), np.int64
            ).reshape(common)
            items.append(array.tolist() if kind == "list" and array.size else array)
            dim += 1
    return items


def as_index(items: list[Any], engine: Any) -> Any:
    """A lone list is made a tensor: torch takes one of lists for a tuple, which it regrets."""
    if len(items) == 1 and isinstance(items[0], list):
        items = [np.array(items[0])]
    made = [engine.tensor(i) if isinstance(i, np.ndarray) else i for i in items]
    return made[0] if len(made) == 1 else tuple(made)


@settings(max_examples=150, suppress_health_check=[HealthCheck.large_base_example])
@given(st.data(), st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple))
def test_any_index_reads_and_writes_torchs_elements(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    items = data.draw(indices(shape))
    array = numbers(shape)
    theirs, ours = torch.from_numpy(array.copy()), treadle.from_numpy(array.copy())
    try:
        expected = theirs[as_index(items, torch)]
    except (IndexError, RuntimeError):
        with pytest.raises(treadle.Error):
            ours[as_index(items, treadle)]
        return
    result = ours[as_index(items, treadle)]
    assert tuple(result.shape) == tuple(expected.shape)
    assert result.tolist() == expected.tolist()
    assert np.shares_memory(result.numpy(), ours.numpy()) == (
        expected.numel() > 0
        and expected.untyped_storage().data_ptr() == theirs.untyped_storage().data_ptr()
    )
    values = np.asarray(-1 - numbers(tuple(expected.shape)))
    for value in (-1.0, values[..., :1] if values.ndim else values):
        for engine, tensor in ((torch, theirs), (treadle, ours)):
            made = engine.from_numpy(value) if isinstance(value, np.ndarray) else value
            tensor[as_index(items, engine)] = made
        if not any(isinstance(i, list | np.ndarray) for i in items):  # else places may repeat
            assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("source", ["int64", "float32", "bool", "float64", "float16", "uint8"])
@pytest.mark.parametrize("target", ["int64", "float32", "bool", "float64", "bfloat16", "int8"])
def test_assignment_casts_as_torch_does(source: str, target: str) -> None:
    values = np.array([0, 1, 3, 100]) * (1.5 if "float" in source else 1)
    results = []
    for engine in (treadle, torch):
        x = engine.zeros(2, 4, dtype=getattr(engine, target))
        x[1] = engine.tensor(values).to(getattr(engine, source))
        x[0, 1:3] = engine.tensor(2.75).to(getattr(engine, source))
        x[:, 3] = 7
        results.append(x.to(engine.float64).tolist())
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("index", "error", "match"),
    [
        (slice(None, None, -1), treadle.InputError, "must be positive, got -1"),
        ((0, slice(3, 0, -2)), treadle.InputError, "must be positive, got -2"),
        (7, treadle.IndexOutOfRange, r"shape \[3, 4\]: index 7 is out of bounds"),
        ((0, 0, 0), treadle.IndexOutOfRange, "too many indices"),
        (treadle.tensor([3]), treadle.IndexOutOfRange, "out of bounds"),
        (treadle.tensor([True, False]), treadle.IndexOutOfRange, "boolean"),
        (treadle.tensor([0.5]), treadle.InputError, "of ints or bools, got float32"),
        ("text", treadle.InputError, "got str"),
        ((..., ...), treadle.IndexOutOfRange, "single ellipsis"),
        (([0, 1], [0, 1, 2]), treadle.IndexOutOfRange, "broadcast"),
    ],
)
def test_what_is_no_index_is_refused(index: Any, error: type[Exception], match: str) -> None:
    x = treadle.from_numpy(numbers((3, 4)))
    with pytest.raises(error, match=match):
        x[index]
    with pytest.raises(error, match=match):
        x[index] = 1.0


@pytest.mark.parametrize(
    ("value", "match"),
    [(1j, "float32"), (treadle.ones(3), r"could not broadcast|cannot assign|shape mismatch")],
)
def test_what_cannot_be_written_is_refused(value: Any, match: str) -> None:
    x = treadle.from_numpy(numbers((3, 4)))
    for index in (0, [0, 1], slice(1)):
        with pytest.raises(treadle.InputError, match=match):
            x[index] = value


def test_tensors_of_other_libraries_are_indices_and_values() -> None:
    x = treadle.from_numpy(numbers((3, 4)))
    assert x[torch.tensor([2, 0])].tolist() == x[[2, 0]].tolist()
    x[torch.tensor([True, False, False])] = torch.zeros(4)
    assert x[0].tolist() == [0.0] * 4
    assert x[np.int64(1), np.uint8(2)].item() == 6.0


INDICES = [
    0,
    -1,
    (1, 2),
    slice(1, None),
    (slice(None), slice(0, 4, 2)),
    (..., 0),
    None,
    (0, None, ...),
    (slice(None), [0, 2]),
    ([0, 1], [1, 3]),
    True,
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing_gives_torchs_elements(index: Any) -> None:
    x, y = treadle.arange(24).reshape(3, 4, 2), torch.arange(24).reshape(3, 4, 2)
    assert x[index].tolist() == y[index].tolist()
    assert x[index].shape == tuple(y[index].shape)
    x[index], y[index] = -7, -7
    assert x.tolist() == y.tolist()
