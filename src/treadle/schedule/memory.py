"""Offsets in the arena: storages whose live ranges do not meet share memory.

What only one task touches lies in memory of its own, which it has while it runs. So tasks that run
one after the other use the same, in the caches of the thread that runs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from treadle.ir.symbols import has_symbols, maximum, plain
from treadle.schedule.places import Space, Storage
from treadle.schedule.steps import Fork, Instruction, Join, Step, steps_of

ALIGNMENT = 64


@dataclass(slots=True)
class LiveRange:
    """First and last moment at which a storage is touched."""

    first: int
    last: int

    def meets(self, other: LiveRange) -> bool:
        """Whether both are live at some moment."""
        return self.first <= other.last and other.first <= self.last


_Place = tuple[Storage, int, LiveRange]
_Moment = tuple[int, int, Step]
_STRETCH = 64


class _Placed:
    """Storages that have an offset, found by the moments at which they are live.

    Moments are put together in stretches, since in a long program most storages live shortly, and a
    look at all of them for each would take minutes.
    """

    def __init__(self) -> None:
        self.all: list[_Place] = []
        self._stretches: dict[int, list[_Place]] = {}

    def add(self, place: _Place) -> None:
        """Put one more."""
        self.all.append(place)
        for stretch in _stretches(place[2]):
            self._stretches.setdefault(stretch, []).append(place)

    def meeting(self, here: LiveRange) -> list[_Place]:
        """Those live at a moment of `here`, each once."""
        near = (place for s in _stretches(here) for place in self._stretches.get(s, ()))
        return list({id(place): place for place in near if place[2].meets(here)}.values())


def _stretches(here: LiveRange) -> range:
    return range(here.first // _STRETCH, here.last // _STRETCH + 1)


@dataclass(frozen=True, slots=True)
class Memory:
    """Byte offsets of storages in the arena or, where they are local, in the memory of their task.

    `local_bytes` is the size of that for each sequence.
    """

    offsets: dict[Storage, int]
    arena_bytes: int
    local_bytes: list[int]


def plan_memory(sequences: Sequence[Sequence[Instruction]]) -> Memory:
    """The places of all arena storages; those that only one task touches become local."""
    owners = _owners(sequences)
    ranges = live_ranges(all_moments(sequences))
    offsets, arena_bytes = _overlay({s: r for s, r in ranges.items() if owners[s] == 0})
    local_bytes = [0]
    for number, sequence in enumerate(sequences[1:], 1):
        own = live_ranges(own_moments(sequence))
        inside, nbytes = _overlay({s: r for s, r in own.items() if owners[s] == number})
        offsets |= inside
        local_bytes.append(nbytes)
    for storage, owner in owners.items():
        if owner:
            storage.space = Space.LOCAL
    return Memory(offsets, arena_bytes, local_bytes)


def _owners(sequences: Sequence[Sequence[Instruction]]) -> dict[Storage, int]:
    """The sequence that alone touches a storage of the arena; 0 where several do."""
    owners: dict[Storage, int] = {}
    for number, sequence in enumerate(sequences):
        for _, _, step in own_moments(sequence):
            for storage, _ in step.bound:
                if storage.space is Space.ARENA and owners.setdefault(storage, number) != number:
                    owners[storage] = 0
    return owners


def _overlay(ranges: Mapping[Storage, LiveRange]) -> tuple[dict[Storage, int], int]:
    """Offsets of storages with these live ranges, and the bytes that all need together.

    Largest first, each at the lowest offset that is free during its live range (a greedy scheme;
    source: Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net Inference").
    """
    placed = _Placed()
    size = 0
    nbytes = {s: max(plain(s.nbytes), 1) for s in ranges}
    for storage in sorted(ranges, key=lambda s: (-nbytes[s], ranges[s].first)):
        here = ranges[storage]
        need = _aligned(nbytes[storage])
        offset = 0
        busy = sorted((o, o + nbytes[s]) for s, o, _ in placed.meeting(here))
        for start, stop in busy:
            if offset + need <= start:
                break
            offset = max(offset, -(-stop // ALIGNMENT) * ALIGNMENT)
        placed.add((storage, offset, here))
        size = max(size, offset + need)
    if has_symbols([s.nbytes for s in ranges]):
        return _kept_order(placed.all)
    return {s: o for s, o, _ in placed.all}, size


def _kept_order(
    placed: Sequence[_Place],
) -> tuple[dict[Storage, int], int]:
    """`placed` for symbolic sizes: what lies above what stays so, the distances vary."""
    offsets: dict[Storage, int] = {}
    ends: dict[Storage, int] = {}
    done = _Placed()
    for storage, offset, here in sorted(placed, key=lambda item: item[1]):
        below = [ends[s] for s, o, _ in done.meeting(here) if o < offset]
        offsets[storage] = maximum(below)
        ends[storage] = offsets[storage] + _aligned(storage.nbytes)
        done.add((storage, offset, here))
    return offsets, maximum(list(ends.values()))


def _aligned(nbytes: int) -> int:
    return -(-maximum([nbytes, 1]) // ALIGNMENT) * ALIGNMENT


def live_ranges(moments: Iterable[_Moment], space: Space = Space.ARENA) -> dict[Storage, LiveRange]:
    """The live range of every storage of `space` that is touched at these moments."""
    ranges: dict[Storage, LiveRange] = {}
    for first, last, step in moments:
        for storage, _ in step.bound:
            if storage.space is not space:
                continue
            known = ranges.setdefault(storage, LiveRange(first, last))
            known.first, known.last = min(known.first, first), max(known.last, last)
    return ranges


def own_moments(sequence: Sequence[Instruction]) -> Iterator[_Moment]:
    """Each step of a sequence, without those of its forks, with its position."""
    for at, instruction in enumerate(sequence):
        for step in steps_of(instruction):
            yield at, at, step


def all_moments(sequences: Sequence[Sequence[Instruction]], number: int = 0) -> Iterator[_Moment]:
    """Each step below a sequence with the first and last position at which it may run.

    What a fork's body touches is touched during the whole time from the fork to its join, since it
    runs at any moment between.
    """
    sequence = sequences[number]
    yield from own_moments(sequence)
    joins = {i.future: at for at, i in enumerate(sequence) if isinstance(i, Join)}
    for at, instruction in enumerate(sequence):
        if isinstance(instruction, Fork):
            end = joins.get(instruction.future, len(sequence))
            for _, _, step in all_moments(sequences, instruction.sequence):
                yield at, end, step
