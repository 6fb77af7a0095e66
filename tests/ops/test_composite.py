"""Operators from one body: the same answer as arrays, as types and as a plan."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plans import bind, run, type_of
from treadle.compiler import single
from treadle.errors import ShapeError
from treadle.ir.dtypes import f32
from treadle.ir.types import TensorType
from treadle.ops import OPS


def test_the_body_tells_the_type() -> None:
    infer = OPS["huber_loss"].infer
    assert infer is not None
    assert infer(TensorType(f32, (3, 1)), TensorType(f32, (4,)), 0, 1.0) == TensorType(f32, (3, 4))


def test_what_does_not_fit_is_refused_in_words_of_the_operator() -> None:
    tensordot = OPS["tensordot"]
    assert tensordot.infer is not None
    with pytest.raises(ShapeError, match="tensordot"):
        tensordot.infer(TensorType(f32, (2, 3)), TensorType(f32, (4, 5)), [1], [0])


@pytest.mark.native
def test_a_loss_is_one_kernel() -> None:
    x = np.linspace(-2, 2, 40, dtype=np.float32)
    graph, arrays = single(OPS["smooth_l1_loss"], (x, np.zeros_like(x), 1, 1.0))
    bound = bind(graph, [type_of(a) for a in arrays])
    assert len(bound.schedule.steps()) == 1
    expected = np.where(np.abs(x) < 1, 0.5 * x * x, np.abs(x) - 0.5).mean()
    np.testing.assert_allclose(run(bound, arrays)[0], expected, rtol=1e-6)
