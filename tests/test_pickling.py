"""Modules can be pickled and copied, compiled functions cannot; what is no model is refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import treadle

X = np.arange(4, dtype=np.float32)


class Counting:
    def __init__(self) -> None:
        self.weight = np.full(4, 2, np.float32)
        self.calls = np.zeros(1, np.int64)

    def forward(self, x: treadle.Tensor) -> treadle.Tensor:
        self.calls += 1
        return x * self.weight


def doubled(x: treadle.Tensor) -> treadle.Tensor:
    return x * 2


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_a_copy_has_the_values_of_now_and_its_own_from_then_on(copied: Any) -> None:
    module = treadle.script(Counting())
    module(X)
    other = copied(module)
    assert other(X).tolist() == [0, 2, 4, 6]
    assert (module.calls.item(), other.calls.item()) == (1, 2)


def test_a_copy_is_interpreted_if_the_module_was() -> None:
    module = treadle.script(Counting(), interpret=True)
    assert not pickle.loads(pickle.dumps(module)).explain(X).planned


def test_a_compiled_function_says_what_to_do() -> None:
    for method in (treadle.script(doubled), treadle.script(Counting()).method("forward")):
        with pytest.raises(treadle.InputError, match=r"neither pickled nor copied; .*treadle.save"):
            pickle.dumps(method)


@pytest.mark.parametrize("source", [3, None, [b"PK"]])
def test_load_refuses_what_it_cannot_read(source: Any) -> None:
    with pytest.raises(treadle.InputError, match=r"load takes a path, bytes or a binary file, got"):
        treadle.load(source)


def test_script_refuses_what_is_no_code() -> None:
    with pytest.raises(treadle.InputError, match=r"script takes a function, .*, got 3"):
        treadle.script(3)  # type: ignore[call-overload]


@pytest.mark.parametrize("value", ["text", None, {1: 2}])
def test_an_argument_that_is_no_tensor_is_named(value: Any) -> None:
    with pytest.raises(treadle.InputError, match=r"doubled\(x\): 'x' must be a tensor"):
        treadle.script(doubled)(value)
