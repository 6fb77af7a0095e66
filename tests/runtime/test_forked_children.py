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
