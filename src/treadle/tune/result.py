"""What a sweep found, and the decisions drawn from it; nothing here measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from treadle.tune.settings import ThreadSetting


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure: a thread setting under a number of concurrent clients."""

    setting: ThreadSetting
    clients: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """Latency and throughput of a cell: medians over the rounds.

    Attributes:
        p50_ns: the median latency of a request, as a client sees it.
        p99_ns: the latency that one request in a hundred exceeds.
        throughput: requests per second of all clients together.
        lowest, highest: throughput of the worst and the best round.
        requests: how many were measured in all.
    """

    cell: Cell
    p50_ns: float
    p99_ns: float
    throughput: float
    lowest: float
    highest: float
    requests: int

    @property
    def setting(self) -> ThreadSetting:
        """The thread setting measured."""
        return self.cell.setting

    @property
    def clients(self) -> int:
        """The number of concurrent clients."""
        return self.cell.clients

    def dominates(self, other: Measurement) -> bool:
        """Whether it is at least as good in p99 latency and throughput, better in one.

        Not the median: where clients take turns on a core for a slice of time each, most requests
        are quick and the others wait for a whole slice.
        """
        as_good = self.p99_ns <= other.p99_ns and self.throughput >= other.throughput
        return as_good and (self.p99_ns < other.p99_ns or self.throughput > other.throughput)


@dataclass(frozen=True, slots=True)
class Sweep:
    """All measurements of a model, in the order of their cells.

    Attributes:
        budget: how many threads could compute at most.
        default: the setting that holds when nobody sets anything.
        batch: examples per request.
        rounds: how often each cell had its turn.
        seconds: how long each cell was measured in all.
        foreign_load: the part of the machine's CPU time that others used meanwhile, if known.
    """

    measurements: tuple[Measurement, ...]
    budget: int
    default: ThreadSetting
    batch: int = 1
    rounds: int = 1
    seconds: float = 0.0
    foreign_load: float | None = None

    @property
    def settings(self) -> tuple[ThreadSetting, ...]:
        """The thread settings, each once."""
        return tuple(dict.fromkeys(m.setting for m in self.measurements))

    @property
    def clients(self) -> tuple[int, ...]:
        """The numbers of clients, each once."""
        return tuple(dict.fromkeys(m.clients for m in self.measurements))

    @property
    def best_latency(self) -> Measurement:
        """The lowest median latency with the fewest clients; of equals the fewest threads."""
        alone = min(self.clients)
        return min(
            (m for m in self.measurements if m.clients == alone),
            key=lambda m: (m.p50_ns, m.setting),
        )

    @property
    def best_throughput(self) -> Measurement:
        """The most requests per second; of equals the lower latency, then the fewest threads."""
        return min(self.measurements, key=lambda m: (-m.throughput, m.p99_ns, m.clients, m.setting))

    def pareto(self) -> tuple[Measurement, ...]:
        """Those that no other beats in both p99 latency and throughput, by latency."""
        front: list[Measurement] = []
        for candidate in sorted(self.measurements, key=lambda m: (m.p99_ns, -m.throughput)):
            if (
                not front
                or candidate.throughput > front[-1].throughput
                or _equal(candidate, front[-1])
            ):
                front.append(candidate)
        return tuple(front)

    def at(self, setting: ThreadSetting, clients: int) -> Measurement | None:
        """The measurement of a cell, if it was measured."""
        return next((m for m in self.measurements if m.cell == Cell(setting, clients)), None)

    def best_for(self, clients: int) -> Measurement:
        """The most requests per second at this number of clients."""
        return min(
            (m for m in self.measurements if m.clients == clients),
            key=lambda m: (-m.throughput, m.p99_ns, m.setting),
        )


def _equal(a: Measurement, b: Measurement) -> bool:
    return a.p99_ns == b.p99_ns and a.throughput == b.throughput


def as_document(sweep: Sweep) -> dict[str, Any]:
    """The sweep as JSON knows values: every measurement, and which of them are chosen."""
    front = set(sweep.pareto())
    return {
        "budget": sweep.budget,
        "default": asdict(sweep.default),
        "batch": sweep.batch,
        "rounds": sweep.rounds,
        "seconds_per_cell": sweep.seconds,
        "foreign_load": sweep.foreign_load,
        "best_latency": _flat(sweep.best_latency),
        "best_throughput": _flat(sweep.best_throughput),
        "measurements": [{**_flat(m), "pareto": m in front} for m in sweep.measurements],
    }


def _flat(m: Measurement) -> Mapping[str, Any]:
    values = asdict(m)
    del values["cell"]
    return {**asdict(m.setting), "clients": m.clients, **values}


def cells(settings: Iterable[ThreadSetting], clients: Iterable[int]) -> tuple[Cell, ...]:
    """Every setting with every number of clients."""
    counts = tuple(clients)
    return tuple(Cell(setting, count) for setting in settings for count in counts)
