"""What a function remembers of calls: they give the same as the first one, for any tensor."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treadle
from treadle import Tensor
from treadle.errors import ShapeError

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


def test_numbers_and_lists_in_known_calls_keep_their_places() -> None:
    mask, x = treadle.tensor([True, False]), treadle.tensor([1.0, 2.0])
    for _ in range(2):
        assert treadle.where(mask, x, 5.0).tolist() == [1.0, 5.0]
        assert treadle.where(mask, 5.0, x).tolist() == [5.0, 2.0]
        assert treadle.cat([x, x * 2], dim=0).tolist() == [1.0, 2.0, 2.0, 4.0]
        assert treadle.sub(other=x, input=mask + 1.0).tolist() == [1.0, -1.0]
        assert x.view(x.shape).shape == (2,)


def test_each_dtype_is_a_call_of_its_own() -> None:
    for dtype in (treadle.int64, treadle.float32, treadle.float64, treadle.int8, treadle.bool):
        x = treadle.tensor([1, 0]).to(dtype)
        for _ in range(2):
            assert (x * 2).dtype is (treadle.int64 if dtype is treadle.bool else dtype)
            assert x.to(treadle.float32).dtype is treadle.float32
            assert x.to(dtype) is x
            assert x.to(dtype, copy=True) is not x
            assert (x.sum().dtype is dtype) == x.is_floating_point() or dtype is treadle.int64


@pytest.mark.parametrize("step", [1, 2])
def test_results_go_where_they_are_told(step: int) -> None:
    x, y = treadle.arange(4.0), treadle.ones(4)
    out = treadle.zeros(8)[::step][:4]
    for _ in range(2):
        assert treadle.add(x, y, out=out) is out
        assert out.tolist() == [1.0, 2.0, 3.0, 4.0]
        assert treadle.add(out, other=y, out=out) is out
        assert out.tolist() == [2.0, 3.0, 4.0, 5.0]
    wide = treadle.zeros(4, dtype=treadle.float64)
    for _ in range(2):
        assert treadle.add(x, y, out=wide).tolist() == [1.0, 2.0, 3.0, 4.0]
        with pytest.raises(
            treadle.InputError, match="add: argument out must be a tensor, got list"
        ):
            treadle.add(x, y, out=[])  # type: ignore[call-overload]
        with pytest.raises(treadle.ShapeError, match="add"):
            treadle.add(x, y, out=treadle.zeros(3))


def test_a_tensor_may_overlap_what_it_is_changed_by() -> None:
    for _ in range(2):
        x = treadle.arange(5.0)
        x[1:].add_(x[:-1])
        assert x.tolist() == [0.0, 1.0, 3.0, 5.0, 7.0]
        x.T.mul_(x)
        assert x.tolist() == [0.0, 1.0, 9.0, 25.0, 49.0]


def test_elements_that_share_a_place_cannot_be_written() -> None:
    for _ in range(2):
        with pytest.raises(treadle.ShapeError, match="have one place"):
            treadle.ones(1).expand(3).add_(1)


def test_functions_are_found_again_by_name() -> None:
    for function in (treadle.relu, treadle.linalg.det):
        assert pickle.loads(pickle.dumps(function)) is function
        assert copy.deepcopy(function) is function
    assert "relu(Tensor self)" in (treadle.relu.__doc__ or "")
    nested: list[Any] = []
    nested.append(nested)
    with pytest.raises((treadle.InputError, RecursionError)):
        treadle.cat(nested)


def test_what_is_remembered_of_a_call_does_not_keep_its_tensors() -> None:
    def use() -> list[weakref.ref[Any]]:
        x, out = treadle.arange(3.0), treadle.zeros(3)
        treadle.sub(x, x, alpha=3)
        treadle.mul(x, x, out=out)
        treadle.cat([x, x, x], dim=0)
        x.view(1, 3, 1).max(0)
        (x * 7.5).add_(x, alpha=5)
        return [weakref.ref(x), weakref.ref(out), weakref.ref(x.numpy())]

    gone = use()
    gc.collect()
    assert [ref() for ref in gone] == [None, None, None]


def test_numpys_functions_give_tensors() -> None:
    x = treadle.tensor([0.0, 1.0])
    for made in (np.add(x, 1), np.add(np.ones(2), x), np.sqrt(x), np.ones(2) + x):
        assert type(made) is Tensor
    assert np.asarray(x, dtype=np.int32).tolist() == [0, 1]
    assert not np.shares_memory(np.array(x), x.numpy())
    assert [10, 20][treadle.tensor(True)] == 20


def test_what_is_a_view_of_one_layout_may_be_a_copy_of_another() -> None:
    x = treadle.arange(6).reshape(2, 3)
    for _ in range(3):
        assert np.may_share_memory(x.flatten().numpy(), x.numpy())
        turned = x.T.flatten()
        assert turned.tolist() == [0, 3, 1, 4, 2, 5]
        assert not np.may_share_memory(turned.numpy(), x.numpy())
    assert x[0].flatten().tolist() == [0, 1, 2]


def test_a_reference_is_silent_and_leaves_numpy_as_it_was() -> None:
    singular, negative = treadle.zeros(2, 2), treadle.tensor([-1])
    with np.errstate(all="raise", under="call"):
        before = np.geterr()
        for _ in range(3):
            assert treadle.logdet(singular).item() == -np.inf
            with pytest.raises(ShapeError, match="bincount: expected one dim"):
                treadle.bincount(negative)
            assert np.geterr() == before
