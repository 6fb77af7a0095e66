"""Tensors made of values, by rule, and at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import treadle
from tests.eager.test_tensor import counting


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("zeros", (2, 3), {}),
        ("ones", ((2, 0),), {}),
        ("zeros", ((),), {}),
        ("full", ((2,), 7), {}),
        ("full", ([2], 0.5), {}),
        ("arange", (5,), {}),
        ("arange", (1, 2, 0.3), {}),
        ("arange", (5, 0, -2), {}),
        ("arange", (0.0, 1.0, 0.1), {}),
        ("linspace", (0, 1, 5), {}),
        ("linspace", (3, -3, 1), {}),
        ("eye", (3,), {}),
        ("eye", (2, 3), {}),
        ("tensor", ([[1, 2], [3, 4]],), {}),
        ("tensor", ([1.5, 2],), {}),
        ("tensor", ([True],), {}),
        ("tensor", (np.float64(2),), {}),
    ],
)
def test_creation_gives_torchs_tensors(name: str, args: Any, kwargs: Any) -> None:
    ours, theirs = getattr(treadle, name)(*args, **kwargs), getattr(torch, name)(*args, **kwargs)
    assert str(ours.dtype).removeprefix("treadle") == str(theirs.dtype).removeprefix("torch")
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
@pytest.mark.parametrize("bounds", [(0, 2.5), (0.5, 3.7, 1.5), (-0.5, 3.7, 1.5), (3.5, 0, -1.2)])
def test_ranges_with_fractions_have_torchs_counts(bounds: tuple[float, ...], dtype: str) -> None:
    ours = treadle.arange(*bounds, dtype=getattr(treadle, dtype))
    theirs = torch.arange(*bounds, dtype=getattr(torch, dtype))
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("a",), "arange: expected a number, got 'a'"),
        ((0, float("nan")), "arange: 0 to nan by 1; bounds must be finite"),
        ((0, 5, -1), "arange: 0 to 5 by -1; the step must lead to the end"),
        ((10**30,), "arange: .*, got 0 to 1000000000000000000000000000000 by 1"),
        ((1e30,), "arange: no memory holds"),
    ],
)
def test_a_range_that_is_none_is_refused(args: tuple[Any, ...], message: str) -> None:
    with pytest.raises(treadle.InputError, match=message):
        treadle.arange(*args)


def test_more_elements_than_can_be_counted_are_refused() -> None:
    with pytest.raises(treadle.InputError, match=r"zeros: no memory holds \[\d+\] elements"):
        treadle.zeros(10**30)


def test_ends_of_linspace_are_numbers() -> None:
    assert treadle.linspace(treadle.tensor(0), treadle.tensor(1.0), 3).tolist() == [0, 0.5, 1]
    with pytest.raises(treadle.InputError, match="linspace: expected a number, got 'a'"):
        treadle.linspace(0, "a", 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [[2, 2], 2.0, True, None])
def test_steps_of_linspace_are_an_int(steps: Any) -> None:
    with pytest.raises(treadle.InputError, match="linspace: steps must be an int, got"):
        treadle.linspace(0, 1, steps)


def test_memory_is_shared_or_copied_as_asked_for() -> None:
    array = np.zeros(3)
    shared, copied = treadle.asarray(array), treadle.asarray(array, copy=True)
    array[0] = 1
    assert (shared[0].item(), copied[0].item()) == (1, 0)
    assert treadle.asarray([1, 2], dtype=treadle.int8).dtype is treadle.int8
    with pytest.raises(treadle.InputError, match="asarray: this takes a copy"):
        treadle.asarray([1, 2], copy=False)
    data = bytearray(b"\x01\x02\x03\x04")
    halves = treadle.frombuffer(data, dtype=treadle.int16, count=1, offset=2)
    data[2] = 9
    assert halves.tolist() == [0x0409]
    with pytest.raises(treadle.InputError, match="frombuffer: buffer is smaller"):
        treadle.frombuffer(data, dtype=treadle.int64, count=4)
    copy_of = treadle.from_dlpack(array, copy=True)
    assert not np.shares_memory(copy_of.numpy(), array)
    assert counting(2).new_tensor([1.5]).tolist() == [1]


def test_there_are_no_gradients() -> None:
    with treadle.enable_grad(), treadle.set_grad_enabled(True), treadle.no_grad():
        assert not treadle.is_grad_enabled()
    assert treadle.is_inference_mode_enabled()


def test_like_takes_shape_and_dtype() -> None:
    x = counting(2, 3)
    for made in (treadle.zeros_like(x), treadle.ones_like(x), treadle.full_like(x, 2)):
        assert (made.shape, made.dtype) == (x.shape, x.dtype)
    assert treadle.rand_like(x, dtype=treadle.float64).dtype is treadle.float64


def test_seeds_repeat_the_numbers() -> None:
    def draw() -> list[Any]:
        treadle.manual_seed(3)
        made = treadle.rand(2), treadle.randn(2, dtype="float64"), treadle.randint(9, (2, 2))
        return [
            m.tolist() for m in (*made, treadle.randperm(5), treadle.bernoulli(treadle.ones(3)))
        ]

    assert draw() == draw()
    own = treadle.Generator().manual_seed(1)
    assert treadle.rand(3, generator=own).tolist() != treadle.rand(3, generator=own).tolist()


@given(low=st.integers(-5, 5), span=st.integers(1, 10))
def test_randint_stays_in_its_range(low: int, span: int) -> None:
    drawn = treadle.randint(low, low + span, (20,))
    assert drawn.dtype is treadle.int64
    assert low <= int(drawn.min()) <= int(drawn.max()) < low + span
