"""Offsets in the arena: storages whose live ranges do not meet share memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def plan_memory(sequences: Sequence[Sequence[Instruction]]) -> tuple[dict[Storage, int], int]:
    """Byte offsets of all arena storages, and the size of the arena.

    Largest first, each at the lowest offset that is free during its live range (a greedy scheme;
    source: Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net Inference").
    """
    ranges = live_ranges(sequences)
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


def live_ranges(sequences: Sequence[Sequence[Instruction]]) -> dict[Storage, LiveRange]:
    """The live range of every arena storage.

    Moments are positions in the main sequence. What a fork's body touches is touched during the
    whole time from the fork to its join, since it runs at any moment between.
    """
    ranges: dict[Storage, LiveRange] = {}
    for first, last, step in _moments(sequences, 0):
        for storage, _ in step.bound:
            if storage.space is not Space.ARENA:
                continue
            known = ranges.setdefault(storage, LiveRange(first, last))
            known.first, known.last = min(known.first, first), max(known.last, last)
    return ranges


def _moments(
    sequences: Sequence[Sequence[Instruction]], number: int
) -> Iterator[tuple[int, int, Step]]:
    """Each step below a sequence with the first and last position at which it may run."""
    sequence = sequences[number]
    joins = {i.future: at for at, i in enumerate(sequence) if isinstance(i, Join)}
    for at, instruction in enumerate(sequence):
        for step in steps_of(instruction):
            yield at, at, step
        if isinstance(instruction, Fork):
            end = joins.get(instruction.future, len(sequence))
            for _, _, step in _moments(sequences, instruction.sequence):
                yield at, end, step
