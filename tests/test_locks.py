"""Locks and forks."""

from __future__ import annotations

import os
import threading

import pytest

from treadle.locks import ForkLock


def test_only_one_thread_is_inside() -> None:
    lock, entered = ForkLock(), threading.Event()

    def enter() -> None:
        with lock:
            entered.set()

    thread = threading.Thread(target=enter, daemon=True)
    with lock:
        thread.start()
        assert not entered.wait(0.05)
    thread.join(30)
    assert entered.is_set()


@pytest.mark.threads
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_finds_a_lock_free_that_a_thread_of_the_parent_holds() -> None:
    lock, inside, leave = ForkLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    assert inside.wait(30)
    child = os.fork()
    if child == 0:
        with lock:
            os._exit(7)
    _, status = os.waitpid(child, 0)
    leave.set()
    thread.join(30)
    assert os.waitstatus_to_exitcode(status) == 7
