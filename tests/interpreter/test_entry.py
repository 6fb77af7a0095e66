"""Arguments as callers give them."""

from __future__ import annotations

import numpy as np
import pytest

from treadle.errors import InputError
from treadle.interpreter import call
from treadle.interpreter.entry import bind_arguments
from treadle.ir.graph import Graph
from treadle.ir.program import Class, Function, Object, Parameter, Program
from treadle.ir.schema import REQUIRED
from treadle.ir.types import FLOAT, INT, TENSOR, ListType, OptionalType, TupleType

PROGRAM = Program()


def function(*parameters: Parameter) -> Function:
    return Function("f", parameters, INT, Graph)


POSITIONAL = function(
    Parameter("x", TENSOR, REQUIRED),
    Parameter("n", OptionalType(INT), 3),
    Parameter("scale", FLOAT, 1.0, keyword_only=True),
)
X = np.ones(2, np.float32)


def test_defaults_and_keywords_are_filled_in() -> None:
    assert bind_arguments(POSITIONAL, (X,), {"scale": 2}, PROGRAM) == [X, 3, 2.0]


def test_numpy_scalars_are_numbers_or_tensors_as_declared() -> None:
    x, n, scale = bind_arguments(
        POSITIONAL, (np.float32(2), np.int64(4)), {"scale": np.float64(0.5)}, PROGRAM
    )
    assert isinstance(x, np.ndarray)
    assert x.shape == ()
    assert type(n) is int
    assert type(scale) is float


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "argument 'x' is missing"),
        ((X, 1, 2.0), {}, "takes 2 arguments, got 3"),
        ((X,), {"x": X}, "got argument 'x' twice"),
        ((X,), {"y": 1}, "has no argument 'y'"),
        ((5,), {}, "'x' must be a tensor or a NumPy array, got int"),
        ((X, 1.5), {}, r"'n' must be Optional\[int\], got float"),
        ((X, 2**63), {}, r"'n' must be Optional\[int\], got int"),
    ],
)
def test_wrong_arguments_are_named(args, kwargs, message) -> None:
    with pytest.raises(InputError, match=message):
        bind_arguments(POSITIONAL, args, kwargs, PROGRAM)


def test_tuples_are_taken_as_lists_and_the_reverse() -> None:
    wanted = function(
        Parameter("a", ListType(INT), REQUIRED), Parameter("b", TupleType((INT, FLOAT)), REQUIRED)
    )
    assert bind_arguments(wanted, ((1, 2), [3, 4]), {}, PROGRAM) == [[1, 2], (3, 4.0)]


def test_default_lists_are_not_shared_between_calls() -> None:
    wanted = function(Parameter("a", ListType(INT), [1]))
    first = bind_arguments(wanted, (), {}, PROGRAM)[0]
    first.append(2)
    assert bind_arguments(wanted, (), {}, PROGRAM) == [[1]]


def test_unknown_methods_are_named() -> None:
    with pytest.raises(InputError, match="M has no method 'run'"):
        call(PROGRAM, Object(Class("M", "module")), "run")
