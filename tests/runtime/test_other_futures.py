"""Our futures where those of `concurrent.futures` and asyncio are expected."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import pytest

import treadle
from treadle import Cancelled, Future, fork

pytestmark = pytest.mark.threads


@pytest.fixture
def never() -> Iterator[Future[int]]:
    """A future without a result until the test is over."""
    future: Future[int] = Future()
    yield future
    future.cancel()


def test_wait_returns_at_the_first_result(never: Future[int]) -> None:
    first = fork(int, 3)
    done, pending = concurrent.futures.wait(
        [never, first], 30, return_when=concurrent.futures.FIRST_COMPLETED
    )
    assert (done, pending) == ({first}, {never})


def test_wait_returns_at_the_first_error(never: Future[int]) -> None:
    fine, failing = fork(int, 3), fork(int, "x")
    done, pending = concurrent.futures.wait(
        [never, fine, failing], 30, return_when=concurrent.futures.FIRST_EXCEPTION
    )
    assert failing in done
    assert never in pending
    assert isinstance(failing.exception(), ValueError)


def test_wait_looks_for_errors_of_complete_futures(never: Future[int]) -> None:
    fine, failing = fork(int, 3), fork(int, "x")
    assert fine.wait(30) == 3
    assert isinstance(failing.exception(30), ValueError)
    for futures, done in (([never, fine, failing], {fine, failing}), ([fine], {fine})):
        found = concurrent.futures.wait(futures, 30, return_when=concurrent.futures.FIRST_EXCEPTION)
        assert found.done == done


def test_futures_of_executors_and_ours_go_together() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        mixed = [f for i in range(10) for f in (executor.submit(int, i), fork(int, i))]
        found = sorted(f.result() for f in concurrent.futures.as_completed(mixed, 30))
    assert found == sorted([*range(10), *range(10)])


def test_cancelled_futures_are_complete_to_executors_functions() -> None:
    futures: list[Future[int]] = [Future() for _ in range(3)]
    assert all(future.cancel() for future in futures)
    assert set(concurrent.futures.as_completed(futures, 30)) == set(futures)
    assert concurrent.futures.wait(futures, 30).not_done == set()


def test_as_completed_gives_up_after_its_timeout(never: Future[int]) -> None:
    with pytest.raises(concurrent.futures.TimeoutError, match=r"1 \(of 1\) futures unfinished"):
        list(concurrent.futures.as_completed([never], 0.001))


def test_every_thread_that_waits_gets_the_result() -> None:
    future: Future[int] = Future()
    ready = threading.Barrier(9)
    found: list[int] = []

    def client() -> None:
        ready.wait()
        found.append(future.wait(30))

    clients = [threading.Thread(target=client) for _ in range(8)]
    for thread in clients:
        thread.start()
    ready.wait()
    future.set_result(7)
    for thread in clients:
        thread.join()
    assert found == [7] * 8


def test_callbacks_that_are_added_while_a_future_completes_run_once() -> None:
    for _ in range(50):
        future: Future[int] = Future()
        ready = threading.Barrier(5)
        calls: list[int] = []

        def register(number: int, future: Future[int] = future) -> None:
            ready.wait()  # noqa: B023 - joined before the next round
            future.add_done_callback(lambda _: calls.append(number))  # noqa: B023

        threads = [threading.Thread(target=register, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        ready.wait()
        future.set_result(1)
        for thread in threads:
            thread.join()
        assert sorted(calls) == [0, 1, 2, 3]


def test_asyncio_waits_for_our_futures_under_a_timeout(never: Future[int]) -> None:
    async def main() -> None:
        assert await asyncio.wait_for(fork(int, 3), 30) == 3
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(never, 0.001)
        assert never.cancelled()

    asyncio.run(main())


def test_awaiting_what_is_cancelled_or_failed_raises_it() -> None:
    async def main() -> None:
        cancelled: Future[int] = Future()
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        with pytest.raises(ValueError, match="invalid literal"):
            await fork(int, "x")

    asyncio.run(main())


def test_two_loops_await_one_future() -> None:
    future: Future[int] = Future()
    ready = threading.Barrier(3)
    found: list[int] = []

    async def main() -> None:
        ready.wait()
        found.append(await future)

    loops = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
    for loop in loops:
        loop.start()
    ready.wait()
    future.set_result(5)
    for loop in loops:
        loop.join()
    assert found == [5, 5]


def test_errors_of_futures_are_those_that_executors_raise(never: Future[int]) -> None:
    with pytest.raises(concurrent.futures.TimeoutError):
        never.result(0)
    never.cancel()
    with pytest.raises(concurrent.futures.CancelledError) as caught:
        never.result()
    assert isinstance(caught.value, Cancelled)
    assert isinstance(caught.value, treadle.Error)
