"""The pause of the garbage collector: nested, in several threads, in forked children."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Iterator

import pytest

from treadle.collector import collection_paused


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_the_collector_rests_until_the_outermost_pause_ends() -> None:
    with collection_paused():
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_errors_end_the_pause() -> None:
    with pytest.raises(ValueError, match="wrong"), collection_paused():
        raise ValueError("wrong")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with collection_paused():
        pass
    assert not gc.isenabled()


def test_the_last_thread_to_leave_ends_the_pause() -> None:
    inside, leave = threading.Barrier(2), threading.Event()

    def pause() -> None:
        with collection_paused():
            inside.wait(10)
            leave.wait(10)

    thread = threading.Thread(target=pause)
    thread.start()
    with collection_paused():
        inside.wait(10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_collects() -> None:
    with collection_paused():
        child = os.fork()
        if child == 0:
            os._exit(0 if gc.isenabled() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not gc.isenabled()


def test_garbage_of_a_pause_does_not_stay() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.itself = self

    gc.collect()
    with collection_paused():
        kept = [weakref.ref(Cycle()) for _ in range(1000)]
    gc.collect(1)
    assert not any(reference() for reference in kept)
