"""Views of expanded tensors may be written to; expanded tensors themselves not, as in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import treadle

torch = pytest.importorskip("torch")

Call = Callable[[Any, Any], Any]
WRITES: dict[str, Call] = {
    "a row": lambda lib, a: a.expand(2, 3)[0].add_(1),
    "a row by select": lambda lib, a: a.expand(2, 3).select(0, 1).mul_(5),
    "all rows": lambda lib, a: [row.add_(1) for row in a.expand(2, 3)],
    "a transposed row": lambda lib, a: a.expand(2, 3).t()[:, 0].fill_(4),
    "broadcast": lambda lib, a: a.broadcast_to((2, 3))[1].mul_(3),
    "expanded like another": lambda lib, a: a.expand_as(lib.ones(2, 3))[0].add_(1),
    "one of several": lambda lib, a: lib.broadcast_tensors(a, lib.ones(2, 3))[0][1].mul_(3),
    "strides of 0": lambda lib, a: a.as_strided((2, 3), (0, 1))[1].neg_(),
    "an element": lambda lib, a: a.expand(2, 3).__setitem__((0, 1), 5),
    "assigned row": lambda lib, a: a.expand(2, 3).__setitem__(0, lib.zeros(3)),
    "assigned by mask": lambda lib, a: a.expand(2, 3).__setitem__(lib.ones(2, 3) > 0, 5),
    "assigned by index": lambda lib, a: a.expand(2, 3).__setitem__(lib.tensor([0]), 5.0),
    "all the same": lambda lib, a: a.expand(2, 3).fill_(7.0),
    "all the same, an int": lambda lib, a: a.expand(2, 3).fill_(7),
    "zero": lambda lib, a: a.expand(2, 3).zero_(),
    "expanded to its own shape": lambda lib, a: a.expand(1, 3).add_(1),
    "no elements": lambda lib, a: lib.ones(1, 0).expand(4, 0).add_(1),
}
REFUSED: dict[str, Call] = {
    "add": lambda lib, a: a.expand(2, 3).add_(1),
    "add a tensor": lambda lib, a: a.expand(2, 3).add_(lib.ones(2, 3)),
    "relu": lambda lib, a: a.expand(2, 3).relu_(),
    "copy": lambda lib, a: a.expand(2, 3).copy_(lib.zeros(2, 3)),
    "copy a row": lambda lib, a: a.expand(2, 3).copy_(lib.zeros(3)),
    "cumsum": lambda lib, a: a.expand(2, 3).cumsum_(0),
    "index_add": lambda lib, a: a.expand(2, 3).index_add_(0, lib.tensor([0]), lib.ones(1, 3)),
    "scatter": lambda lib, a: a.expand(2, 3).scatter_(0, lib.tensor([[0]]), 2.0),
    "normal": lambda lib, a: a.expand(2, 3).normal_(),
    "uniform": lambda lib, a: a.expand(2, 3).uniform_(),
    "random": lambda lib, a: a.expand(2, 3).random_(5),
    "a column": lambda lib, a: a.expand(2, 3).__setitem__((slice(None), 1), 5),
    "everything": lambda lib, a: a.expand(2, 3).__setitem__(Ellipsis, 5),
    "out": lambda lib, a: lib.sin(lib.ones(2, 3), out=a.expand(2, 3)),
    "rand out": lambda lib, a: lib.rand(2, 3, out=a.expand(2, 3)),
}


@pytest.mark.filterwarnings("ignore:Use of .* on expanded tensors:UserWarning")
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_has_a_place_of_its_own_is_written(write: Call) -> None:
    for _ in range(3):  # the call is known from the second time on
        ours, theirs = treadle.ones(3), torch.ones(3)
        write(treadle, ours)
        write(torch, theirs)
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("write", REFUSED.values(), ids=REFUSED)
def test_elements_of_one_place_are_refused(write: Call) -> None:
    a = treadle.ones(3)
    for _ in range(3):
        with pytest.raises(treadle.ShapeError, match=r"several elements of \w+ have one place"):
            write(treadle, a)
    with pytest.raises(RuntimeError, match="more than one element"):
        write(torch, torch.ones(3))
    assert a.tolist() == [1.0, 1.0, 1.0]


def test_views_of_read_only_memory_stay_read_only() -> None:
    a = treadle.ones(3)
    a.numpy().flags.writeable = False
    for _ in range(3):
        with pytest.raises(treadle.InputError, match="read-only"):
            a.expand(2, 3)[0].add_(1)
