"""The thread pools to choose from: our own, serial, and the plugins openmp and tbb."""

from __future__ import annotations

from pathlib import Path

from treadle import _native, options
from treadle.errors import ThreadingError
from treadle.runtime import environment

NAMES = ("native", "openmp", "tbb", "serial")

TORCH_NAMES = {
    "native": "native thread pool",
    "openmp": "OpenMP",
    "tbb": "TBB",
    "serial": "serial",
}
"""What `parallel_info` calls each, in torch's words."""

NOTES = {
    "openmp": "every thread that runs a model has its own OpenMP team, so several of them may "
    "compute with more threads than the budget",
}
"""What a backend cannot promise."""


def plugin(name: str) -> Path:
    """The shared library of backend `name`, if this build has it."""
    return Path(_native.__file__).parent / f"_pool_{name}.so"


def available() -> tuple[str, ...]:
    """The backends that this build has."""
    return tuple(n for n in NAMES if n in ("native", "serial") or plugin(n).exists())


def libraries(name: str) -> list[str]:
    """Libraries that must be loaded before backend `name`: TBB's, where pip put it."""
    if name != "tbb":
        return []
    import importlib.metadata  # which takes longer to import than the rest of this package

    try:
        files = importlib.metadata.files("tbb") or []
    except importlib.metadata.PackageNotFoundError:
        return []  # the system's loader may know one
    return [str(f.locate()) for f in files if f.name == "libtbb.so.12"]


def use(name: str) -> None:
    """Make backend `name` run all parallel work from now on.

    Raises:
        ThreadingError: if there is no such backend in this build, or its library is missing.
    """
    if name not in available():
        raise ThreadingError(
            f"there is no thread pool {name!r} in this build; it has {', '.join(available())}"
        )
    if name in ("native", "serial"):
        _native.use_backend(name)
        return
    try:
        _native.use_backend(name, str(plugin(name)), *libraries(name))
    except RuntimeError as error:
        hint = "; pip install tbb" if name == "tbb" else ""
        raise ThreadingError(
            f"the thread pool {name!r} could not be loaded: {error}{hint}"
        ) from error


def choose_from_environment() -> None:
    """Take the backend from ``TREADLE_THREADING``; if it can't be had, warn and stay native."""
    name = (options.variable("TREADLE_THREADING") or "native").lower()
    aliases = {"omp": "openmp"}
    try:
        use(aliases.get(name, name))
    except ThreadingError as error:
        environment.warn(f"TREADLE_THREADING={name!r} ignored: {error}")
