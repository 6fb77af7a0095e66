"""Division of integers by zero raises, as a reference and as a plan."""

import numpy as np
import pytest

from treadle.compiler import engine, single
from treadle.errors import ScriptError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops import OPS
from treadle.passes.specialise import Unplannable

TENSORS = ("floor_divide", "remainder.Tensor", "fmod.Tensor")
NUMBERS = ("floor_divide.Scalar", "remainder.Scalar", "fmod.Scalar")
NUMERATORS = np.array([7, -7, 0])


@pytest.mark.parametrize("name", TENSORS)
def test_an_integer_zero_in_a_tensor_raises(name: str) -> None:
    reference = OPS[name].reference
    assert reference is not None
    with pytest.raises(ScriptError, match="integer division by zero") as caught:
        reference(NUMERATORS, np.array([2, 0, 1]))
    assert caught.value.script_class == "ZeroDivisionError"


@pytest.mark.parametrize("name", TENSORS)
def test_no_plan_divides_integers_by_data(name: str) -> None:
    graph, _ = single(OPS[name], (NUMERATORS, NUMERATORS))
    types = [TensorType(dtypes.i64, (3,))] * 2
    with pytest.raises(Unplannable, match="integers by a tensor"):
        engine().bind(graph, types)


@pytest.mark.parametrize("name", NUMBERS)
def test_the_number_zero_raises_when_a_plan_is_made(name: str) -> None:
    graph, _ = single(OPS[name], (NUMERATORS, 0))
    with pytest.raises(ScriptError, match="integer division by zero"):
        engine().bind(graph, [TensorType(dtypes.i64, (3,))])


def test_floats_divide_by_zero() -> None:
    reference = OPS["floor_divide"].reference
    assert reference is not None
    result = reference(np.array([1.0, -1.0, 0.0]), np.zeros(3))
    np.testing.assert_array_equal(result, [np.inf, -np.inf, np.nan])
