"""Measuring with a clock that the test moves, and that thread settings come back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from treadle import runtime
from treadle.errors import InputError
from treadle.tune import Cell, ThreadSetting, Turn, drive, seconds_per_cell, sweep
from treadle.tune.sweep import summarise

ONE, TWO = ThreadSetting(1, 1), ThreadSetting(2, 2)


class FakeModel:
    """A model whose requests take as long as the thread setting says, on its own clock."""

    def __init__(self) -> None:
        self.now = 0
        self.requests: list[int] = []

    def __call__(self, request: int) -> None:
        self.requests.append(request)
        self.now += 4_000_000 // runtime.get_num_threads()

    def clock(self) -> int:
        return self.now


@pytest.fixture
def unchanged_threads() -> Iterator[None]:
    before = (runtime.get_num_threads(), runtime.get_num_interop_threads())
    yield
    assert (runtime.get_num_threads(), runtime.get_num_interop_threads()) == before


def test_one_client_measures_every_request_until_its_time_is_over() -> None:
    model = FakeModel()
    with runtime.threads(intra=1):
        turn = drive(model, 1, 0.010, model.clock)
    assert turn.latencies_ns == (4_000_000,) * 3
    assert turn.throughput == pytest.approx(250)


def test_a_request_longer_than_the_turn_is_measured_once() -> None:
    model = FakeModel()
    with runtime.threads(intra=1):
        assert drive(model, 1, 0.000_001, model.clock).latencies_ns == (4_000_000,)


def test_a_sweep_finds_the_setting_that_is_faster(unchanged_threads: None) -> None:
    model = FakeModel()
    found = sweep(
        model, [(0,)], settings=(ONE, TWO), clients=(1,), seconds=0.1, rounds=3, clock=model.clock
    )
    slow, fast = found.measurements
    assert (slow.p50_ns, fast.p50_ns) == (4e6, 2e6)
    assert fast.throughput == pytest.approx(500)
    assert found.best_latency is fast
    assert found.best_throughput is fast
    assert found.pareto() == (fast,)


def test_requests_are_sent_in_turn(unchanged_threads: None) -> None:
    model = FakeModel()
    sweep(
        model, [(i,) for i in range(3)], settings=(ONE,), clients=(1,), seconds=0.02, rounds=1,
        clock=model.clock,
    )  # fmt: skip
    assert model.requests == [0, 0, 0, 1, 2, 0, 1]


def test_every_cell_has_its_turn_in_every_round(unchanged_threads: None) -> None:
    model = FakeModel()
    turns: list[Cell] = []
    done: list[Cell] = []

    @contextmanager
    def turn(cell: Cell) -> Iterator[None]:
        turns.append(cell)
        yield
        done.append(cell)

    sweep(
        model, [(0,)], settings=(ONE, TWO), clients=(1,), seconds=0.01, rounds=4,
        clock=model.clock, around_turn=turn,
    )  # fmt: skip
    assert len(turns) == 8
    assert turns == done
    for start in range(0, 8, 2):
        assert set(turns[start : start + 2]) == {Cell(ONE, 1), Cell(TWO, 1)}


@pytest.mark.threads
def test_clients_run_at_the_same_time_with_the_setting_of_their_cell(
    unchanged_threads: None,
) -> None:
    ticks = iter(range(1000))
    together = threading.Barrier(3)
    seen = set()

    def model() -> None:
        if threading.current_thread() is not threading.main_thread():
            together.wait(10)
            seen.add((runtime.get_num_threads(), runtime.get_num_interop_threads()))

    sweep(
        model, [()], settings=(ThreadSetting(3, 2),), clients=(3,), seconds=1e-9, rounds=1,
        clock=lambda: next(ticks),
    )  # fmt: skip
    assert seen == {(3, 2)}


@pytest.mark.threads
@pytest.mark.parametrize("failing_call", [0, 1, 2])
def test_the_error_of_a_client_stops_all_and_is_raised(failing_call: int) -> None:
    calls = threading.local()

    def call(number: int) -> None:
        count = getattr(calls, "count", 0)
        calls.count = count + 1
        if count == failing_call and threading.current_thread().name == "client-1":
            raise InputError("request refused")

    with pytest.raises(InputError, match="request refused"):
        drive(call, 4, 60.0)


def test_summary_is_the_median_over_turns() -> None:
    turns = [Turn((10, 20, 30), 1.0), Turn((100, 100, 100), 5.0), Turn((1, 1, 1), 2.0)]
    summary = summarise(Cell(ONE, 1), turns)
    assert summary.p50_ns == 20
    assert summary.p99_ns == pytest.approx(float(np.percentile((10, 20, 30), 99)))
    assert (summary.throughput, summary.lowest, summary.highest) == (2.0, 1.0, 5.0)
    assert summary.requests == 9


def test_the_default_of_two_threads_takes_half_a_minute() -> None:
    assert 16 * seconds_per_cell(16) <= 30
    assert seconds_per_cell(1) == 2.0
    assert seconds_per_cell(10_000) == 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"settings": ()}, "at least one thread setting"),
        ({"clients": ()}, "at least one thread setting"),
        ({"requests": []}, "inputs of at least one request"),
        ({"rounds": 0}, "rounds and seconds must be positive"),
        ({"seconds": 0.0}, "rounds and seconds must be positive"),
        ({"seconds": float("nan")}, "rounds and seconds must be positive"),
        ({"clients": (0,)}, "threads and clients must be positive"),
        ({"settings": (ThreadSetting(0, 1),)}, "threads and clients must be positive"),
    ],
)
def test_a_sweep_refuses_what_it_cannot_measure(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sweep(**{"module": lambda: None, "requests": [()], **arguments})  # type: ignore[arg-type]
