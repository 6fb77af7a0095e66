"""Memory shared with NumPy and torch, and copies that share none."""

from __future__ import annotations

import copy
import gc
import pickle

import numpy as np
import pytest
import torch

import treadle
from tests.eager.test_tensor import counting


@pytest.mark.torch
@pytest.mark.parametrize("name", ["float32", "float64", "float16", "bfloat16", "bool", "int8"])
def test_memory_is_shared_with_torch_both_ways(name: str) -> None:
    theirs = torch.ones(2, 3, dtype=getattr(torch, name)).t()
    ours = treadle.from_dlpack(theirs)
    assert ours.dtype is getattr(treadle, name)
    assert ours.shape == (3, 2)
    ours[2, 1] = 0
    assert theirs[2, 1] == 0
    back = torch.utils.dlpack.from_dlpack(ours)
    assert back.dtype == theirs.dtype
    back[0, 0] = 0
    assert ours[0, 0].item() == 0
    with pytest.raises(treadle.InputError, match=r"relu: the memory of a Tensor: .*gradient"):
        treadle.relu(torch.ones(2, requires_grad=True))
    with pytest.raises(treadle.InputError, match="from_dlpack: the memory of a list"):
        treadle.from_dlpack([1])
    for _ in range(2):
        assert treadle.neg(torch.ones(2, dtype=torch.bfloat16)).tolist() == [-1.0, -1.0]


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_memory_is_shared_both_ways_over_dlpack(dtype: str) -> None:
    ours = treadle.ones(2, 3, dtype=dtype)
    theirs = torch.utils.dlpack.from_dlpack(ours)
    theirs[0, 0] = 0
    assert ours[0, 0].item() == 0
    back = treadle.from_dlpack(theirs.T)
    back[2, 1] = 0
    assert theirs[1, 2].item() == 0
    assert back.shape == (3, 2)
    assert str(back.dtype) == f"treadle.{dtype}"
    assert np.from_dlpack(ours)[0, 0] == 0


def test_numpy_shares_memory() -> None:
    array = np.zeros(3, np.float32)
    x = treadle.from_numpy(array)
    x[0] = 5
    assert array[0] == 5
    assert x.numpy() is array
    assert np.asarray(x) is array
    assert np.add(x, 1).tolist() == [6.0, 1.0, 1.0]
    copied = treadle.tensor(array)
    copied[0] = 0
    assert array[0] == 5
    with pytest.raises(treadle.InputError, match="no dtype"):
        treadle.from_numpy(np.array(["text"]))


def test_copies_are_independent() -> None:
    x = counting(2, 2)
    for twin in (
        pickle.loads(pickle.dumps(x)),
        copy.deepcopy(x),
        pickle.loads(pickle.dumps(x.T)).T,
    ):
        twin[0, 0] = 9
        assert twin.tolist() == [[9, 1], [2, 3]]
    assert x[0, 0].item() == 0


@pytest.mark.torch
def test_shared_memory_outlives_its_first_owner() -> None:
    for pass_on in (treadle.from_dlpack, treadle.from_numpy):
        array = np.arange(1000.0)
        shared = pass_on(array)
        del array
        gc.collect()
        assert shared.sum().item() == 499500
    theirs = torch.utils.dlpack.from_dlpack(treadle.arange(1000.0))
    gc.collect()
    assert theirs.sum().item() == 499500


@pytest.mark.torch
@pytest.mark.parametrize("shape", [(0,), (2, 0, 3), (), (1, 1)])
def test_tensors_of_any_size_are_passed_on(shape: tuple[int, ...]) -> None:
    x = treadle.ones(*shape, dtype=treadle.int16)
    for back in (torch.utils.dlpack.from_dlpack(x), np.from_dlpack(x)):
        assert tuple(back.shape) == shape
        again = treadle.from_dlpack(back)
        assert (again.shape, again.dtype) == (shape, treadle.int16)
    strided = treadle.arange(24).reshape(2, 3, 4)[:, 1:, ::2].permute(2, 0, 1)
    assert torch.utils.dlpack.from_dlpack(strided).stride() == strided.stride()
    assert treadle.from_dlpack(torch.utils.dlpack.from_dlpack(strided)).tolist() == strided.tolist()


def test_read_only_memory_stays_so() -> None:
    array = np.ones(3)
    array.flags.writeable = False
    for shared in (treadle.from_numpy(array), treadle.from_dlpack(array), treadle.asarray(array)):
        with pytest.raises(treadle.InputError, match="read-only"):
            shared[0] = 2
        with pytest.raises(treadle.InputError, match="read-only"):
            shared.mul_(2)
    assert treadle.tensor(array).mul_(2).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("dtype", ["bfloat16", "complex64", "bool", "float16"])
def test_pickles_and_copies_keep_dtype_and_elements(dtype: str) -> None:
    x = treadle.arange(6).to(getattr(treadle, dtype)).reshape(2, 3).t()
    for twin in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x)):
        assert (twin.dtype, twin.shape) == (x.dtype, x.shape)
        assert twin.tolist() == x.tolist()
    same = copy.deepcopy([x, x])
    assert same[0] is same[1]
