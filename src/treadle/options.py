"""Every setting that comes from the environment; nothing else reads `os.environ`.

Thread counts and the pool (`OMP_NUM_THREADS`, `TREADLE_THREADING`, `TREADLE_SPIN_US`, ...) are read
through `variable`, by `runtime.threads`, which reports each value with its origin.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the environment: what holds without it, and what it does."""

    default: str
    meaning: str


VARIABLES: dict[str, Variable] = {
    "TREADLE_AFFINITY": Variable("none", "compact, spread or none: tie workers to processors"),
    "TREADLE_BUDGET": Variable("CPUs or quota", "how many threads may compute"),
    "TREADLE_CACHE_DIR": Variable("~/.cache/treadle", "where compiled kernels are kept"),
    "TREADLE_CACHE_LIMIT_MB": Variable("1024", "size of that cache"),
    "TREADLE_INTERPRET": Variable("0", "1: run everything in the reference interpreter"),
    "TREADLE_ISA": Variable("native", "native or avx2: the instructions to generate"),
    "TREADLE_NUM_INTEROP_THREADS": Variable("budget", "forked tasks that run side by side"),
    "TREADLE_SHARED_WEIGHTS_MB": Variable("0", "size of the packed weights that processes share"),
    "TREADLE_SPIN_US": Variable("50", "how long a worker spins before it sleeps, 0 to 50"),
    "TREADLE_STRICT_TORCH": Variable("0", "1: inter-op threads may be set once only, as in torch"),
    "TREADLE_THREADING": Variable("native", "native, openmp, tbb or serial: the thread pool"),
    "TREADLE_VERIFY": Variable("0", "1: check the graph after every pass"),
    "MKL_NUM_THREADS": Variable("budget", "threads inside an operator; wins over OMP_NUM_THREADS"),
    "OMP_NUM_THREADS": Variable("budget", "threads inside an operator"),
    "XDG_CACHE_HOME": Variable("~/.cache", "where caches live"),
}
"""Every variable of the environment that Treadle reads."""

_NO, _YES = ("0", "false", "no", "off"), ("1", "true", "yes", "on")


def environment() -> dict[str, dict[str, str]]:
    """Value, origin and meaning of each of `VARIABLES`."""
    found = {}
    for name, about in VARIABLES.items():
        value = variable(name)
        origin = "default" if value is None else "environment"
        found[name] = {
            "value": about.default if value is None else value,
            "origin": origin,
            "meaning": about.meaning,
        }
    return found


def variable(name: str) -> str | None:
    """The environment variable `name`, stripped; None if unset or empty."""
    value = os.environ.get(name, "").strip()
    return value or None


def integer(name: str, default: int, low: int, high: int) -> int:
    """The integer in variable `name`; a bad one warns once and gives `default`."""
    text = variable(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if low <= value <= high:
        return value
    warnings.warn(
        f"{name}={text!r} ignored: expected an integer from {low} to {high}; using {default}",
        RuntimeWarning,
        stacklevel=2,
    )
    return default


def word(name: str, words: Sequence[str]) -> str:
    """The one of `words` in variable `name`, in any case; another warns and gives the first."""
    text = (variable(name) or words[0]).lower()
    if text in words:
        return text
    warnings.warn(
        f"{name}={text!r} ignored: expected one of {', '.join(words)}; using {words[0]}",
        RuntimeWarning,
        stacklevel=2,
    )
    return words[0]


def flag(name: str) -> bool:
    """Whether variable `name` says yes; what is neither yes nor no warns and means no."""
    return word(name, (*_NO, *_YES)) in _YES


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the compiler.

    Attributes:
        cache_directory: where compiled kernels are kept (``TREADLE_CACHE_DIR``).
        cache_limit_bytes: size at which the oldest are deleted (``TREADLE_CACHE_LIMIT_MB``).
        isa: ``native`` or ``avx2``, the instructions to generate (``TREADLE_ISA``).
        interpret: run everything in the interpreter (``TREADLE_INTERPRET``).
        shared_weights_bytes: size of the packed weights that are kept on disk, where processes
            share them; 0: each process packs its own (``TREADLE_SHARED_WEIGHTS_MB``).
        verify: check the graph after every pass (``TREADLE_VERIFY``).
    """

    cache_directory: Path
    cache_limit_bytes: int = 1 << 30
    isa: str = "native"
    interpret: bool = False
    shared_weights_bytes: int = 0
    verify: bool = False

    @property
    def weights_directory(self) -> Path:
        """Where processes share packed weights."""
        return self.cache_directory / "weights"

    @staticmethod
    def from_environment() -> Options:
        """What the environment says, defaults for the rest."""
        return Options(
            cache_directory=_cache_directory(),
            cache_limit_bytes=integer("TREADLE_CACHE_LIMIT_MB", 1024, 1, 1 << 20) << 20,
            isa=word("TREADLE_ISA", ("native", "avx2")),
            interpret=flag("TREADLE_INTERPRET"),
            shared_weights_bytes=integer("TREADLE_SHARED_WEIGHTS_MB", 0, 0, 1 << 20) << 20,
            verify=flag("TREADLE_VERIFY"),
        )


def _cache_directory() -> Path:
    """Where the variables say; else in the user's home, or, who has none, among temporary files."""
    chosen, caches = variable("TREADLE_CACHE_DIR"), variable("XDG_CACHE_HOME")
    if chosen is not None:
        return Path(chosen)
    if caches is not None:
        return Path(caches) / "treadle"
    try:
        return Path.home() / ".cache" / "treadle"
    except RuntimeError:  # a container whose user is in no list and has no HOME
        import tempfile  # which takes as long as the rest of this module

        return Path(tempfile.gettempdir()) / f"treadle-{os.getuid()}"
