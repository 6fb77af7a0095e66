"""Which thread settings and numbers of clients a sweep tries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ThreadSetting:
    """Threads inside an operator (`intra_op`) and for forked tasks (`inter_op`)."""

    intra_op: int
    inter_op: int

    def __str__(self) -> str:
        return f"{self.intra_op} × {self.inter_op}"


def counts_up_to(limit: int) -> tuple[int, ...]:
    """1, 2, 4, ... below `limit`, and `limit` itself."""
    powers = [1 << bit for bit in range(limit.bit_length()) if 1 << bit < limit]
    return (*powers, max(limit, 1))


def settings_up_to(budget: int, has_forks: bool = True) -> tuple[ThreadSetting, ...]:
    """The settings worth trying where at most `budget` threads compute; the last is the default.

    Up to 4 threads these are all pairs of `counts_up_to`; above, those whose product is within
    the budget. A model without forks has no use for inter-op threads: they stay at the budget.
    """
    counts = counts_up_to(budget)
    default = ThreadSetting(budget, budget)
    inter_counts: Iterable[int] = counts if has_forks else (budget,)
    pairs = [ThreadSetting(intra, inter) for inter in inter_counts for intra in counts]
    if has_forks and budget > 4:
        pairs = [p for p in pairs if p.intra_op * p.inter_op <= budget]
    return (*sorted(set(pairs) - {default}), default)


def client_counts(budget: int) -> tuple[int, ...]:
    """Numbers of concurrent clients: one, as many as threads, and up to four times as many."""
    return counts_up_to(max(4 * budget, 4))
