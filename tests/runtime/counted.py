"""Plans that count how many threads run them at a time, and threads that run them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tests.runtime.kernels import address
from treadle import _native
from treadle.runtime import get_budget, use_backend
from treadle.runtime.plan import Instruction, Plan, Space

_COUNTERS = ((int(Space.CONSTANT), 0, 0),)


@contextmanager
def restored_settings() -> Iterator[None]:
    """A block that may change budget, threads and backend; eight threads to an operator in it."""
    budget, intra = get_budget(), _native.get_num_threads()
    interop = _native.get_num_interop_threads()
    backend = _native.backend()
    _native.set_num_threads(8)
    yield
    use_backend(backend)
    _native.set_budget(budget)
    _native.set_num_threads(intra)
    _native.set_num_interop_threads(interop)


class Counted:
    """A plan of kernels that count how many threads run them at a time."""

    def __init__(self, *sequences: list[Instruction]) -> None:
        self.counters = np.zeros(16, np.int32)
        self.plan = Plan(list(sequences), 64, [self.counters], [], [])

    def run(self, control: _native.RunControl | None = None, threads: int = 0) -> None:
        self.plan.run([], [], threads, control)

    @property
    def inside(self) -> int:
        return int(self.counters[0])

    @property
    def peak(self) -> int:
        return int(self.counters[1])


def kernel(turns: int, tasks: int = 1) -> Instruction:
    """`tasks` tasks of `turns` turns each."""
    return ("run", "count", address("count"), _COUNTERS, (turns,), tasks, 1)


def endless(tasks: int = 1) -> Counted:
    """A plan that takes many seconds, in steps of some 100 microseconds."""
    return Counted([kernel(100_000, tasks)] * 50_000)


def started(*targets: Callable[[], object]) -> list[threading.Thread]:
    """Threads that call `targets`."""
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    return threads


def waits(count: int) -> bool:
    """Whether so many clients wait for a place."""
    return _native.num_waiting() == count


def until(condition: Callable[[], bool]) -> None:
    """Return when it holds."""
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
