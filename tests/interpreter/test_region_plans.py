"""When regions of interpreted methods get plans, and what goes on beside them."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

import treadle
from tests.interpreter.test_regions import (
    masks_from_outside,
    momentum,
    num_plans,
    plans_at_once,
    writes_into_a_view,
)
from treadle import template
from treadle.interpreter import regions
from treadle.ir.op import REGION

__all__ = ["plans_at_once"]


def test_a_region_that_hardly_runs_is_not_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "BIND_AFTER", 2)
    script = treadle.script(writes_into_a_view)
    for runs, plans in enumerate((0, 0, 2), 1):
        script(np.ones((2, 2), np.float32), np.array(2))
        assert num_plans(script) == plans, runs


def doubled(x: torch.Tensor) -> torch.Tensor:
    if bool(x.sum() > 0):
        x = torch.exp(x) * 2
    return x


def test_many_shapes_are_bound_only_when_they_come_back_if_that_is_not_cheap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(template, "MAX_TEMPLATES", 0)
    script = treadle.script(doubled)
    for size in range(1, regions.MAX_EAGER + 5):
        script(np.ones(size, np.float32))
    assert num_plans(script) == 2 * regions.MAX_EAGER
    script(np.ones(regions.MAX_EAGER + 2, np.float32))
    assert num_plans(script) == 2 * regions.MAX_EAGER + 2


def test_many_shapes_are_bound_at_once_if_that_is_cheap() -> None:
    script = treadle.script(doubled)
    for size in range(1, 30):
        script(np.ones(size, np.float32))
    assert num_plans(script) == 2 * 29


def test_an_operator_that_cannot_be_planned_leaves_the_others_planned() -> None:
    script = treadle.script(masks_from_outside)
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    script(x, np.array(5))
    graph, _ = script._interpreted
    parts = [r.attributes["plans"]._parts for r in graph.nodes_of(REGION)]
    (inner,) = [p for p in parts if p is not None]
    names = [[n.op.name for n in r.blocks[0].nodes] for r in inner.nodes_of(REGION)]
    assert [name[0] for name in names] == ["exp", "mul.Scalar"]
    assert all(r.attributes["plans"]._num_plans for r in inner.nodes_of(REGION))


def multiplied(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    if bool(n > 0):
        x = x @ x
    return x


def test_a_region_with_much_data_is_bound_when_it_first_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(regions, "BIND_AFTER", 2)
    for size, plans in ((4, 0), (200, 2)):
        script = treadle.script(multiplied)
        script(np.ones((size, size), np.float32), np.array(1))
        assert num_plans(script) == plans // 2


def slow(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    while bool(n > 0):
        x = torch.exp(x @ x) * 0.0
    return x


def test_a_deadline_stops_a_run_with_regions() -> None:
    script = treadle.script(slow)
    x = np.zeros((64, 64), np.float32)
    script(x, np.array(0))
    start = time.process_time()
    with pytest.raises(treadle.errors.DeadlineExceeded):
        script(x, np.array(1), timeout=0.3)
    assert time.process_time() - start < 10


def both_forked(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    for _ in range(int(n)):
        future = torch.jit.fork(torch.tanh, x)
        x = x * 0.5 + torch.jit.wait(future)
    return x


def test_forks_and_regions_go_together() -> None:
    x, n = torch.linspace(-1, 1, 6).reshape(2, 3), torch.tensor(9)
    wanted = torch.jit.script(both_forked)(x, n).numpy()
    np.testing.assert_allclose(np.asarray(treadle.script(both_forked)(x, n)), wanted, rtol=1e-5)


def test_an_explanation_counts_the_regions() -> None:
    explanation = treadle.script(momentum).explain(np.ones((2, 3), np.float32), np.array(3))
    assert not explanation.planned
    assert "depends on data" in explanation.reason
    assert explanation.regions == 2
