"""Locks that a forked child finds free: the thread that held one in the parent is not there.

A `fork_lock` is free in a child; for the locks of `let_forks_wait_for` a fork waits.
`cached_property` has none; that of `functools` has one, until Python 3.11, that stays taken.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")

_locks: weakref.WeakSet[threading.Lock] = weakref.WeakSet()


def fork_lock() -> threading.Lock:
    """A lock that is free in every forked child.

    A lock itself, not an object that holds one: Ctrl-C in an `__enter__` written in Python would
    leave it taken.
    """
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def _free() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()  # type: ignore[attr-defined]  # as the standard library's own


os.register_at_fork(after_in_child=_free)

imports = threading.RLock()
"""Who imports a module later than with this package has it.

Python's own lock of a module is no use: a child that is forked meanwhile would wait for it for
ever.
"""
_waited_for = [imports]  # and first of all: an import may take another of them
_held = ExitStack()


def let_forks_wait_for(lock: threading.RLock) -> None:
    """A fork of the process waits for who has `lock`; parent and child find it free."""
    _waited_for.append(lock)


def _hold() -> None:
    for lock in _waited_for:
        _held.enter_context(lock)


def _let_go() -> None:
    _held.pop_all().close()  # at once: with the first lock, another thread may go on to fork


os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_let_go)


class cached_property(Generic[T]):  # noqa: N801 - as in `functools`
    """An attribute that is computed when it is first read; twice if two threads read it at once."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> cached_property[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> cached_property[T] | T:
        if instance is None:
            return self
        value: T = instance.__dict__.setdefault(self._name, self._function(instance))
        return value
