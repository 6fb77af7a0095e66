"""A forked child compiles, whatever the parent's other threads were doing."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os
import numpy as np
import treadle
from treadle.codegen import jit

jit._COMPILER.lock.__enter__()
jit.llvm.ffi.lib._lock._lock.acquire()
child = os.fork()
if child == 0:
    product = treadle.mm(np.ones((3, 5), np.float32), np.ones((5, 7), np.float32))
    os._exit(0 if product.tolist() == [[5.0] * 7] * 3 else 3)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
def test_a_child_compiles_though_its_parent_held_the_compilers_locks() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=False, timeout=300)
    assert done.returncode == 0


WAITING = """
import os
import threading
import time
from treadle.codegen import jit

inside, leave, left = threading.Event(), threading.Event(), []

def link():
    with jit.llvm.ffi.lib._lock:
        inside.set()
        leave.wait()
        time.sleep(0.05)
        left.append(True)

os.register_at_fork(before=leave.set)
thread = threading.Thread(target=link)
thread.start()
inside.wait()
child = os.fork()
if child == 0:
    os._exit(0 if left else 3)
thread.join()
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
def test_a_fork_waits_for_the_thread_that_is_in_llvm() -> None:
    done = subprocess.run([sys.executable, "-c", WAITING], check=False, timeout=300)
    assert done.returncode == 0
