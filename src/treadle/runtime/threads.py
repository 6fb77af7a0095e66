"""The thread settings: who decided them, how to change them, and what `parallel_info` says."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, overload

import numpy as np

from treadle import _native, options
from treadle.errors import InputError, ThreadingError
from treadle.runtime import backends, environment

_MAX_INT = 2**31


@dataclass(frozen=True, slots=True)
class Setting:
    """A number and who decided it: API, a variable's name, quota, affinity or default."""

    value: int
    origin: str


@dataclass(frozen=True, slots=True)
class _Settings:
    budget: Setting
    intra: Setting
    interop: Setting
    interop_was_set: bool = False


def _read_budget() -> Setting:
    override = environment.thread_count("TREADLE_BUDGET")
    if override is not None:
        return Setting(override, "TREADLE_BUDGET")
    limits = _native.cpu_limits()
    if 0 < limits["quota"] < limits["cores"]:
        return Setting(limits["quota"], "quota")
    return Setting(limits["cores"], "affinity")


def _read_intra(budget: Setting) -> Setting:
    for name in ("MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        count = environment.thread_count(name)
        if count is not None:
            if count > budget.value:
                environment.warn(
                    f"{name}={count} is above the {budget.value} threads this process may use "
                    f"({budget.origin}); {budget.value} will compute"
                )
            return Setting(count, name)
    return Setting(budget.value, "default")


def _start() -> _Settings:
    budget = _read_budget()
    settings = _Settings(budget, _read_intra(budget), Setting(budget.value, "default"))
    _native.set_spin_us(options.integer("TREADLE_SPIN_US", 50, 0, 50))
    _native.set_budget(settings.budget.value)
    _native.set_num_threads(settings.intra.value)
    _native.set_num_interop_threads(settings.interop.value)
    backends.choose_from_environment()
    # Before the interpreter goes, queued tasks are dropped and running ones get a while to end.
    atexit.register(_native.shut_down, 5.0)
    return settings


_settings = _start()


def _check_count(function: str, threads: object) -> int:
    if isinstance(threads, bool | np.bool_) or not isinstance(threads, int | np.integer):
        raise ThreadingError(f"{function} expects an int, but got {type(threads).__name__}")
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
    global _settings
    count = _check_count("set_num_threads", threads)
    _native.set_num_threads(count)
    _settings = replace(_settings, intra=Setting(count, "API"))


def get_num_threads() -> int:
    """The number of threads inside an operator, as the current context has it."""
    limit = _native.intra_limit.get(None)
    return _native.get_num_threads() if limit is None else limit


def set_num_interop_threads(threads: int) -> None:
    """Set how many forked tasks run side by side; may be changed at any time.

    Raises:
        ThreadingError: if `threads` is no exact integer or not positive; with
            ``TREADLE_STRICT_TORCH=1`` also at the second call, as torch does.
        InputError: if it does not fit 32 bits.
    """
    global _settings
    count = _check_count("set_num_interop_threads", threads)
    if _settings.interop_was_set and options.flag("TREADLE_STRICT_TORCH"):
        raise ThreadingError(
            "Error: cannot set number of interop threads after parallel work has started or "
            "set_num_interop_threads called"
        )
    _native.set_num_interop_threads(count)
    _settings = replace(_settings, interop=Setting(count, "API"), interop_was_set=True)


def get_num_interop_threads() -> int:
    """How many forked tasks may run side by side."""
    return _native.get_num_interop_threads()


def get_budget() -> int:
    """How many threads this process computes with at most."""
    return _native.get_budget()


def refresh_budget() -> int:
    """Read affinity and cgroup quota again; settings nobody made follow. Returns the budget."""
    global _settings
    budget = _read_budget()
    settings = replace(_settings, budget=budget)
    if settings.intra.origin == "default":
        settings = replace(settings, intra=Setting(budget.value, "default"))
    if settings.interop.origin == "default":
        settings = replace(settings, interop=Setting(budget.value, "default"))
    _native.set_budget(budget.value)
    _native.set_num_threads(settings.intra.value)
    _native.set_num_interop_threads(settings.interop.value)
    _settings = settings
    return budget.value


@contextmanager
def threads(*, intra: int | None = None, inter: int | None = None) -> Iterator[None]:
    """Limit threads inside a block: `intra` for runs started by this context only.

    `inter` is the process's setting while the block lasts.
    """
    token = None
    previous = _native.get_num_interop_threads()
    if inter is not None:
        _native.set_num_interop_threads(_check_count("threads(inter=..)", inter))
    if intra is not None:
        token = _native.intra_limit.set(_check_count("threads(intra=..)", intra))
    try:
        yield
    finally:
        if token is not None:
            _native.intra_limit.reset(token)
        if inter is not None:
            _native.set_num_interop_threads(previous)


def _as_dict() -> dict[str, Setting | str]:
    limits = _native.cpu_limits()
    quota = limits["quota"]
    return {
        "backend": _native.backend(),
        "num_threads": _settings.intra,
        "num_interop_threads": _settings.interop,
        "budget": _settings.budget,
        "affinity": Setting(limits["affinity"], "affinity"),
        "physical_cores": Setting(limits["cores"], "affinity"),
        "quota": Setting(quota, "quota" if quota else "default"),
    }


def _as_text() -> str:
    info = _as_dict()
    lines = [
        "ATen/Parallel:",
        f"\tat::get_num_threads() : {get_num_threads()}",
        f"\tat::get_num_interop_threads() : {get_num_interop_threads()}",
        "OpenMP not found" if _native.backend() != "openmp" else "OpenMP",
        "MKL not found",
        "MKLDNN not found",
        f"std::thread::hardware_concurrency() : {os.cpu_count()}",
        "Environment variables:",
        f"\tOMP_NUM_THREADS : {options.variable('OMP_NUM_THREADS') or '[not set]'}",
        f"\tMKL_NUM_THREADS : {options.variable('MKL_NUM_THREADS') or '[not set]'}",
        f"ATen parallel backend: {backends.TORCH_NAMES[_native.backend()]}",
        "Treadle:",
    ]
    for name, setting in info.items():
        text = setting if isinstance(setting, str) else f"{setting.value} ({setting.origin})"
        lines.append(f"\t{name} : {text}")
    note = backends.NOTES.get(_native.backend())
    if note:
        lines.append(f"\tnote : {note}")
    return "\n".join(lines) + "\n"


@overload
def parallel_info(*, as_dict: Literal[False] = False) -> str: ...
@overload
def parallel_info(*, as_dict: Literal[True]) -> dict[str, Setting | str]: ...


def parallel_info(*, as_dict: bool = False) -> str | dict[str, Setting | str]:
    """All thread settings: in torch's layout with Treadle's own lines after it, or as a dict.

    Source:
        ``torch.__config__.parallel_info()``
    """
    return _as_dict() if as_dict else _as_text()
