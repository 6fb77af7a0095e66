import functools
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.counted import Counted, endless, kernel, restored_settings, started, until, waits
from tests.runtime.kernels import address
from treadle import _native
from treadle.errors import Cancelled
from treadle.runtime import available_backends, fork, use_backend, wait_all
from treadle.runtime.plan import Instruction, Plan, Space

pytestmark = pytest.mark.threads


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with restored_settings():
        yield


# ---- the budget

PROGRAM = st.tuples(
    st.integers(1, 4),  # budget
    st.integers(1, 6),  # clients
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=4),
    st.integers(0, 4),  # forks of Python calls, each of which runs the plan
    st.booleans(),  # the budget changes on the way
)


@pytest.mark.parametrize("backend", available_backends())
@given(program=PROGRAM)
@settings(max_examples=40, deadline=None)
def test_never_more_threads_compute_than_the_budget(
    backend: str, program: tuple[int, int, list[tuple[int, int]], int, bool]
) -> None:
    use_backend(backend)
    budget, clients, steps, forks, resizes = program
    turns = 6000
    main: list[Instruction] = []
    sequences = [main]
    for num_forks, tasks in steps:
        futures = range(len(sequences) - 1, len(sequences) - 1 + num_forks)
        for future in futures:
            sequences.append([kernel(turns, tasks), kernel(turns)])
            main.append(("fork", future + 1, future))
        main.append(kernel(turns, tasks))
        main.extend(("join", future) for future in futures)
    counted = Counted(*sequences)
    _native.set_budget(budget)
    _native.peak_computing()

    def client() -> None:
        for _ in range(3):
            counted.run()
        wait_all([fork(counted.run) for _ in range(forks)])

    threads = started(*[client] * clients)
    if resizes:
        _native.set_budget(1)
        _native.set_budget(budget)
    for thread in threads:
        thread.join()
    assert counted.inside == 0
    assert 1 <= counted.peak <= budget
    assert counted.peak <= _native.peak_computing() <= budget
    if budget > 1:
        until(lambda: _native.num_workers() <= budget - 1)


def test_one_request_has_all_threads() -> None:
    _native.set_budget(3)
    counted = Counted([kernel(200_000, 64)])

    def has_run_on_three() -> bool:
        counted.run()
        return counted.peak == 3

    until(has_run_on_three)


def test_requests_share_what_one_had() -> None:
    """A second client gets its place at a chunk's end, long before the first request's."""
    _native.set_budget(2)
    control = _native.RunControl(timeout=60)
    long, short = endless(8), Counted([kernel(1000)])

    def run_long() -> None:
        with pytest.raises(Cancelled):
            long.run(control)

    threads = started(run_long)
    until(lambda: long.peak == 2)
    short.run()
    control.cancel()
    threads[0].join()
    assert long.inside == 0


# ---- the order


def test_clients_are_admitted_in_the_order_of_arrival() -> None:
    assert order_of([0, 0, 0, 0]) == [0, 1, 2, 3]


def test_higher_priorities_go_first() -> None:
    assert order_of([0, 5, -1, 5]) == [1, 3, 0, 2]


def order_of(priorities: list[int]) -> list[int]:
    """Numbers of clients in the order of their admission after one that holds the only place."""
    _native.set_budget(1)
    stamps = np.zeros(1 + len(priorities), np.int32)
    control = _native.RunControl()
    holder = endless()

    def hold() -> None:
        with pytest.raises(Cancelled):
            holder.run(control)

    def client(number: int) -> None:
        own = _native.RunControl(priority=priorities[number])
        buffers = tuple((int(Space.CONSTANT), 0, 4 * place) for place in (0, 1 + number))
        stamp: Instruction = ("run", "stamp", address("stamp"), buffers, (), 1, 1)
        Plan([[stamp]], 0, [stamps], [], []).run([], [], 0, own)
        assert own.queued_seconds > 0

    threads = started(hold)
    until(lambda: holder.inside == 1)
    for number in range(len(priorities)):
        threads += started(functools.partial(client, number))
        until(functools.partial(waits, number + 1))
    control.cancel()
    for thread in threads:
        thread.join()
    return [int(number) for number in np.argsort(stamps[1:])]


def test_clients_may_run_where_they_might_before() -> None:
    """Who is woken is tied to a processor until it runs."""
    cpus = sorted(os.sched_getaffinity(0))
    found: list[list[int]] = []

    def client() -> None:
        counted = Counted([kernel(20_000)])
        for _ in range(40):
            counted.run()
            found.append(sorted(os.sched_getaffinity(0)))

    _native.set_budget(len(cpus))
    for thread in started(*[client] * (2 * len(cpus) + 1)):
        thread.join()
    assert found == [cpus] * len(found)


@pytest.mark.parametrize("requests", [1, 2, 40])
def test_a_place_that_nobody_comes_back_for_goes_to_those_that_wait(requests: int) -> None:
    _native.set_budget(1)
    finished: list[int] = []

    def client(number: int) -> None:
        counted = Counted([kernel(1000)])
        for _ in range(requests):  # within its turn before others; then it stays away for ever
            counted.run()
        finished.append(number)

    threads = started(*[functools.partial(client, number) for number in range(6)])
    until(lambda: len(finished) == 6)
    for thread in threads:
        thread.join()
    assert _native.num_waiting() == 0


def test_clients_sleep_while_they_wait() -> None:
    _native.set_budget(1)
    control = _native.RunControl()
    holder = endless()

    def hold() -> None:
        with pytest.raises(Cancelled):
            holder.run(control)

    used: list[float] = []

    def client() -> None:
        before = time.thread_time()
        Counted([kernel(1)]).run()
        used.append(time.thread_time() - before)

    threads = started(hold)
    until(lambda: holder.inside == 1)
    threads += started(*[client] * 4)
    until(lambda: _native.num_waiting() == 4)
    time.sleep(0.3)
    control.cancel()
    for thread in threads:
        thread.join()
    assert max(used) < 0.15  # spinning would use 0.3


# ---- changes


@pytest.mark.slow
def test_python_in_a_fork_holds_no_place() -> None:
    code = """
import threading
from treadle.runtime import fork
from tests.runtime.kernels import address
from tests.runtime.counted import Counted, kernel
ready = threading.Event()
waiting = fork(ready.wait)           # on the only worker, in Python
Counted([kernel(1000, 9)]).run()
ready.set()
assert waiting.wait(10)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_resizing_under_load_loses_no_request() -> None:
    counted = Counted([("fork", 1, 0), kernel(1000, 9), ("join", 0)], [kernel(1000, 9)])
    done = [0] * 4

    def client(number: int) -> None:
        for _ in range(200):
            counted.run()
            done[number] += 1

    _native.peak_computing()
    threads = started(*[functools.partial(client, number) for number in range(4)])
    sizes = itertools.cycle((1, 4, 2, 3))
    while any(thread.is_alive() for thread in threads):
        _native.set_budget(next(sizes))
        _native.set_num_interop_threads(next(sizes))
        time.sleep(0.0005)
    assert done == [200] * 4
    assert counted.inside == 0
    assert counted.peak <= 4
