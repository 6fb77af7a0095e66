"""Tensors get their methods when one is first asked for."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import treadle

FIRST = """
import treadle
x = treadle.ones(2)
assert "__getattr__" in vars(treadle.Tensor)
assert not hasattr(x, "_unknown") and "__getattr__" in vars(treadle.Tensor)
assert {what}
assert "__getattr__" not in vars(treadle.Tensor)
assert x.relu().tolist() == [1.0, 1.0]
"""


@pytest.mark.parametrize(
    "what", ["x.add(x).tolist() == [2.0, 2.0]", "not hasattr(x, 'nothing')", "'relu' in dir(x)"]
)
def test_the_first_miss_fills_in_all(what: str) -> None:
    subprocess.run([sys.executable, "-c", FIRST.format(what=what)], check=True)


TOGETHER = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import treadle
sys.setswitchinterval(1e-6)
x, together = treadle.ones(2), threading.Barrier(8)
def call(name):
    together.wait()
    return getattr(x, name)().tolist()
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(call, ["relu", "exp", "relu", "abs", "clone", "float", "neg", "square"]))
assert found[0] == found[2] == found[3] == found[7] == [1.0, 1.0]
"""


def test_threads_may_ask_for_their_first_methods_at_once() -> None:
    subprocess.run([sys.executable, "-c", TOGETHER], check=True)


def test_methods_are_functions_of_the_class_too() -> None:
    x = treadle.tensor([-1.0, 2.0]).clone()  # the first method fills in the others
    cls: Any = treadle.Tensor
    assert cls.relu(x).tolist() == cls.clamp_min(x, 0.0).tolist() == [0.0, 2.0]


def test_a_derived_class_has_them() -> None:
    class Derived(treadle.Tensor):
        pass

    x = Derived(np.array([1.0, -4.0]))
    assert x.abs().sum().item() == 5.0
    assert Derived.abs is treadle.Tensor.abs


def test_what_is_no_method_is_no_attribute() -> None:
    x: Any = treadle.ones(2)
    for name in ("nothing", "arange", "_nothing", "nonzero_numpy"):
        with pytest.raises(AttributeError, match=f"'Tensor' object has no attribute '{name}'"):
            getattr(x, name)
    assert copy.deepcopy(x).tolist() == [1.0, 1.0]


def test_polygamma_takes_its_order_as_in_torch() -> None:
    x = treadle.tensor([0.5, 2.0])
    assert x.polygamma(1).tolist() == treadle.polygamma(1, x).tolist()
