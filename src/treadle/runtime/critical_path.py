"""The longest chain of instructions through the forks and joins of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from treadle.runtime.trace_events import Event, Kind, Lane


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """Instructions that had to follow each other, and what they took together.

    However many threads run forks side by side, the request takes at least `length_ns`, as long
    as its instructions take what they took.

    Attributes:
        request: the event of the request.
        ops: the instructions of the chain, first to last.
        length_ns: the sum of their times.
    """

    request: Event
    ops: tuple[Event, ...]
    length_ns: int


@dataclass(frozen=True, slots=True)
class _Chain:
    """The longest chain up to here: its last instruction, and the chain before it."""

    length_ns: int = 0
    last: Event | None = None
    before: _Chain | None = None

    def then(self, op: Event) -> _Chain:
        return _Chain(self.length_ns + op.duration_ns, op, self)

    def ops(self) -> tuple[Event, ...]:
        found: list[Event] = []
        chain: _Chain | None = self
        while chain is not None and chain.last is not None:
            found.append(chain.last)
            chain = chain.before
        return tuple(reversed(found))


def requests(lanes: Iterable[Lane]) -> tuple[Event, ...]:
    """The requests that are no part of another one, by their begin."""
    events = [e for lane in lanes for e in lane.events]
    parents = {e.id: e.frame for e in events if e.kind in (Kind.FORK, Kind.REQUEST)}
    inner = {e.id for e in events if e.kind is Kind.REQUEST}
    found = [
        e
        for e in events
        if e.kind is Kind.REQUEST and not any(f in inner for f in _ancestors(e.frame, parents))
    ]
    return tuple(sorted(found, key=lambda e: e.begin_ns))


def _ancestors(frame: int, parents: dict[int, int]) -> Iterator[int]:
    seen = set()
    while frame and frame not in seen:
        seen.add(frame)
        yield frame
        frame = parents.get(frame, 0)


def critical_paths(lanes: Sequence[Lane]) -> tuple[CriticalPath, ...]:
    """The critical path of each of `requests`.

    What happened is one order that the dependencies allow, so one walk in this order does: an
    instruction prolongs the chain of its frame; a fork hands the chain to a new frame; a join goes
    on with the longer of two.
    """
    chains: dict[int, _Chain] = {}
    for _, _, event, begins in sorted(_moments(lanes), key=lambda m: m[:2]):
        chain = chains.get(event.frame, _EMPTY)
        if event.kind is Kind.OP:
            chains[event.frame] = chain.then(event)
        elif event.kind is Kind.FORK:
            chains[event.id] = chain
        elif event.kind is Kind.REQUEST and begins:
            chains[event.id] = chain if event.frame else _EMPTY
        elif event.frame:  # a join, or the end of a request inside another
            other = chains.get(event.id, _EMPTY)
            chains[event.frame] = max(chain, other, key=lambda c: c.length_ns)
    return tuple(
        CriticalPath(request, chain.ops(), chain.length_ns)
        for request in requests(lanes)
        for chain in (chains.get(request.id, _EMPTY),)
    )


_EMPTY = _Chain()


def _moments(lanes: Sequence[Lane]) -> Iterator[tuple[int, int, Event, bool]]:
    """When each event takes effect; what ends before what begins; whether it begins."""
    for lane in lanes:
        for event in lane.events:
            if event.kind is Kind.REQUEST:
                yield event.begin_ns, 3, event, True
                yield event.end_ns, 2, event, False
            elif event.kind is Kind.FORK:
                yield event.begin_ns, 4, event, True
            elif event.kind is Kind.OP:
                yield event.end_ns, 0, event, False
            elif event.kind is Kind.WAIT:
                yield event.end_ns, 1, event, False
