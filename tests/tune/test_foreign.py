"""The CPU time of others, from what the system counts."""

import pytest

from treadle.tune.foreign import CpuTime, foreign_share


def test_idle_and_waiting_are_not_busy_and_guests_are_counted_once() -> None:
    found = CpuTime.parse("cpu  100 10 50 700 40 0 60 40 99 99", 0.01, 1.25)
    assert found is not None
    assert (found.busy, found.total, found.own) == pytest.approx((2.6, 10.0, 1.25))


@pytest.mark.parametrize(
    "line", ["", "cpu", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8", "cpu 1 2 3 4 5 6 7 x"]
)
def test_other_lines_tell_nothing(line: str) -> None:
    assert CpuTime.parse(line or "?", 0.01, 0.0) is None


def test_the_share_is_what_was_busy_without_our_own() -> None:
    start, end = CpuTime(10, 100, 5), CpuTime(16, 110, 7)
    assert foreign_share(start, end) == pytest.approx(0.4)


@pytest.mark.parametrize(("busy", "own", "share"), [(10, 9, 0.0), (30, 5, 1.0)])
def test_the_share_stays_between_0_and_1(busy: float, own: float, share: float) -> None:
    assert foreign_share(CpuTime(10, 100, 5), CpuTime(busy, 110, own)) == share


def test_unknown_times_give_no_share() -> None:
    now = CpuTime(1, 2, 1)
    assert foreign_share(None, now) is None
    assert foreign_share(now, None) is None
    assert foreign_share(now, now) is None


def test_this_machine_tells() -> None:
    now = CpuTime.now()
    assert now is None or 0 < now.busy < now.total
