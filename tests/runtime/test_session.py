import asyncio
import concurrent.futures
import functools
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import treadle
from tests.runtime.counted import until
from treadle import Cancelled, DeadlineExceeded, InputError, Method, ScriptError, Session

pytestmark = pytest.mark.threads

X = np.zeros(4, np.float32)
LONG = 100_000_000


def _quick(x: treadle.Tensor) -> treadle.Tensor:
    return x + 1


def _slow(x: treadle.Tensor, turns: int) -> treadle.Tensor:
    while bool(x.sum() >= 0) and turns > 0:
        x = x + 1
        turns -= 1
    return x


def _failing(x: treadle.Tensor) -> treadle.Tensor:
    if bool(x.sum() >= 0):
        raise ValueError("no such luck")
    return x


@pytest.fixture(scope="module")
def quick() -> Method:
    method: Method = treadle.script(_quick)
    return method


@pytest.fixture(scope="module")
def slow() -> Method:
    """Interpreted, because its condition depends on data; runs as long as its argument says."""
    method: Method = treadle.script(_slow)
    return method


def _note(order: list[str], name: str, _: object) -> None:
    order.append(name)


def test_session_gives_the_models_result(quick: Method) -> None:
    with Session(quick) as session:
        np.testing.assert_array_equal(session(X), X + 1)
        np.testing.assert_array_equal(session(x=X, threads=1, timeout=60), X + 1)
        np.testing.assert_array_equal(session.run_async(X).result(), X + 1)
        statistics = session.statistics()
    assert (statistics.completed, statistics.failed, statistics.running) == (3, 0, 0)
    assert 0 < statistics.run_p50 <= statistics.run_p99


@pytest.mark.parametrize("count", [0, -1, True, 1.5, "2"])
def test_concurrency_must_be_a_positive_int(quick: Method, count: Any) -> None:
    with pytest.raises(InputError, match=f"max_concurrency must be a positive int, got {count!r}"):
        Session(quick, max_concurrency=count)


def test_a_session_serves_models_only() -> None:
    with pytest.raises(InputError, match="serves a Module or a Method, got function"):
        Session(_quick)  # type: ignore[arg-type]


@pytest.mark.parametrize("timeout", ["2", float("nan"), [1]])
def test_a_timeout_is_a_number_of_seconds(quick: Method, timeout: Any) -> None:
    session = Session(quick)
    calls = (session, session.run_async, quick)
    for call in calls:
        with pytest.raises(InputError, match="timeout must be a number of seconds, got "):
            call(X, timeout=timeout)
    assert session.statistics().queued == 0


@pytest.mark.parametrize("timeout", [60, np.float32(60), float("inf"), 10**30])
def test_any_number_is_a_timeout(quick: Method, timeout: Any) -> None:
    with Session(quick, 1) as session:
        results = [
            session(X, timeout=timeout),
            session.run_async(X, timeout=timeout).wait(timeout),
            quick(X, timeout=timeout),
        ]
    assert [result.tolist() for result in results] == [[1.0] * 4] * 3


@pytest.mark.parametrize("priority", [1.5, "2", None, True])
def test_a_priority_is_an_int(quick: Method, priority: Any) -> None:
    with Session(quick) as session:
        for call in (session, session.run_async):
            with pytest.raises(InputError, match="priority must be an int, got "):
                call(X, priority=priority)
        assert session(X, priority=10**30).tolist() == [1.0] * 4


@pytest.mark.parametrize("max_concurrency", [None, 1, 2])
def test_many_clients_get_their_own_results(quick: Method, max_concurrency: int | None) -> None:
    failures: list[BaseException] = []

    def client(number: int) -> None:
        try:
            for turn in range(50):
                value = np.full(4, 100 * number + turn, np.float32)
                np.testing.assert_array_equal(session(value), value + 1)
        except BaseException as error:
            failures.append(error)

    with Session(quick, max_concurrency) as session:
        clients = [threading.Thread(target=client, args=(n,)) for n in range(8)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        assert session.statistics().completed == 400
    assert not failures


def test_requests_start_in_order_of_priority_then_arrival(slow: Method) -> None:
    order: list[str] = []
    with Session(slow, max_concurrency=1) as session:
        holder = session.run_async(X, LONG)
        until(lambda: session.statistics().running == 1)
        futures = [session.run_async(X, 1, priority=priority) for priority in (0, 0, 2, -1)]
        for name, future in zip(("a", "b", "first", "last"), futures, strict=True):
            future.add_done_callback(functools.partial(_note, order, name))
        assert session.statistics().queued == 4
        assert holder.cancel()
        concurrent.futures.wait(futures)
        until(lambda: len(order) == 4)
    assert order == ["first", "a", "b", "last"]


def test_interpreted_run_stops_at_its_deadline(slow: Method) -> None:
    with Session(slow) as session:
        with pytest.raises(DeadlineExceeded):
            session(X, LONG, timeout=0.02)
        with pytest.raises(TimeoutError):
            slow(X, LONG, timeout=0.02)
        assert session.statistics().cancelled == 1
        assert session(X, 3).tolist() == [3.0] * 4


def test_deadline_passes_in_the_sessions_queue(slow: Method) -> None:
    with Session(slow, max_concurrency=1) as session:
        holder = session.run_async(X, LONG)
        until(lambda: session.statistics().running == 1)
        late = session.run_async(X, 1, timeout=0.02)
        with pytest.raises(DeadlineExceeded, match="before its turn"):
            session(X, 1, timeout=0.01)
        with pytest.raises(DeadlineExceeded, match="before its turn"):
            late.result(10)
        assert holder.running()
        holder.cancel()


def test_cancelling_stops_running_and_waiting_requests(slow: Method) -> None:
    with Session(slow, max_concurrency=1) as session:
        running = session.run_async(X, LONG)
        until(running.running)
        waiting = session.run_async(X, LONG)
        assert waiting.cancel()
        assert running.cancel()
        assert running.cancelled()
        for future in (running, waiting):
            with pytest.raises(concurrent.futures.CancelledError):
                future.result()
        until(lambda: session.statistics().running == 0)
        assert session.statistics().cancelled == 2
        assert session(X, 2).tolist() == [2.0] * 4


def test_what_is_cancelled_before_it_begins_makes_room(
    quick: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[Callable[[], object]] = []
    with Session(quick, max_concurrency=1) as session:
        with monkeypatch.context() as patched:
            patched.setattr(session._dispatchers, "submit", submitted.append)
            granted = session.run_async(X)
        assert not granted.running()
        assert granted.cancel()
        assert session.statistics().running == 1
        (begin,) = submitted
        begin()
        found = session.statistics()
        assert (found.running, found.cancelled) == (0, 1)
        assert session(X).tolist() == [1.0] * 4


def test_requests_that_are_cancelled_at_once_leave_nothing_behind(quick: Method) -> None:
    with Session(quick, max_concurrency=2) as session:
        futures = [session.run_async(X) for _ in range(200)]
        cancelled = [future.cancel() for future in reversed(futures)]
        until(lambda: session.statistics().running == 0)
        found = session.statistics()
        assert found.queued == 0
        assert found.completed + found.cancelled == 200
        assert found.cancelled <= sum(cancelled)  # some were at their end already


def test_failures_reach_the_caller_and_leave_the_session_well() -> None:
    with Session(treadle.script(_failing), max_concurrency=1) as session:
        for _ in range(3):
            with pytest.raises(ScriptError, match="no such luck"):
                session(X)
            with pytest.raises(ScriptError, match="no such luck"):
                session.run_async(X).result()
        assert session.statistics().failed == 6


def test_closed_session_refuses_requests(slow: Method) -> None:
    session = Session(slow, max_concurrency=1)
    holder = session.run_async(X, 20_000)
    until(holder.running)
    waiting = session.run_async(X, 1)
    session.close()
    assert holder.result().tolist() == [20_000.0] * 4
    with pytest.raises(Cancelled):
        waiting.result()
    for call in (session, session.run_async):
        with pytest.raises(treadle.ThreadingError, match="the session is closed"):
            call(X, 1)


def test_closing_ends_requests_that_wait_in_their_own_threads(slow: Method) -> None:
    session = Session(slow, max_concurrency=1)
    holder = session.run_async(X, LONG)
    until(holder.running)
    failures: list[BaseException] = []

    def client() -> None:
        try:
            session(X, 1)
        except BaseException as error:
            failures.append(error)

    waiting = threading.Thread(target=client)
    waiting.start()
    until(lambda: session.statistics().queued == 1)
    closing = threading.Thread(target=session.close)
    closing.start()
    waiting.join(30)
    assert [type(each) for each in failures] == [Cancelled]
    holder.cancel()
    closing.join(30)


def test_interrupted_request_leaves_its_turn_to_others(slow: Method) -> None:
    def interrupt() -> None:
        until(lambda: session.statistics().queued == 1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with Session(slow, max_concurrency=1) as session:
        holder = session.run_async(X, LONG)
        until(holder.running)
        helper = threading.Thread(target=interrupt)
        helper.start()
        with pytest.raises(KeyboardInterrupt):
            session(X, 1)
        signal.signal(signal.SIGINT, before)
        helper.join(30)
        assert session.statistics().queued == 0
        holder.cancel()
        assert session(X, 2).tolist() == [2.0] * 4


def test_requests_are_awaited_in_asyncio(quick: Method, slow: Method) -> None:
    async def main() -> None:
        with Session(quick) as session:
            results = await asyncio.gather(*[session.run_async(X + i) for i in range(20)])
            assert [float(r[0]) for r in results] == [i + 1.0 for i in range(20)]
        with Session(slow) as session:
            endless = session.run_async(X, LONG)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.wrap_future(endless), 0.02)
            assert endless.cancelled()

    asyncio.run(main())
