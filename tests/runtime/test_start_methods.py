"""Processes that `multiprocessing` starts afresh: they import, load and compute like the first."""

import pytest

from tests.runtime.processes import run_python

pytestmark = [pytest.mark.threads, pytest.mark.slow]

CODE = """
import concurrent.futures
import multiprocessing
from tests.runtime.served import scores
here = scores(treadle.ones(1, 1, 8, 8))
with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("{method}")) as pool:
    there = pool.submit(scores, treadle.ones(1, 1, 8, 8)).result(50)
print(type(there).__name__, there.tolist() == here.tolist())
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_tensors_go_to_a_process_and_come_back(method: str) -> None:
    assert run_python(CODE.format(method=method)).stdout == "Tensor True\n"
