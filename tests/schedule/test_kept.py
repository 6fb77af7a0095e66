"""Rows whose stages share long computations: done once, the same numbers as when done twice."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plans import Array, graph_of, results_of, type_of
from treadle.ir.loops_text import print_kernel
from treadle.ops import OPS
from treadle.passes.specialise import specialise
from treadle.schedule import kept
from treadle.schedule.machine import Machine
from treadle.schedule.schedule import make_schedule

pytestmark = pytest.mark.native
SOFTMAX = "graph(%x: Tensor)\n%y: Tensor = softmax.int(%x, -1, None)\nreturn %y"
GELU_NORM = """
graph(%x: Tensor)
%g: Tensor = gelu(%x, "none")
%y: Tensor = layer_norm(%g, [33], None, None, 0.00001, True)
return %y
"""


def _kernels(text: str, *shape: int) -> str:
    x = type_of(np.empty(shape, np.float32))
    graph = specialise(graph_of(text), [x], OPS.by_name).graph
    return "".join(print_kernel(s.kernel) for s in make_schedule(graph, Machine()).steps())


def _random(*shape: int, dtype: str = "float32") -> Array:
    return np.random.default_rng(3).standard_normal(shape).astype(dtype)


def test_a_row_is_exponentiated_once() -> None:
    assert _kernels(SOFTMAX, 3, 100).count("= exp ") == 1
    assert "local" in _kernels(SOFTMAX, 3, 100)


def test_what_is_cheap_or_too_long_or_across_rows_is_not_kept() -> None:
    cheap = GELU_NORM.replace('gelu(%x, "none")', "neg(%x)")
    assert "local" in _kernels(GELU_NORM, 4, 33)
    assert "local" not in _kernels(cheap, 4, 33)
    assert "local" not in _kernels(SOFTMAX, 2, kept.KEPT_ELEMENTS + 1)
    assert "local" not in _kernels(SOFTMAX.replace("-1", "0"), 30, 70)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 33), (2, 3, 257), (0, 7), (3, 0), (64, 16)])
@pytest.mark.parametrize("text", [SOFTMAX, GELU_NORM])
def test_keeping_changes_no_bit(
    text: str, shape: tuple[int, ...], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = _random(*shape, dtype=dtype)
    if text is GELU_NORM:
        x = x.reshape(-1)[: x.size // 33 * 33].reshape(-1, 33)
    (ours,) = results_of(text, x)
    monkeypatch.setattr(kept, "KEPT_ELEMENTS", 0)
    (again,) = results_of(text, x)
    assert ours.tobytes() == again.tobytes()


def test_rows_over_several_dims_are_kept_in_their_order() -> None:
    text = """
    graph(%x: Tensor, %w: Tensor)
    %g: Tensor = gelu(%x, "none")
    %y: Tensor = layer_norm(%g, [3, 33], %w, None, 0.00001, True)
    return %y
    """
    x, w = _random(4, 3, 33), _random(3, 33)
    (gelu,) = results_of('graph(%x: Tensor)\n%g: Tensor = gelu(%x, "none")\nreturn %g', x)
    centred = gelu - gelu.mean((1, 2), keepdims=True)
    want = centred / np.sqrt((centred**2).mean((1, 2), keepdims=True) + 1e-5) * w
    np.testing.assert_allclose(results_of(text, x, w)[0], want, rtol=0, atol=1e-5)
