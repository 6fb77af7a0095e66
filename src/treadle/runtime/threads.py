"""The thread settings: who decided them, and how to change them."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from treadle import _native, options
from treadle.errors import InputError, ThreadingError
from treadle.locks import fork_lock
from treadle.runtime import backends, environment

_MAX_INT = 2**31


@dataclass(frozen=True, slots=True)
class Setting:
    """A number and who decided it: API, a variable's name, quota, affinity or default."""

    value: int
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the process, without what contexts and calls say."""

    budget: Setting
    intra: Setting
    interop: Setting
    interop_was_set: bool = False

    def apply(self) -> None:
        """Tell the native core."""
        _native.set_budget(self.budget.value)
        _native.set_num_threads(self.intra.value)
        _native.set_num_interop_threads(self.interop.value)


def _read_budget() -> Setting:
    override = environment.thread_count("TREADLE_BUDGET")
    if override is not None:
        return Setting(override, "TREADLE_BUDGET")
    limits = _native.cpu_limits()
    if 0 < limits["quota"] < limits["cores"]:
        return Setting(limits["quota"], "quota")
    return Setting(limits["cores"], "affinity")


def _read_count(budget: Setting, *names: str) -> Setting:
    for name in names:
        count = environment.thread_count(name)
        if count is not None:
            if count > budget.value:
                environment.warn(
                    f"{name}={count} is above the {budget.value} threads this process may use "
                    f"({budget.origin}); {budget.value} will compute"
                )
            return Setting(count, name)
    return Setting(budget.value, "default")


def _start() -> Settings:
    budget = _read_budget()
    intra = _read_count(budget, "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    started = Settings(budget, intra, _read_count(budget, "TREADLE_NUM_INTEROP_THREADS"))
    started.apply()
    _native.set_spin_us(options.integer("TREADLE_SPIN_US", 50, 0, 50))
    _native.set_affinity(environment.affinity())
    backends.choose_from_environment()
    # Before the interpreter goes, queued tasks are dropped and running ones get a while to end.
    atexit.register(_native.shut_down, 5.0)
    return started


_settings = _start()
_lock = fork_lock()  # guards changes of _settings


def _change(**changes: Any) -> None:
    """Change settings and apply them all, under the lock."""
    global _settings
    _settings = replace(_settings, **changes)
    _settings.apply()


def settings() -> Settings:
    """The settings as they are now."""
    return _settings


def _type_name(value: object) -> str:
    """The name of a type as C knows it, which is how torch prints it."""
    kind = type(value)
    is_numpy = kind.__module__ == "numpy"
    return f"numpy.{kind.__name__}" if is_numpy else kind.__name__


def check_count(function: str, threads: object) -> int:
    """`threads` as an int, if it is a number of threads; `function` is for messages.

    Raises:
        ThreadingError: if it is no integer, or not positive.
        InputError: if it is larger than any.
    """
    if isinstance(threads, bool | np.bool_) or not isinstance(threads, int | np.integer):
        raise ThreadingError(f"{function} expects an int, but got {_type_name(threads)}")
    count = int(threads)
    if count >= _MAX_INT or count < -_MAX_INT:
        raise InputError("Overflow when unpacking long")
    if count <= 0:
        raise ThreadingError(f"{function} expects a positive integer")
    return count


def set_num_threads(threads: int) -> None:
    """Set the number of threads inside an operator, for the whole process and at once.

    A number above the budget is kept as the setting; at most the budget ever compute.

    Raises:
        ThreadingError: if `threads` is no exact integer or not positive.
        InputError: if it does not fit 32 bits.
    """
    count = check_count("set_num_threads", threads)
    with _lock:
        _change(intra=Setting(count, "API"))


def get_num_threads() -> int:
    """The number of threads inside an operator, as the current context has it."""
    limit = _native.intra_limit.get(None)
    return _native.get_num_threads() if limit is None else limit


def set_num_interop_threads(threads: int) -> None:
    """Set how many forked tasks run side by side; may be changed at any time.

    Raises:
        ThreadingError: if `threads` is no exact integer or not positive; with
            ``TREADLE_STRICT_TORCH=1`` also at the second call and after the first fork, as torch
            does.
        InputError: if it does not fit 32 bits.
    """
    count = check_count("set_num_interop_threads", threads)
    with _lock:
        is_late = _settings.interop_was_set or _native.has_forked()
        if options.flag("TREADLE_STRICT_TORCH") and is_late:
            raise ThreadingError(
                "Error: cannot set number of interop threads after parallel work has started or "
                "set_num_interop_threads called"
            )
        _change(interop=Setting(count, "API"), interop_was_set=True)


def get_num_interop_threads() -> int:
    """How many forked tasks may run side by side, as the current context has it."""
    limit = _native.inter_limit.get(None)
    return _native.get_num_interop_threads() if limit is None else limit.max


def get_budget() -> int:
    """How many threads this process computes with at most."""
    return _native.get_budget()


def refresh_budget() -> int:
    """Read affinity and cgroup quota again; settings nobody made follow. Returns the budget."""
    with _lock:
        budget = _read_budget()
        default = Setting(budget.value, "default")
        intra, interop = _settings.intra, _settings.interop
        _change(
            budget=budget,
            intra=default if intra.origin == "default" else intra,
            interop=default if interop.origin == "default" else interop,
        )
    return budget.value


@contextmanager
def threads(*, intra: int | None = None, inter: int | None = None) -> Iterator[None]:
    """Limit threads of what this context starts inside a block, forks and their forks included.

    `intra` is for the inside of operators, `inter` for forked tasks that run side by side; whoever
    waits for a task may always run it itself.
    """
    tokens: list[tuple[ContextVar[Any], Token[Any]]] = []
    try:
        if inter is not None:
            limit = _native.TaskLimit(check_count("threads(inter=..)", inter))
            tokens.append((_native.inter_limit, _native.inter_limit.set(limit)))
        if intra is not None:
            count = check_count("threads(intra=..)", intra)
            tokens.append((_native.intra_limit, _native.intra_limit.set(count)))
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)
