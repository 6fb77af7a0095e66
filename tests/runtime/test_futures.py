import ast
import asyncio
import concurrent.futures
import gc
import subprocess
import sys
import threading
from typing import Any

import pytest

from treadle.errors import ThreadingError
from treadle.runtime import (
    Future,
    collect_all,
    fork,
    wait,
    wait_all,
)

pytestmark = pytest.mark.threads


def test_fork_gives_the_result() -> None:
    future = fork(divmod, 7, 2)
    assert future.wait() == (3, 1)
    assert wait(future) == (3, 1)
    assert future.done()
    assert future.value() == (3, 1)
    assert future.exception() is None


def test_error_of_a_fork_is_raised_at_each_wait() -> None:
    future = fork(int, "x")
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            future.wait()
    assert isinstance(future.exception(), ValueError)


def test_fork_runs_in_a_copy_of_the_context() -> None:
    import contextvars

    variable = contextvars.ContextVar("variable", default=0)
    variable.set(1)

    def change() -> int:
        variable.set(variable.get() + 1)
        return variable.get()

    assert fork(change).wait() == 2
    assert variable.get() == 1


def test_result_is_set_once() -> None:
    future: Future[int] = Future()
    assert not future.done()
    with pytest.raises(ThreadingError, match="not complete"):
        future.value()
    future.set_result(1)
    with pytest.raises(ThreadingError, match="complete already"):
        future.set_result(2)
    with pytest.raises(ThreadingError, match="complete already"):
        future.set_exception(ValueError())
    assert future.wait() == 1


def test_result_of_a_fork_cannot_be_set() -> None:
    future = fork(int)
    with pytest.raises(ThreadingError, match="forked call"):
        future.set_result(2)
    assert future.wait() == 0


def test_wait_gives_up_after_its_timeout() -> None:
    future: Future[int] = Future()
    with pytest.raises(TimeoutError, match=r"after 0\.001 seconds"):
        future.wait(timeout=0.001)
    future.set_result(1)
    assert future.wait(timeout=0.001) == 1


@pytest.mark.slow
def test_interrupt_ends_a_wait() -> None:
    code = """
import signal
from treadle.runtime import Future
signal.setitimer(signal.ITIMER_REAL, 0.2)
signal.signal(signal.SIGALRM, signal.default_int_handler)
try:
    Future().wait()
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=300
    )
    assert done.stdout == "interrupted\n"


def test_result_of_another_thread_wakes_the_waiter() -> None:
    future: Future[str] = Future()
    ready = threading.Event()

    def complete() -> None:
        ready.wait()
        future.set_result("done")

    thread = threading.Thread(target=complete)
    thread.start()
    ready.set()
    assert future.wait() == "done"
    thread.join()


def test_callbacks_run_in_order_of_registration() -> None:
    future: Future[int] = Future()
    calls: list[Any] = []
    future.add_done_callback(lambda f: calls.append(("first", f.value())))
    future.add_done_callback(lambda f: calls.append(("second", f.value())))
    assert calls == []
    future.set_result(5)
    future.add_done_callback(lambda f: calls.append(("late", f.value())))
    assert calls == [("first", 5), ("second", 5), ("late", 5)]


def test_then_passes_values_and_errors_on() -> None:
    doubled = fork(int, "4").then(lambda f: f.value() * 2)
    assert doubled.then(lambda f: f.value() + 1).wait() == 9
    failed = fork(int, "x").then(lambda f: f.value() * 2)
    with pytest.raises(ValueError, match="invalid literal"):
        failed.wait()


def test_failure_is_logged_only_if_nobody_asked(caplog: pytest.LogCaptureFixture) -> None:
    unasked: Future[int] = Future()
    unasked.set_exception(ValueError("unasked"))
    asked: Future[int] = Future()
    asked.set_exception(ValueError("was asked for"))
    assert isinstance(asked.exception(), ValueError)
    del asked, unasked
    gc.collect()
    assert caplog.text.count("nobody asked for its result") == 1
    assert "was asked for" not in caplog.text


def test_a_lost_failure_is_written_without_parsing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = fork(int, "x").then(lambda f: f.value() * 2)
    concurrent.futures.wait([lost])
    with monkeypatch.context() as patched:
        patched.setattr(ast, "parse", lambda *_, **__: pytest.fail("parsed within a finaliser"))
        del lost
        gc.collect()
    assert "f.value() * 2" in caplog.text
    assert "ValueError: invalid literal" in caplog.text


def test_pending_future_is_cancelled() -> None:
    future: Future[int] = Future()
    assert isinstance(future, concurrent.futures.Future)
    assert not future.running()
    assert future.cancel()
    assert future.cancel()
    assert future.cancelled()
    assert future.done()
    assert not future.set_running_or_notify_cancel()
    for ask in (future.result, future.exception, future.value):
        with pytest.raises(concurrent.futures.CancelledError):
            ask()
    with pytest.raises(ThreadingError, match="complete already"):
        future.set_result(1)


def test_running_future_is_not_cancelled() -> None:
    future: Future[int] = Future()
    assert future.set_running_or_notify_cancel()
    assert future.running()
    assert not future.cancel()
    with pytest.raises(ThreadingError, match="a running future can't begin to run"):
        future.set_running_or_notify_cancel()
    future.set_result(3)
    assert future.result() == 3
    assert not future.cancel()


def test_cancelled_fork_never_runs() -> None:
    calls: list[int] = []
    blocker = threading.Event()
    holders = [fork(blocker.wait) for _ in range(8)]
    future = fork(calls.append, 1)
    assert future.cancel()
    blocker.set()
    wait_all(holders)
    with pytest.raises(concurrent.futures.CancelledError):
        future.wait()
    assert calls == []


def test_executors_functions_take_our_futures() -> None:
    futures = [fork(int, i) for i in range(20)]
    assert sorted(f.result() for f in concurrent.futures.as_completed(futures)) == list(range(20))
    late: Future[int] = Future()
    done, pending = concurrent.futures.wait([late, *futures], timeout=0.001)
    assert done == set(futures)
    assert pending == {late}
    timer = threading.Timer(0.01, late.set_result, (1,))
    timer.start()
    assert not concurrent.futures.wait([late], timeout=10).not_done


def test_futures_are_awaited() -> None:
    async def main() -> None:
        assert await asyncio.gather(*[fork(int, i) for i in range(50)]) == list(range(50))
        with pytest.raises(ValueError, match="invalid literal"):
            await fork(int, "x")
        late: Future[int] = Future()
        asyncio.get_running_loop().call_later(0.01, late.set_result, 5)
        assert await late == 5
        never: Future[int] = Future()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.ensure_future(_awaited(never)), 0.01)
        assert never.cancelled()

    asyncio.run(main())


async def _awaited(future: Future[int]) -> int:
    return await future


def test_failing_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    future: Future[int] = Future()
    future.add_done_callback(lambda f: 1 // 0)
    future.set_result(1)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("count", [0, 1, 5])
def test_collect_all_waits_for_every_future(count: int) -> None:
    futures = [fork(int, i) for i in range(count)]
    assert wait_all(collect_all(futures).wait()) == list(range(count))
