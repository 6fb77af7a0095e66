"""Children of a process that is busy elsewhere when it forks."""

import pytest

from tests.runtime.processes import run_python

pytestmark = [pytest.mark.threads, pytest.mark.slow]


def test_a_fork_waits_for_a_thread_that_imports() -> None:
    """Python's own lock of a module would stay taken in the child."""
    code = """
import os
import signal
import sys
import threading
import time

begun = threading.Event()

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == watched:
            begun.set()
            time.sleep(0.1)

sys.meta_path.insert(0, Watch())
CALLS = {
    "treadle.eager.functions": lambda: treadle.relu,
    "treadle.jit": lambda: treadle.script,
    "treadle.session": lambda: treadle.Session,
}
for watched, call in CALLS.items():
    begun.clear()
    thread = threading.Thread(target=call)
    thread.start()
    assert begun.wait(300)
    child = os.fork()
    if child == 0:
        signal.alarm(200)
        call()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    thread.join()
"""
    assert run_python(code).stdout.split() == ["0"] * 3


def test_children_answer_though_clients_of_the_parent_make_plans() -> None:
    code = """
import os
import signal
import threading
import numpy as np
from tests.runtime.served import DIGITS

model = treadle.load(DIGITS)
image = np.ones((1, 1, 8, 8), np.float32)
expected = model(image).tolist()
stop = threading.Event()

def client(number):
    batch = number
    while not stop.is_set():
        model(np.ones((batch % 8 + 1, 1, 8, 8), np.float32), threads=number + 1)
        batch += 2

clients = [threading.Thread(target=client, args=(number,)) for number in range(2)]
for each in clients:
    each.start()
for batch in range(9, 12):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        fine = model(np.ones((batch, 1, 8, 8), np.float32)).shape == (batch, 10)
        os._exit(0 if fine and model(image).tolist() == expected else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
for each in clients:
    each.join()
print(model(image).tolist() == expected)
"""
    assert run_python(code, TREADLE_BUDGET="3").stdout.split() == ["0"] * 3 + ["True"]
