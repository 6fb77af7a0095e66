"""Locks and forks."""

from __future__ import annotations

import os
import threading

import pytest

from treadle.locks import cached_property, fork_lock


def test_only_one_thread_is_inside() -> None:
    lock, entered = fork_lock(), threading.Event()

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
    lock, inside, leave = fork_lock(), threading.Event(), threading.Event()

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


class Measured:
    """Counts how often its attribute is computed."""

    def __init__(self) -> None:
        self.computed = 0

    @cached_property
    def size(self) -> int:
        """How much."""
        self.computed += 1
        return 7


def test_an_attribute_is_computed_once() -> None:
    one, other = Measured(), Measured()
    assert (one.size, one.size, one.computed, other.computed) == (7, 7, 1, 0)
    assert Measured.size.__doc__ == "How much."


@pytest.mark.threads
def test_threads_that_read_an_attribute_at_once_get_one_value() -> None:
    together = threading.Barrier(2)

    class Made:
        @cached_property
        def value(self) -> object:
            together.wait(30)  # no lock: both are here at once
            return object()

    made, found = Made(), []
    thread = threading.Thread(target=lambda: found.append(made.value))
    thread.start()
    found.append(made.value)
    thread.join()
    assert found[0] is found[1]
