"""Plans of random programs against the references of their operators, on several threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.plans import bind, fine_tasks, run_on_all, type_of
from tests.schedule.random_graphs import Program, programs
from treadle.ir.text import print_graph
from treadle.passes.abstract import Unplannable
from treadle.passes.dce import eliminate_dead_code

pytestmark = [pytest.mark.native, pytest.mark.slow]
_MANY_DIMS = "a matrix product with more batch dims than a kernel has axes"


@given(programs())
@settings(
    max_examples=60,
    suppress_health_check=list(HealthCheck),
)
def test_plan_computes_what_the_references_compute(program: Program) -> None:
    eliminate_dead_code(program.graph)
    with fine_tasks():
        try:
            bound = bind(program.graph, [type_of(a) for a in program.arrays])
        except Unplannable as reason:
            assert str(reason) == _MANY_DIMS  # noqa: PT017
            return
    results = run_on_all(bound, program.arrays)
    for actual, expected in zip(results, program.expected, strict=True):
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        tolerance = (1e-3 if expected.dtype == np.float32 else 1e-9) * scale
        message = print_graph(program.graph)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance, err_msg=message)
