"""Thread settings in environment variables; counts are read as OpenMP reads them."""

from __future__ import annotations

import re
import warnings

from treadle import options

AFFINITIES = ("none", "compact", "spread")


def warn(message: str) -> None:
    """Warn about a setting, once per message."""
    warnings.warn(message, RuntimeWarning, stacklevel=3)


def thread_count(name: str) -> int | None:
    """The count in variable `name`, None if it is unset or, after a warning, invalid.

    A list of counts per nesting level (``3,2``) gives the first.
    """
    text = options.variable(name)
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d+)\s*(,.*)?", text)
    count = int(match.group(1)) if match else 0
    if 0 < count < 2**31:
        return count
    warn(f"{name}={text!r} ignored: expected a positive integer")
    return None


def affinity() -> str:
    """What ``TREADLE_AFFINITY`` says, ``none`` after a warning if that is no word for it."""
    return options.word("TREADLE_AFFINITY", AFFINITIES)
