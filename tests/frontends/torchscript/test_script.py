"""``script`` on Python functions, classes and objects, where torch's scripting is no guide."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B007, F841

import enum
import functools
import math
from typing import Final, NamedTuple

import numpy as np
import pytest
import torch

import treadle
from tests.frontends.torchscript.support import run_script
from treadle.errors import CompileError, ScriptSyntaxError, UnsupportedError
from treadle.frontends.torchscript.script import ScriptedModule, script
from treadle.interpreter import call
from treadle.ir.verify import verify

LIMIT = 5
WEIGHTS = np.array([1.0, 2.0], np.float32)


def uses_globals(x: int) -> int:
    return x * LIMIT + int(math.pi)


def test_numbers_from_outside_are_constants() -> None:
    assert run_script(uses_globals, (2,)) == 13


def test_arrays_from_outside_are_constants() -> None:
    def scale(x):
        return x * WEIGHTS

    assert run_script(scale, (np.ones(2, np.float32),)).tolist() == [1.0, 2.0]


def test_new_python_type_syntax_is_read() -> None:
    def total(xs: list[int], start: int | None = None, *, factor: int = 2) -> dict[str, int]:
        if start is None:
            start = 0
        for x in xs:
            start += x
        return {"total": start * factor}

    assert run_script(total, ([1, 2],)) == {"total": 6}


def test_comprehension_with_a_test() -> None:
    def even(xs: list[int]) -> list[int]:
        return [x * x for x in xs if x % 2 == 0]

    assert run_script(even, ([1, 2, 4],)) == [4, 16]


def doubled(x: int) -> int:
    return x * 2


class Compiled:
    """Stands for a function that was scripted before."""

    def __call__(self, *args):
        raise AssertionError("Python must not run it")


compiled = functools.update_wrapper(Compiled(), doubled)


def calls_compiled(x: int) -> int:
    return compiled(x) + 1


def test_functions_that_were_scripted_before_can_be_called() -> None:
    assert run_script(calls_compiled, (4,)) == 9


class Point(NamedTuple):
    x: int
    y: float = 0.5


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


class Account:
    owner: str

    def __init__(self, owner: str, amount: int = 3):
        self.owner = owner
        self.amount = amount

    def add(self, n: int):
        self.amount += n
        return self.amount


def uses_classes(n: int) -> tuple[str, int, float, str]:
    account = Account("me")
    account.add(n)
    point = Point(1)
    mode = Mode.SLOW
    return account.owner, account.amount, point.y, mode.value


def test_classes_named_tuples_and_enums() -> None:
    assert run_script(uses_classes, (4,)) == ("me", 7, 0.5, "slow")


class Linear:
    def __init__(self, n: int):
        self.weight = np.eye(n, dtype=np.float32) * 2
        self.bias: np.ndarray | None = None

    def forward(self, x):
        return x @ self.weight


class Net:
    depth: Final[int] = 2

    def __init__(self):
        self.layers = [Linear(2), Linear(2)]
        self.calls = 0
        self.unused = object()

    def forward(self, x, twice: bool = False):
        self.calls += 1
        for i in range(self.depth):
            x = x + 1
        for layer in self.layers:
            x = layer(x)
        if twice:
            x = self.helper(x)
        return x

    def helper(self, x):
        return x * 2

    def python_only(self, *args):
        return args


def test_object_with_forward_is_a_module() -> None:
    scripted = script(Net())
    assert isinstance(scripted, ScriptedModule)
    verify(scripted.root.cls.methods["forward"].graph())
    x = np.ones(2, np.float32)
    assert call(scripted.program, scripted.root, "forward", (x,)).tolist() == [12.0, 12.0]
    again = call(scripted.program, scripted.root, "__call__", (x,), {"twice": True})
    assert again.tolist() == [24.0, 24.0]
    assert scripted.root.attributes["calls"] == 2


def unknown_name(x: int) -> int:
    return x + nowhere  # noqa: F821


def wrong_types(x: str) -> int:
    return x


def unknown_operator(x):
    return x.no_such_method()


def maybe_undefined(x: int) -> int:
    if x > 0:
        y = 1
    return y


def changes_type_in_loop(n: int) -> int:
    x = 0
    for _ in range(n):
        x = "text"
    return n


def calls_itself(n: int):
    return calls_itself(n - 1)


def varargs(*xs: int) -> int:
    return 1


def tries(x: int) -> int:
    try:
        return x
    except ValueError:
        return 0


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (unknown_name, CompileError, "'nowhere' is not defined"),
        (wrong_types, CompileError, "the returned value has type str, expected int"),
        (unknown_operator, UnsupportedError, r"aten::no_such_method\(Tensor\) is not supported"),
        (maybe_undefined, CompileError, "'y' is not defined"),
        (changes_type_in_loop, CompileError, "'x' has type int before the loop, but str"),
        (calls_itself, CompileError, "calls itself"),
        (varargs, ScriptSyntaxError, r"no \*args"),
        (tries, ScriptSyntaxError, "no try statement"),
    ],
)
def test_what_scripts_cannot_do_is_said(function, error, message) -> None:
    with pytest.raises(error, match=message):
        script(function)


def test_errors_point_into_the_source() -> None:
    with pytest.raises(CompileError) as raised:
        script(unknown_name)
    line = unknown_name.__code__.co_firstlineno + 1
    assert f"test_script.py:{line}:16" in str(raised.value)
    assert "    return x + nowhere" in str(raised.value)
    assert str(raised.value).splitlines()[-1].index("^") == 4 + len("    return x + ")


def test_a_class_itself_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="an object of class Net"):
        script(Net)


def test_an_object_without_forward_is_refused() -> None:
    with pytest.raises(CompileError, match="no method 'forward'"):
        script(Account("x"))


class Best:
    def __init__(self) -> None:
        self.value: int | None = None

    def see(self, n: int) -> None:
        value = self.value
        if value is None or n > value:
            self.value = n


def best_of(xs: list[int]) -> int | None:
    best = Best()
    for x in xs:
        best.see(x)
    return best.value


def test_annotations_of_attributes_in_init_give_their_types() -> None:
    script = treadle.script(best_of)
    assert script([3, 7, 5]) == 7
    assert script([]) is None


@torch.jit._overload  # type: ignore[no-untyped-call, untyped-decorator]
def doubled(x: int) -> int: ...


@torch.jit._overload  # type: ignore[no-untyped-call, untyped-decorator]
def doubled(x: str) -> str: ...


def doubled(x):  # type: ignore[no-untyped-def]
    return x + x


def calls_overloads(n: int, s: str) -> str:
    return doubled(s) + str(doubled(n))


def test_overloaded_function_is_chosen_by_its_arguments() -> None:
    assert treadle.script(calls_overloads)(4, "a") == "aa8"
