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
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=False, timeout=60)
    assert done.returncode == 0
