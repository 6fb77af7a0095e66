import contextlib
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.runtime.counted import Counted, endless, kernel, restored_settings, started, until
from tests.runtime.kernels import address
from treadle import _native
from treadle.errors import Cancelled, DeadlineExceeded, InputError
from treadle.runtime.plan import Instruction, Plan, Space

pytestmark = pytest.mark.threads


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with restored_settings():
        yield


def test_deadline_stops_a_run_between_chunks() -> None:
    counted = endless(8)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="longer than its timeout"):
        counted.run(_native.RunControl(timeout=0.05))
    assert time.monotonic() - began >= 0.05
    assert counted.inside == 0


def test_deadline_passes_in_the_queue() -> None:
    _native.set_budget(1)
    control = _native.RunControl()
    holder, queued = endless(), Counted([kernel(1)])

    def hold() -> None:
        with pytest.raises(Cancelled):
            holder.run(control)

    threads = started(hold)
    until(lambda: holder.inside == 1)
    late = _native.RunControl(timeout=0.02)
    with pytest.raises(DeadlineExceeded):
        queued.run(late)
    assert late.reason == "deadline"
    assert queued.peak == 0
    control.cancel()
    threads[0].join()


def test_cancelled_in_the_queue() -> None:
    _native.set_budget(1)
    holding, waiting = _native.RunControl(), _native.RunControl()
    holder, queued = endless(), Counted([kernel(1)])

    def run(counted: Counted, control: _native.RunControl) -> None:
        with pytest.raises(Cancelled, match="was cancelled"):
            counted.run(control)

    threads = started(lambda: run(holder, holding))
    until(lambda: holder.inside == 1)
    threads += started(lambda: run(queued, waiting))
    until(lambda: _native.num_waiting() == 1)
    waiting.cancel()
    threads[1].join()
    assert queued.peak == 0
    holding.cancel()
    threads[0].join()


def test_cancelled_before_the_start() -> None:
    control = _native.RunControl()
    control.cancel()
    counted = Counted([kernel(1)])
    with pytest.raises(Cancelled):
        counted.run(control)
    assert counted.peak == 0


def test_stopped_forks_leave_the_plan_usable() -> None:
    main: list[Instruction] = [("fork", i + 1, i) for i in range(8)]
    main += [("join", i) for i in range(8)]
    counted = Counted(main, *[[kernel(10_000)] * 2000 for _ in range(8)])
    for _ in range(5):
        with pytest.raises(DeadlineExceeded):
            counted.run(_native.RunControl(timeout=0.002))
        assert counted.inside == 0
    quick = Counted([("fork", 1, 0), ("join", 0)], [kernel(10)])
    quick.run()
    assert quick.peak == 1


def test_failing_fork_stops_the_rest_of_its_run() -> None:
    seen: list[object] = []
    counters = np.zeros(16, np.int32)
    fail: Instruction = ("run", "fail", address("fail"), ((int(Space.STATUS), 0, 0),), (7, 3), 1, 1)

    def on_status(code: int, detail: tuple[int, int, int]) -> None:
        seen.append((code, detail[0]))
        raise InputError("failed")

    main: list[Instruction] = [("fork", 1, 0), ("join", 0), kernel(1)]
    plan = Plan([main, [fail, kernel(1)]], 64, [counters], [], [], None, on_status)
    with pytest.raises(InputError, match="failed"):
        plan.run([], [])
    assert seen == [(7, 3)]
    assert counters[1] == 0


def test_others_are_unharmed_by_what_is_cancelled() -> None:
    _native.set_budget(2)
    counted = Counted([("fork", 1, 0), kernel(1000, 9), ("join", 0)], [kernel(1000, 9)])
    failures: list[BaseException] = []

    def client(number: int) -> None:
        try:
            for turn in range(100):
                if (turn + number) % 3:
                    counted.run()
                    continue
                control = _native.RunControl()
                canceller = threading.Timer(0.0, control.cancel)
                canceller.start()
                with contextlib.suppress(Cancelled):
                    counted.run(control)
                canceller.join()
        except BaseException as error:
            failures.append(error)

    threads = started(*[lambda number=number: client(number) for number in range(4)])
    for thread in threads:
        thread.join(30)
    assert not failures
    assert counted.inside == 0
    assert counted.peak <= 2
