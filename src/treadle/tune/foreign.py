"""How much of the machine's CPU time others took while something was measured."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_IDLE, _IO_WAIT = 3, 4  # fields of the first line of /proc/stat; the first 8 are disjoint
_FIELDS = 8


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU seconds since the start of the machine, and those of this process."""

    busy: float
    total: float
    own: float

    @staticmethod
    def now() -> CpuTime | None:
        """The times up to now; None where the system does not tell."""
        try:
            line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
            tick = 1 / os.sysconf("SC_CLK_TCK")
            own = os.times()
        except (OSError, ValueError):
            return None
        return CpuTime.parse(line, tick, own.user + own.system)

    @staticmethod
    def parse(line: str, tick: float, own: float) -> CpuTime | None:
        """From the line ``cpu ...`` of /proc/stat, which counts in ticks."""
        name, *fields = line.split()[: _FIELDS + 1]
        if name != "cpu" or len(fields) < _FIELDS or not all(f.isdigit() for f in fields):
            return None
        ticks = [int(field) for field in fields]
        idle = ticks[_IDLE] + ticks[_IO_WAIT]
        return CpuTime((sum(ticks) - idle) * tick, sum(ticks) * tick, own)


def foreign_share(start: CpuTime | None, end: CpuTime | None) -> float | None:
    """The part of all CPUs' time between two moments that other processes (and guests) used."""
    if start is None or end is None or end.total <= start.total:
        return None
    foreign = (end.busy - start.busy) - (end.own - start.own)
    return min(max(foreign / (end.total - start.total), 0.0), 1.0)
