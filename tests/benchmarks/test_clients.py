"""How `benchmarks.clients` takes turns and chooses what it compares."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bursts import in_turn
from benchmarks.clients import Cell, best_of, burst_seconds
from benchmarks.serving import Setting


def cell(engine: str, label: str, *rates: float) -> Cell:
    return Cell("digits", Setting(engine, label), 1, rates=list(rates))


def test_every_round_starts_with_the_next_item() -> None:
    assert "".join(in_turn("abc", 4)) == "abcbcacababc"


@given(st.lists(st.integers(), min_size=1, unique=True), st.integers(0, 20))
def test_each_item_has_one_turn_in_each_round(items: list[int], rounds: int) -> None:
    turns = list(in_turn(items, rounds))
    for number in range(rounds):
        assert sorted(turns[number * len(items) : (number + 1) * len(items)]) == sorted(items)
    assert len(turns) == rounds * len(items)


def test_best_setting_is_not_the_default_and_of_the_same_engine() -> None:
    default, slow = cell("treadle", "default", 9.0), cell("treadle", "1x1", 5.0)
    quick, other = cell("treadle", "2x1", 7.0), cell("torch", "1x1", 8.0)
    assert best_of([default, slow, quick, other], "treadle") == (default, quick)
    assert best_of([slow, other], "torch") == (None, other)
    assert best_of([default], "treadle") == (default, None)
    assert best_of([], "torch") == (None, None)


def test_settings_are_compared_by_the_median_of_their_bursts() -> None:
    steady, lucky = cell("torch", "1x1", 5.0, 5.0, 5.0), cell("torch", "1x2", 1.0, 1.0, 90.0)
    assert best_of([steady, lucky], "torch") == (None, steady)


def test_bursts_are_longer_for_slow_models_and_many_clients() -> None:
    assert burst_seconds(0.4, clients=16, request=1e-4, cpus=2) == 0.4
    assert burst_seconds(0.4, clients=16, request=0.03, cpus=2) == 4 * 0.03 * 8
    assert burst_seconds(0.4, clients=1, request=0.5, cpus=2) == 2.0
