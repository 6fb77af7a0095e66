"""Division of integers by zero raises, as a reference and as a plan."""

import numpy as np
import pytest

from tests.plans import bind, results_of, run, type_of
from treadle.compiler import single
from treadle.errors import ScriptError
from treadle.ops import OPS

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


@pytest.mark.native
@pytest.mark.parametrize("name", TENSORS)
def test_a_plan_that_meets_an_integer_zero_raises(name: str) -> None:
    graph, arrays = single(OPS[name], (NUMERATORS, np.array([2, 0, 1])))
    bound = bind(graph, [type_of(a) for a in arrays])
    with pytest.raises(ScriptError, match="integer division by zero"):
        run(bound, arrays)
    arrays[1][1] = 5
    run(bound, arrays)


@pytest.mark.native
@pytest.mark.parametrize("name", NUMBERS)
def test_a_plan_that_divides_by_the_number_zero_raises(name: str) -> None:
    graph, _ = single(OPS[name], (NUMERATORS, 0))
    bound = bind(graph, [type_of(NUMERATORS)])
    with pytest.raises(ScriptError, match="integer division by zero"):
        run(bound, [NUMERATORS])


@pytest.mark.native
def test_a_quotient_of_integers_behind_a_product_of_matrices_is_checked() -> None:
    text = (
        "graph(%x: Tensor, %w: Tensor, %d: Tensor)\n"
        "%y: Tensor = linear(%x, %w, None)\n"
        "%i: Tensor = to.dtype(%y, 4, False, False, None)\n"
        "%r: Tensor = floor_divide(%i, %d)\n"
        "return %r"
    )
    x, w = np.full((3, 4), 2.0, np.float32), np.ones((5, 4), np.float32)
    (result,) = results_of(text, x, w, np.arange(1, 6))
    np.testing.assert_array_equal(result, np.broadcast_to(8 // np.arange(1, 6), (3, 5)))
    with pytest.raises(ScriptError, match="integer division by zero"):
        results_of(text, x, w, np.arange(5))


def test_floats_divide_by_zero() -> None:
    reference = OPS["floor_divide"].reference
    assert reference is not None
    result = reference(np.array([1.0, -1.0, 0.0]), np.zeros(3))
    np.testing.assert_array_equal(result, [np.inf, -np.inf, np.nan])
