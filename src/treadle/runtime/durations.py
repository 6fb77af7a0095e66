"""Durations as people read them."""

from __future__ import annotations


def human_time(nanoseconds: float) -> str:
    """A time in the unit that fits: 850 ns, 12.3 µs, 4.56 ms, 1.20 s."""
    time = nanoseconds
    for unit in ("ns", "µs", "ms"):
        if time < 999.5:
            return f"{time:.0f} {unit}" if unit == "ns" else f"{time:.3g} {unit}"
        time /= 1000
    return f"{time:.2f} s"
