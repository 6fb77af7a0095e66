"""Scripts that fork end for any number of threads on every backend, also in forks of Python."""

import pytest

from tests.runtime.processes import run_python

pytestmark = [pytest.mark.threads, pytest.mark.slow]

CODE = """
import threading
import numpy as np
from tests.runtime import scripted

x = np.ones(4, np.float32)
fan, chain, loop, returned = map(
    treadle.script, (scripted.fan, scripted.chain, scripted.loop, scripted.returned)
)

def deep(level):
    return runtime.fork(deep, level - 1).wait() + loop(x, 1) if level else 0

def client():
    for _ in range(2):
        assert chain(x, 20).tolist() == [21.0] * 4
        assert runtime.fork(loop, x, 5).wait().tolist() == [6.0] * 4
    ended.append(client)

for backend in runtime.available_backends():
    runtime.use_backend(backend)
    assert fan(x, 300).tolist() == [600.0] * 4
    assert chain(x, 1000).tolist() == [1001.0] * 4
    assert loop(x, 20).tolist() == [21.0] * 4
    assert returned(x).wait().tolist() == [2.0] * 4
    assert deep(50).tolist() == [100.0] * 4
    ended = []
    clients = [threading.Thread(target=client) for _ in range(16)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert len(ended) == 16
"""


@pytest.mark.parametrize("budget", ["1", "2", "8"])
def test_scripts_end_with_any_number_of_threads(budget: str) -> None:
    run_python(CODE, TREADLE_BUDGET=budget)
