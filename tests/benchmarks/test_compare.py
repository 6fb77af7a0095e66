"""The arithmetic and the verdicts of `benchmarks.compare`."""

import pytest

from benchmarks.compare import compare, spread, verdict
from benchmarks.results import Result, document


def test_spread_of_equal_rounds_is_their_ratio() -> None:
    assert spread([2.0, 2.0, 2.0], [3.0, 3.0]) == pytest.approx((1.5, 1.5))


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        (0.8, 0.9, "ms", "better"),
        (1.1, 1.2, "ms", "worse"),
        (1.1, 1.2, "GFLOP/s", "better"),
        (0.8, 0.9, "GFLOP/s", "worse"),
        (0.9, 1.1, "ms", ""),
    ],
)
def test_verdict_depends_on_the_unit(low: float, high: float, unit: str, expected: str) -> None:
    assert verdict(low, high, unit) == expected


def test_best_of_a_rate_is_its_largest_sample() -> None:
    assert Result("copy", "GB/s", (1.0, 3.0, 2.0), ()).best == 3.0
    assert Result("call", "ms", (1.0, 3.0, 2.0), ()).best == 1.0


def test_quantities_that_one_run_lacks_are_left_out() -> None:
    rounds = (1.0, 1.1, 1.2)
    first = document("latency", [Result("a", "ms", rounds, rounds)], {})
    both = [Result("a", "ms", rounds, rounds), Result("b", "ms", rounds, rounds)]
    assert compare(first, document("latency", both, {})).row_count == 1
