"""The end of a process whose sessions have work in flight."""

from pathlib import Path

import pytest

from tests.runtime.processes import run_python
from treadle import runtime

pytestmark = [pytest.mark.threads, pytest.mark.slow]

SERVING = """
import threading
import numpy as np
from tests.runtime.counted import until
from tests.runtime.test_session import LONG, X, _slow
from treadle import session as sessions
sessions._PATIENCE_SECONDS = {patience}
slow = treadle.script(_slow)
slow(X, 2)
session = treadle.Session(slow, max_concurrency=1)
running = session.run_async(X, {turns})
until(running.running)
waiting = session.run_async(X, {turns})

def tell(name):
    def told(future):
        print(name + (" error" if future.exception() else " result"), flush=True)
    return told

running.add_done_callback(tell("ran"))
waiting.add_done_callback(tell("waited"))
"""


def test_a_request_that_runs_has_a_while_to_end_and_those_that_wait_are_dropped() -> None:
    done = run_python(SERVING.format(patience=30, turns=2000))
    assert done.stdout == "waited error\nran result\n"
    assert done.stderr == ""


def test_a_request_that_takes_too_long_is_stopped() -> None:
    done = run_python(SERVING.format(patience=0.01, turns="LONG"))
    assert done.stdout == "waited error\nran error\n"
    assert done.stderr == ""


def test_threads_of_a_session_end_with_it() -> None:
    code = """
import gc
import threading
import numpy as np
from tests.runtime.test_session import X, _quick
quick = treadle.script(_quick)
def threads():
    return [thread for thread in threading.enumerate() if thread.name == "treadle"]
with treadle.Session(quick) as session:
    session.run_async(X).wait()
    (first,) = threads()
    session.run_async(X).wait()
    assert threads() in ([first], [first, threads()[-1]])
closed = threads()
session = treadle.Session(quick)
session.run_async(X).wait()
forgotten = threads()
del session
gc.collect()
for thread in (*closed, *forgotten):
    thread.join(30)
print(threads())
"""
    assert run_python(code).stdout == "[]\n"


def test_a_session_begins_anew_in_a_forked_child() -> None:
    code = SERVING.format(patience=0.01, turns="LONG")
    code += """
import os
child = os.fork()
if child == 0:
    fine = session(X, 2).tolist() == session.run_async(X, 2).wait(30).tolist() == [2.0] * 4
    found = session.statistics()
    os._exit(0 if fine and (found.running, found.completed) == (0, 2) else 1)
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
    assert run_python(code).stdout == "child 0\nwaited error\nran error\n"


def test_a_running_fork_may_wait_for_its_own_at_the_end() -> None:
    code = """
import threading
import time
started = threading.Event()

def outer():
    inner = runtime.fork(int, "7")  # which nobody else has time for
    started.set()
    time.sleep(0.1)
    print(inner.wait(), flush=True)

runtime.fork(outer)
started.wait()
"""
    done = run_python(code, TREADLE_BUDGET="1")
    assert (done.stdout, done.stderr) == ("7\n", "")


@pytest.mark.parametrize("backend", runtime.available_backends())
def test_a_run_of_a_daemon_thread_stops_between_steps(backend: str) -> None:
    """Its forks are on workers, for which the process would wait."""
    code = """
import atexit
import threading
from tests.runtime.counted import Counted, kernel, until
from treadle import _native
steps = [kernel(10_000)] * 100_000
endless = Counted([("fork", 1, 0), ("fork", 2, 1), *steps, ("join", 0), ("join", 1)], steps, steps)
threading.Thread(target=endless.run, daemon=True).start()
until(lambda: endless.peak >= 1)
atexit.unregister(_native.shut_down)
atexit.register(lambda: print(_native.shut_down(60)))
"""
    done = run_python(code, TREADLE_BUDGET="3", TREADLE_THREADING=backend)
    assert (done.stdout, done.stderr) == ("True\n", "")


FUNCTIONS = """
import treadle

def planned(x: treadle.Tensor) -> treadle.Tensor:
    return treadle.relu(x + 1.0)

def interpreted(x: treadle.Tensor) -> treadle.Tensor:
    for _ in range(50):
        if float(x.sum()) > 1e6:
            x = x * 0.5
        x = x + 1.0
    return x
"""
"""A file: to script a function needs its source."""
BUSY = """
import contextlib
import itertools
import sys
import threading

sys.path.insert(0, {folder!r})
import functions

planned = treadle.script(functions.planned)
interpreted = treadle.script(functions.interpreted)
session = treadle.Session(planned)
source = treadle.ones(30, 30)
x, sizes = source.numpy(), itertools.count(2)
WORK = {{
    "a plan": lambda: planned(x),
    "the interpreter": lambda: interpreted(x),
    "first calls": lambda: planned(treadle.ones(next(sizes), 3)),
    "eager functions": lambda: source.add(source).relu(),
    "random numbers": lambda: treadle.randn(100_000),
    "sessions": lambda: session(x),
    "forks": lambda: treadle.fork(lambda: sum(range(1000))).wait(),
}}
work = WORK["{name}"]
begun = [threading.Event() for _ in range(3)]

def go_on(begins):
    work()
    begins.set()
    with contextlib.suppress(treadle.Error):  # sessions are closed
        while True:
            work()

for each in begun:
    threading.Thread(target=go_on, args=(each,), daemon=True).start()
for each in begun:
    each.wait()
"""


@pytest.mark.parametrize(
    "name",
    ["a plan", "the interpreter", "first calls", "eager functions", "random numbers", "sessions",
     "forks"],
)  # fmt: skip
def test_a_process_ends_well_while_daemon_threads_compute(name: str, tmp_path: Path) -> None:
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    done = run_python(BUSY.format(name=name, folder=str(tmp_path)))
    assert done.stderr == ""
