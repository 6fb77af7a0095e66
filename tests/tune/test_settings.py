"""Which settings and numbers of clients a sweep tries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.tune import ThreadSetting, client_counts, counts_up_to, settings_up_to


@pytest.mark.parametrize(
    ("limit", "counts"),
    [(0, (1,)), (1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (4, (1, 2, 4)), (6, (1, 2, 4, 6))],
)
def test_counts_are_powers_of_two_and_the_limit(limit: int, counts: tuple[int, ...]) -> None:
    assert counts_up_to(limit) == counts


def test_two_threads_give_all_four_settings_with_the_default_last() -> None:
    assert [str(s) for s in settings_up_to(2)] == ["1 × 1", "1 × 2", "2 × 1", "2 × 2"]


def test_a_model_without_forks_keeps_inter_op_threads_at_the_budget() -> None:
    assert settings_up_to(4, has_forks=False) == (
        ThreadSetting(1, 4),
        ThreadSetting(2, 4),
        ThreadSetting(4, 4),
    )


def test_one_thread_leaves_one_setting() -> None:
    assert settings_up_to(1) == (ThreadSetting(1, 1),)


@given(st.integers(1, 256), st.booleans())
def test_settings_are_distinct_within_the_budget_and_end_with_the_default(
    budget: int, has_forks: bool
) -> None:
    settings = settings_up_to(budget, has_forks)
    assert len(set(settings)) == len(settings)
    assert settings[-1] == ThreadSetting(budget, budget)
    assert all(1 <= s.intra_op <= budget and 1 <= s.inter_op <= budget for s in settings)
    if has_forks and budget > 4:
        assert all(s.intra_op * s.inter_op <= budget for s in settings[:-1])
    assert len(settings) <= 46


@given(st.integers(1, 256))
def test_clients_go_from_one_to_four_times_the_threads(budget: int) -> None:
    counts = client_counts(budget)
    assert counts[0] == 1
    assert counts[-1] == 4 * budget
    assert list(counts) == sorted(set(counts))
