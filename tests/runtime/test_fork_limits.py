"""How many forks run side by side, as the scope that they were made in says."""

import concurrent.futures
import threading

import pytest

from treadle import _native
from treadle.runtime import (
    Future,
    fork,
    get_budget,
    get_num_interop_threads,
    get_num_threads,
    threads,
)

pytestmark = pytest.mark.threads


def test_scope_of_threads_follows_into_forks() -> None:
    with threads(intra=3):
        assert fork(get_num_threads).wait() == 3
        assert fork(lambda: fork(get_num_threads).wait()).wait() == 3


@pytest.mark.parametrize("inter", [1, 2, 3])
def test_scope_limits_tasks_side_by_side(inter: int) -> None:
    budget, interop = get_budget(), get_num_interop_threads()
    _native.set_budget(5)
    _native.set_num_interop_threads(8)
    now, peak, lock = [0], [0], threading.Lock()
    together = threading.Barrier(inter)

    def task() -> int:
        with lock:
            now[0] += 1
            peak[0] = max(peak[0], now[0])
        together.wait(30)  # as many as may run side by side do
        with lock:
            now[0] -= 1
        return get_num_interop_threads()

    try:
        with threads(inter=inter):
            futures = [fork(task) for _ in range(18)]
        assert get_num_interop_threads() == 8
        done = concurrent.futures.wait(futures, timeout=300)  # waits without helping
        assert not done.not_done
    finally:
        _native.set_budget(budget)
        _native.set_num_interop_threads(interop)
    assert {future.value() for future in futures} == {inter}
    assert peak[0] == inter


def _sum(a: Future[int], b: Future[int]) -> int:
    return a.wait() + b.wait()


def test_limited_tasks_are_run_by_who_waits_or_dropped() -> None:
    with threads(inter=1):
        blocker: Future[None] = Future()
        first = fork(blocker.wait)
        others = [fork(int, i) for i in range(50)]
        last = others[0]
        for future in others:
            last = fork(_sum, last, future)
        assert others[7].cancel() or others[7].done()
        assert [f.wait() for f in others[8:]] == list(range(8, 50))
        blocker.set_result(None)
        first.wait()
