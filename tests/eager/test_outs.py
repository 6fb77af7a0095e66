"""The argument `out`: of functions that make tensors, of several results, without elements."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import treadle

MAKERS: dict[str, tuple[Any, ...]] = {
    "zeros": (2, 3), "ones": ((2, 3),), "full": ((2,), 1.5), "eye": (2, 3), "arange": (5,),
    "linspace": (0, 1, 4), "logspace": (0, 1, 4),
}  # fmt: skip
RANDOM: dict[str, tuple[Any, ...]] = {
    "empty": (2, 3), "rand": (2, 3), "randn": (4,), "randint": (3, (2, 2)), "randperm": (5,),
    "normal": (0.0, 1.0, (3,)),
}  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("name", MAKERS)
def test_what_is_made_has_the_dtype_of_out(name: str, dtype: str) -> None:
    if name == "logspace" and dtype == "int64":
        pytest.skip("logarithms of integers are rounded differently")
    theirs = torch.empty(0, dtype=getattr(torch, dtype))
    getattr(torch, name)(*MAKERS[name], out=theirs)
    ours = treadle.empty(0, dtype=getattr(treadle, dtype))
    assert getattr(treadle, name)(*MAKERS[name], out=ours) is ours
    assert str(ours.dtype).endswith(dtype)
    torch.testing.assert_close(torch.from_numpy(ours.numpy()), theirs)


@pytest.mark.parametrize("name", RANDOM)
def test_random_tensors_take_the_memory_of_out(name: str) -> None:
    shape = getattr(treadle, name)(*RANDOM[name]).shape
    out = treadle.full(shape, 77.0, dtype=treadle.float64)
    address = out.data_ptr()
    assert getattr(treadle, name)(*RANDOM[name], out=out) is out
    assert (out.dtype, out.data_ptr()) == (treadle.float64, address)
    assert name == "empty" or 77.0 not in out


def test_views_are_written_through() -> None:
    whole = treadle.ones(4)
    treadle.zeros(2, out=whole[::2])
    assert whole.tolist() == [0, 1, 0, 1]


def test_what_does_not_fit_is_named() -> None:
    nothing: Any = [1.0]
    with pytest.raises(treadle.ShapeError, match=r"ones: a result of shape \[2, 3\] does not fit"):
        treadle.ones(2, 3, out=treadle.empty(6))
    with pytest.raises(treadle.InputError, match=r"zeros: argument dtype is treadle.int8, out"):
        treadle.zeros(2, dtype=treadle.int8, out=treadle.empty(2))
    with pytest.raises(treadle.InputError, match="eye: argument out must be a tensor, got list"):
        treadle.eye(2, out=nothing)
    with pytest.raises(treadle.ShapeError, match="f32 cannot be written into out of i32"):
        treadle.add(treadle.ones(2), 1, out=treadle.empty(0, dtype=treadle.int32))


@pytest.mark.parametrize("sizes", [(0, 0), (2, 2)])
def test_several_results_have_an_out_each(sizes: tuple[int, int]) -> None:
    values, places = treadle.empty(sizes[0]), treadle.empty(sizes[1], dtype=treadle.int64)
    found = treadle.topk(treadle.tensor([1.0, 3.0, 2.0]), 2, out=(values, places))
    assert found.values is values
    assert found.indices is places
    assert (values.tolist(), places.tolist()) == ([3.0, 2.0], [1, 2])


def test_outs_are_as_many_as_results() -> None:
    x: Any = treadle.ones(3)
    add_: Any = treadle.add_
    with pytest.raises(treadle.InputError, match="topk: out has 1 tensors for 2 results"):
        treadle.topk(x, 2, out=(treadle.empty(0),))
    with pytest.raises(treadle.InputError, match="must be a tuple of tensors, got a tensor"):
        treadle.sort(x, out=x)
    with pytest.raises(treadle.InputError, match="add_: there is no argument out"):
        add_(x, x, out=x)


def test_an_out_without_elements_gets_the_shape_at_every_call() -> None:
    a = treadle.ones(2, 2)
    for _ in range(3):
        out = treadle.empty(0)
        assert treadle.mm(a, a, out=out) is out
        assert out.tolist() == [[2, 2], [2, 2]]
