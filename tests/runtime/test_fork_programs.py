import os
import subprocess
import sys
import textwrap
import threading

import pytest

from treadle import _native
from treadle.runtime import (
    fork,
    get_budget,
)

pytestmark = pytest.mark.threads

# Programs that must end for any number of threads; each is run in a process of its own, so that a
# deadlock ends with a time-out.
PROGRAMS = {
    "nested": """
        def fib(n):
            if n < 2:
                return n
            a, b = fork(fib, n - 1), fork(fib, n - 2)
            return a.wait() + b.wait()
        assert fib(12) == 144
    """,
    "chain": """
        last = fork(lambda: 0)
        for _ in range(1000):
            last = fork(lambda p=last: p.wait() + 1)
        assert last.wait() == 1000
    """,
    "deep": """
        def deep(n):
            return fork(deep, n - 1).wait() + 1 if n else 0
        assert fork(deep, 1000).wait() == 1000
    """,
    "fan-out": """
        assert sum(wait_all([fork(int, i) for i in range(10000)])) == 49995000
    """,
    "waits in loops": """
        def loop(n):
            total = 0
            for i in range(n):
                total += fork(lambda: fork(int, i).wait()).wait()
            return total
        assert wait_all([fork(loop, 50) for _ in range(4)]) == [1225] * 4
    """,
    "waits in callbacks": """
        totals = []
        futures = [fork(int, i) for i in range(100)]
        for i, f in enumerate(futures):
            f.add_done_callback(lambda f: totals.append(f.value() + fork(int, 1).wait()))
        thens = [f.then(lambda f: fork(int, f.value()).wait()) for f in futures]
        assert sum(wait_all(collect_all(thens).wait())) == 4950
        assert sum(totals) == 5050
    """,
    "cancelled": """
        futures = [fork(int, i) for i in range(1000)]
        gone = {i for i, f in enumerate(futures) if i % 2 and f.cancel()}
        assert [f.wait() for i, f in enumerate(futures) if i not in gone]
        assert all(futures[i].cancelled() for i in gone)
    """,
    "clients": """
        def client():
            for _ in range(20):
                assert fork(lambda: fork(lambda: 3).wait()).wait() == 3
        clients = [threading.Thread(target=client) for _ in range(16)]
        for c in clients: c.start()
        for c in clients: c.join()
    """,
    "promise": """
        promise = Future()
        waiting = fork(promise.wait)
        assert fork(lambda: 1).wait() == 1
        promise.set_result(2)
        assert waiting.wait() == 2
    """,
    "pending at exit": """
        never = Future()
        forks = [fork(time.sleep, 0.01) for _ in range(100)]
    """,
    "os.fork": """
        assert fork(lambda: 1).wait() == 1
        child = os.fork()
        if child == 0:
            os._exit(0 if sum(wait_all([fork(int, i) for i in range(100)])) == 4950 else 1)
        assert os.waitpid(child, 0)[1] == 0
    """,
}
HEADER = """
import os, threading, time, warnings
warnings.simplefilter("ignore")
from treadle.runtime import *
"""


@pytest.mark.slow
@pytest.mark.parametrize("budget", [1, 2, 8])
@pytest.mark.parametrize("backend", ["native", "openmp", "tbb", "serial"])
def test_programs_end_with_any_number_of_threads(
    backend: str, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREADLE_BUDGET", str(budget))
    monkeypatch.setenv("TREADLE_THREADING", backend)
    chosen = [
        textwrap.dedent(text)
        for name, text in PROGRAMS.items()
        if not (backend == "serial" and name in ("promise", "pending at exit"))
    ]
    done = subprocess.run(
        [sys.executable, "-c", HEADER + "\n".join(chosen)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_forks_nested_a_thousand_deep_start_no_threads_but_workers() -> None:
    def deep(level: int) -> int:
        return fork(deep, level - 1).wait() if level else len(os.listdir("/proc/self/task"))

    fork(int).wait()
    before = len(os.listdir("/proc/self/task")) - _native.num_workers()
    assert fork(deep, 1000).wait() <= before + max(1, get_budget() - 1)


def test_worker_is_the_same_thread_to_python_in_all_its_tasks() -> None:
    seen: dict[int, list[int]] = {}
    local = threading.local()

    def task(finished: threading.Event) -> None:
        local.count = getattr(local, "count", 0) + 1
        seen.setdefault(threading.get_ident(), []).append(local.count)
        finished.set()

    for _ in range(20):
        finished = threading.Event()
        future = fork(task, finished)
        finished.wait()  # so that a worker runs it
        future.wait()
    assert threading.get_ident() not in seen
    assert all(counts == list(range(1, len(counts) + 1)) for counts in seen.values())
