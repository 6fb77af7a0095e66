"""What a function remembers of calls: they give the same as the first one, for any tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treadle
from treadle import Tensor

VIEWS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "view": (lambda x: x.view(3, 4), lambda a: a.reshape(3, 4)),
    "flat": (lambda x: x.reshape(-1), lambda a: a.reshape(-1)),
    "t": (lambda x: x.t(), lambda a: a.T),
    "select": (lambda x: x.select(1, 2), lambda a: a[:, 2]),
    "narrow": (lambda x: x.narrow(0, 1, 2), lambda a: a[1:3]),
    "unsqueeze": (lambda x: x.unsqueeze(0), lambda a: a[None]),
    "expand": (lambda x: x.unsqueeze(0).expand(5, 4, 3), lambda a: np.broadcast_to(a, (5, 4, 3))),
    "permute": (lambda x: x.permute(1, 0), lambda a: a.T),
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "bool", "complex64"])
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_the_same_again_and_shares_memory(name: str, dtype: str) -> None:
    view, expected = VIEWS[name]
    for _ in range(3):
        x = treadle.arange(12).to(getattr(treadle, dtype)).reshape(4, 3)
        result = view(x)
        assert result.dtype is x.dtype
        assert result.tolist() == expected(x.numpy()).tolist()
        assert np.shares_memory(result.numpy(), x.numpy())


def test_a_remembered_view_is_not_taken_for_another_layout() -> None:
    x = treadle.arange(12).reshape(4, 3)
    assert x.t().stride() == (1, 3)
    across = treadle.arange(12).reshape(3, 4).t()
    assert across.shape == x.shape
    assert across.t().tolist() == treadle.arange(12).reshape(3, 4).tolist()
    assert treadle.arange(12, dtype=treadle.int8).reshape(4, 3).t().stride() == (1, 3)


def test_views_of_read_only_memory_are_read_only() -> None:
    array = np.zeros((4, 3), np.float32)
    for _ in range(2):
        assert treadle.from_numpy(array).t().numpy().flags.writeable
        array.flags.writeable = False
        assert not treadle.from_numpy(array).t().numpy().flags.writeable
        array.flags.writeable = True


@settings(deadline=None)
@given(st.lists(st.integers(-3, 2), min_size=1, max_size=6))
def test_each_int_is_a_call_of_its_own(dims: list[int]) -> None:
    x = treadle.arange(24, dtype=treadle.float32).reshape(2, 3, 4)
    for dim in dims:
        assert x.sum(dim).tolist() == x.numpy().sum(dim).tolist()
        assert treadle.cumsum(x, dim).tolist() == x.numpy().cumsum(dim).tolist()


def test_an_int_and_a_flag_are_different_arguments() -> None:
    x = treadle.tensor([[1.0, 2.0]])
    assert treadle.squeeze(x, 0).shape == (2,)
    with pytest.raises(treadle.InputError, match="squeeze: argument dim must be"):
        treadle.squeeze(x, False)


def test_tensors_and_arrays_mix() -> None:
    x, a = treadle.ones(2), np.ones(2, np.float32)
    for first, second in ((x, x), (x, a), (a, x), (x, x), (a, a)):
        result = treadle.add(first, second)
        assert type(result) is Tensor
        assert result.tolist() == [2.0, 2.0]


def test_what_no_plan_takes_is_refused_each_time() -> None:
    x = treadle.ones(2, 3)
    for _ in range(2):
        with pytest.raises(treadle.ShapeError, match="add"):
            treadle.add(x, treadle.ones(4))
        with pytest.raises(treadle.ShapeError, match="add"):
            x + treadle.ones(4)


def test_operators_leave_other_objects_to_python() -> None:
    class Other:
        def __radd__(self, other: Any) -> str:
            return "other"

    assert treadle.ones(2) + Other() == "other"
    with pytest.raises(TypeError, match="unsupported operand"):
        treadle.ones(2) - "text"  # type: ignore[operator]
    assert (2 / treadle.tensor([4.0])).tolist() == [0.5]
    assert (2 ** treadle.tensor([3])).tolist() == [8]
    assert (1 << treadle.tensor([3])).tolist() == [8]
    assert (np.float32(1) / treadle.tensor([4.0])).tolist() == [0.25]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.__iadd__(2), lambda x: x.__ifloordiv__(2), lambda x: x.__imod__(2),
        lambda x: x.__ipow__(2), lambda x: x.__itruediv__(2), lambda x: x.__imul__(2),
    ],
)  # fmt: skip
def test_augmented_assignment_writes_into_the_tensor(change: Callable[[Any], Any]) -> None:
    x = treadle.tensor([5.0, 7.0])
    before = x.numpy()
    assert change(x) is x
    assert x.numpy() is before
    assert x.tolist() != [5.0, 7.0]
