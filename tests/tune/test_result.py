"""The decisions that are drawn from measurements."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.tune import Cell, Measurement, Sweep, ThreadSetting, as_document


def measurement(
    intra: int, inter: int, clients: int, p50_us: float, throughput: float
) -> Measurement:
    cell = Cell(ThreadSetting(intra, inter), clients)
    return Measurement(cell, p50_us * 1e3, p50_us * 2e3, throughput, throughput, throughput, 10)


def sweep_of(*measurements: Measurement) -> Sweep:
    return Sweep(measurements, budget=2, default=ThreadSetting(2, 2))


_CELLS = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 8))
_NUMBERS = st.tuples(st.integers(1, 6).map(float), st.integers(1, 6).map(float))


@st.composite
def sweeps(draw: st.DrawFn) -> Sweep:
    found = draw(st.dictionaries(_CELLS, _NUMBERS, min_size=1, max_size=12))
    return sweep_of(*(measurement(*cell, *numbers) for cell, numbers in found.items()))


@given(sweeps())
def test_pareto_set_is_exactly_what_nothing_dominates(sweep: Sweep) -> None:
    expected = {
        m for m in sweep.measurements if not any(o.dominates(m) for o in sweep.measurements)
    }
    front = sweep.pareto()
    assert set(front) == expected
    assert len(front) == len(expected)


@given(sweeps())
def test_pareto_set_is_ordered_by_latency_and_throughput_alike(sweep: Sweep) -> None:
    front = sweep.pareto()
    for before, after in itertools.pairwise(front):
        assert before.p99_ns <= after.p99_ns
        assert before.throughput <= after.throughput


@given(sweeps())
def test_best_latency_is_the_lowest_at_the_fewest_clients(sweep: Sweep) -> None:
    best = sweep.best_latency
    alone = [m for m in sweep.measurements if m.clients == min(sweep.clients)]
    assert best in alone
    assert best.p50_ns == min(m.p50_ns for m in alone)


@given(sweeps())
def test_best_throughput_is_the_highest_and_pareto_optimal(sweep: Sweep) -> None:
    best = sweep.best_throughput
    assert best.throughput == max(m.throughput for m in sweep.measurements)
    assert best in sweep.pareto()


def test_of_equal_latencies_the_fewest_threads_are_best() -> None:
    sweep = sweep_of(
        measurement(2, 2, 1, 5, 10), measurement(1, 2, 1, 5, 10), measurement(2, 1, 1, 5, 10)
    )
    assert sweep.best_latency.setting == ThreadSetting(1, 2)
    assert sweep.best_throughput.setting == ThreadSetting(1, 2)


def test_latency_under_load_does_not_win() -> None:
    sweep = sweep_of(measurement(1, 1, 2, 1, 10), measurement(2, 2, 1, 3, 5))
    assert sweep.best_latency.clients == 1


@pytest.mark.parametrize(
    ("other", "dominated"),
    [((5, 10), False), ((6, 10), True), ((5, 9), True), ((4, 9), False), ((6, 11), False)],
)
def test_dominates_needs_one_better_and_none_worse(
    other: tuple[float, float], dominated: bool
) -> None:
    assert measurement(1, 1, 1, 5, 10).dominates(measurement(2, 1, 1, *other)) is dominated


def test_document_is_json_and_marks_the_chosen() -> None:
    sweep = sweep_of(measurement(1, 1, 1, 5, 10), measurement(2, 2, 1, 6, 9))
    document = json.loads(json.dumps(as_document(sweep)))
    assert document["best_latency"]["intra_op"] == 1
    assert [m["pareto"] for m in document["measurements"]] == [True, False]
    assert document["measurements"][1]["clients"] == 1
    assert document["default"] == {"intra_op": 2, "inter_op": 2}
