"""Complex tensors in plans: memory of pairs, computed on by its parts."""

import numpy as np
import pytest

from tests.plans import bind, graph_of, results_of, type_of
from treadle.passes.abstract import Unplannable

pytestmark = pytest.mark.native


def _complex(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    parts = rng.standard_normal((2, *shape), np.float32)
    return np.asarray(parts[0] + 1j * parts[1], np.complex64)


def test_arithmetic_and_products_of_matrices() -> None:
    text = (
        "graph(%a: Tensor, %b: Tensor)\n"
        "%p: Tensor = matmul(%a, %b)\n"
        "%q: Tensor = mul.Tensor(%p, %p)\n"
        "%s: Tensor = sub.Tensor(%q, %p, 2)\n"
        "%m: Tensor = abs(%s)\n"
        "%r: Tuple[Tensor, Tensor] = tuple(%s, %m)\n"
        "return %r"
    )
    a, b = _complex(3, 4), _complex(4, 5)
    expected = (a @ b) ** 2 - 2 * (a @ b)
    got, size = results_of(text, a, b)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(size, np.abs(expected), rtol=1e-4, atol=1e-4)


def test_views_and_copies_keep_pairs_together() -> None:
    text = (
        "graph(%a: Tensor)\n"
        "%t: Tensor = transpose.int(%a, 0, 1)\n"
        "%c: Tensor = contiguous(%t, 0)\n"
        "%l: List[Tensor] = list(%c, %c)\n"
        "%j: Tensor = cat(%l, 1)\n"
        "return %j"
    )
    a = _complex(3, 5)
    np.testing.assert_array_equal(results_of(text, a)[0], np.concatenate([a.T, a.T], 1))


def test_conversions_to_the_dtype_that_is_there_are_the_numbers_or_a_copy() -> None:
    text = (
        "graph(%a: Tensor)\n"
        "%d: Tensor = to.dtype_layout(%a, 9, 0, None, None, False, False, None)\n"
        "%t: Tensor = type_as(%d, %a)\n"
        "%c: Tensor = to.dtype(%t, 9, False, True, None)\n"
        "%s: Tensor = add.Tensor(%c, %t, 1)\n"
        "return %s"
    )
    a = _complex(3, 5)
    np.testing.assert_array_equal(results_of(text, a)[0], a + a)


def test_a_function_without_a_rule_for_parts_is_left_to_the_interpreter() -> None:
    graph = graph_of("graph(%a: Tensor)\n%t: Tensor = tanh(%a)\nreturn %t")
    with pytest.raises(Unplannable, match="tanh of complex numbers"):
        bind(graph, [type_of(_complex(3))])
