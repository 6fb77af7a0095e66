"""What happens to the runtime around its process: fork, exit, signals."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.working import WORK, run
from treadle import runtime

pytestmark = [pytest.mark.threads, pytest.mark.slow]

LIBRARIES = sorted({"openmp", "tbb"} & set(runtime.available_backends()))
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("backend", runtime.available_backends())
def test_child_after_fork_works(backend: str) -> None:
    code = """
    child = os.fork()
    if child == 0:
        os._exit(0 if work() else 1)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), work())
    """
    assert run(code, TREADLE_THREADING=backend) == "0 True\n"


@pytest.mark.parametrize("backend", LIBRARIES)
def test_child_refuses_the_pool_whose_threads_it_lost(backend: str) -> None:
    code = f"""
    child = os.fork()
    if child == 0:
        try:
            runtime.use_backend("{backend}")
        except Exception as error:
            os._exit(0 if "stayed behind" in str(error) and work() else 1)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    runtime.use_backend("{backend}")
    print(os.waitstatus_to_exitcode(status), work())
    """
    assert run(code, TREADLE_THREADING=backend) == "0 True\n"


def test_child_of_a_child_works_while_the_parent_computes() -> None:
    code = """
    def descend(depth):
        child = os.fork()
        if child == 0:
            ok = work() and (depth == 0 or descend(depth - 1))
            os._exit(0 if ok else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    stop = threading.Event()
    def client():
        while not stop.is_set():
            work()
    clients = [threading.Thread(target=client) for _ in range(3)]
    for each in clients:
        each.start()
    print(all(descend(2) for _ in range(10)))
    stop.set()
    for each in clients:
        each.join()
    """
    assert run(code) == "True\n"


def test_multiprocessing_by_fork_works() -> None:
    code = """
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.starmap(work, [()] * 6))
    """
    assert run(code) == f"{[True] * 6}\n"


def test_workers_of_a_pre_fork_server_answer() -> None:
    """The server loads and warms the model, then forks its workers, as gunicorn does."""
    code = """
    import socket
    import numpy as np
    from importlib import resources
    model = treadle.load(str(resources.files("treadle") / "data" / "digits.pt"))
    image = np.ones((1, 1, 8, 8), np.float32)
    expected = model(image).numpy().tobytes()
    listener = socket.create_server(("127.0.0.1", 0))
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(model(image).numpy().tobytes())
        children.append(child)
    answers = []
    for _ in range(30):
        with socket.create_connection(listener.getsockname(), timeout=100) as connection:
            with connection.makefile("rb") as answer:
                answers.append(answer.read() == expected)
    for child in children:
        os.kill(child, 15)
        os.waitpid(child, 0)
    print(all(answers), len(answers))
    """
    assert run(code) == "True 30\n"


@pytest.mark.parametrize("backend", runtime.available_backends())
@pytest.mark.parametrize("code", [0, 3])
def test_exit_with_forks_pending_keeps_the_code(backend: str, code: int) -> None:
    source = f"""
futures = [runtime.fork(lambda: [work() for _ in range(3)]) for _ in range(500)]
thread = threading.Thread(target=lambda: plan(1000, 100000, 100).run([], []), daemon=True)
thread.start()
sys.exit({code})
"""
    done = subprocess.run(
        [sys.executable, "-c", "from treadle import runtime\n" + WORK + source],
        env=os.environ | {"TREADLE_BUDGET": "3", "TREADLE_THREADING": backend},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code
    assert done.stderr == ""


LONG = {"many short steps": (1, 300_000, 20_000), "few long steps": (100, 3_000_000, 50)}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", LONG)
def test_ctrl_c_stops_a_long_run(kind: str, threads: int) -> None:
    code = f"""
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
    runtime.set_num_threads({threads})
    long = plan(*{LONG[kind]})
    sent = []
    def interrupt():
        time.sleep(0.1)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        long.run([], [])
        print("finished")
    except KeyboardInterrupt:
        print(time.perf_counter() - sent[0], work())
    """
    seconds, works = run(code).split()
    # 0.02 s by design; the rest is for a busy machine.
    assert float(seconds) < 5
    assert works == "True"


LONG_CALLS = """
import signal
import numpy as np
from tests.runtime.test_session import LONG, X, _slow
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
slow = treadle.script(_slow)
slow(X, 2)
session, free = treadle.Session(slow, max_concurrency=1), treadle.Session(slow)
holder = session.run_async(X, LONG)
def wait_for_holder():
    try:
        holder.result()
    finally:
        holder.cancel()
promise = runtime.Future()
step = ("run", "burn", BURN, (), (30_000,), 1, 1)
main = [("fork", 1, 0), ("fork", 2, 1), ("join", 0), ("join", 1)]
forks = Plan([main, [step] * 100_000, [step] * 100_000], 0, [], [], [])
repeats = Plan([[("repeat", 1, 100_000)], [step]], 0, [], [], [])
long = {
    "a session's queue": lambda: session(X, 1),
    "a session's future": wait_for_holder,
    "a plan that waits for its forks": lambda: forks.run([], []),
    "a plan that repeats": lambda: repeats.run([], []),
    "the interpreter": lambda: slow(X, LONG),
    "a session": lambda: free(X, LONG),
    "a fork that runs here": lambda: runtime.fork(slow, X, LONG).wait(),
    "a fork that waits": lambda: runtime.fork(promise.wait).wait(),
    "random numbers": lambda: [treadle.randn(10_000_000) for _ in range(100)],
}
for name, call in long.items():
    sent = []
    def interrupt():
        time.sleep(0.1)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        call()
        print(name, "ended by itself")
    except KeyboardInterrupt:
        print(time.perf_counter() - sent[0], name)
    thread.join()
promise.set_result(None)
print(work())
"""


def test_ctrl_c_ends_whatever_takes_long() -> None:
    *found, works = run(LONG_CALLS).splitlines()
    assert len(found) == 9
    # 0.02 s by design; the rest is for a busy machine.
    assert all(float(line.split()[0]) < 5 for line in found)
    assert works == "True"


def test_ctrl_c_ends_a_wait_for_a_future() -> None:
    code = """
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
    future = runtime.Future()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        future.wait()
    except KeyboardInterrupt:
        print(work())
    """
    assert run(code) == "True\n"


def test_handler_that_does_not_raise_leaves_the_run_alone() -> None:
    code = """
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
    seen = []
    signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    plan(100, 300_000, 30).run([], [])
    print(seen)
    """
    assert run(code) == "[1]\n"
