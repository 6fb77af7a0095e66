"""Stages whose lanes are rows, reduced in the order in which the lanes of one row would be.

So the bits of a sum do not depend on which axis lies side by side in memory. What are the lanes of
partial sums within a row is an array of states here, on the stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from treadle.codegen import memory
from treadle.codegen.casts import memory_type
from treadle.codegen.emit import Loop
from treadle.codegen.ranges import Positions, Results
from treadle.codegen.reductions import Reduction, State
from treadle.codegen.strips import STRIPS_SUMMED, StripCode, exceeds
from treadle.codegen.values import PTR, Value
from treadle.ir.loops import Stage

_TOGETHER = 4
"""Strips that are taken at once (28 x 28 pixels of 240 channels: 153 us one by one, 120)."""


class _Room:
    """An array of `count` states of one reduction, at first those of no elements."""

    def __init__(self, reduction: Reduction, count: int, lanes: int) -> None:
        self.reduction, self._lanes = reduction, lanes
        self._kinds = reduction.identity(lanes)
        self._count = count
        self._arrays = [self._array(kind, count) for kind in self._kinds]
        with self._each() as loop:
            self.store(loop.index, self._kinds)

    def _array(self, kind: Value, count: int) -> Value:
        e = self.reduction.e
        name = f"%across{e.fresh()}"
        room = f"[{count * self._lanes} x {memory_type(kind.dtype)}]"
        e.scopes[0].items.append(f"{name} = alloca {room}, align 64")
        return Value(name, PTR, 1, 0)

    def like(self) -> _Room:
        """Another room of its kind."""
        return _Room(self.reduction, self._count, self._lanes)

    def take(self, other: _Room) -> None:
        """Combine the states with those of another room, which has none then."""
        with self._each() as loop:
            pair = (room.load(loop.index) for room in (self, other))
            self.store(loop.index, self.reduction.combine(*pair))
            other.store(loop.index, self._kinds)

    def _each(self) -> AbstractContextManager[Loop]:
        e = self.reduction.e
        return e.loop(e.integer(0), e.integer(self._count))

    def load(self, position: Value) -> State:
        """The state at a position."""
        return tuple(
            memory.load(self.reduction.e, self._at(array, kind, position), kind.dtype, self._lanes)
            for array, kind in zip(self._arrays, self._kinds, strict=True)
        )

    def store(self, position: Value, state: State) -> None:
        """Change the state at a position."""
        for array, kind, value in zip(self._arrays, self._kinds, state, strict=True):
            memory.store(self.reduction.e, value, self._at(array, kind, position), kind.dtype)

    def _at(self, array: Value, kind: Value, position: Value) -> Value:
        e = self.reduction.e
        return memory.pointer(e, array, e.mul(position, e.integer(self._lanes)), kind.dtype)

    def fold(self, count: int, rest: int) -> None:
        """Combine halves of the first `count` states with each other until `rest` are left."""
        e = self.reduction.e
        while count > rest:
            count //= 2
            with e.loop(e.integer(0), e.integer(count)) as loop:
                other = self.load(e.add(loop.index, e.integer(count)))
                self.store(loop.index, self.reduction.combine(self.load(loop.index), other))


class _Parts:
    """Strips in parts, whose sums start from nothing, as `StripCode` has them.

    The room of a sum has what the last part comes to. What the parts before came to waits in
    further rooms, which are used only if there is more than one part.
    """

    def __init__(self, sums: Sequence[_Room], bounds: tuple[Value, Value], width: int) -> None:
        self._bounds = bounds
        self._levels: list[Sequence[_Room]] = [sums]
        self._lengths = [strips * width for strips in reversed(STRIPS_SUMMED)] if sums else []
        if sums:
            self._e = sums[0].reduction.e
            self._several = exceeds(self._e, bounds, self._lengths[0])
            with self._e.branch(self._several):
                self._levels += [[room.like() for room in sums] for _ in self._lengths]

    @contextmanager
    def each(self, again: bool) -> Iterator[tuple[Value, Value]]:
        """The bounds of each part; `again`: these are not the first strips that are summed."""
        if not self._lengths:
            yield self._bounds
            return
        e, (start, stop), (short, long) = self._e, self._bounds, self._lengths
        if again:
            self._sum_up()
        with e.loop(start, stop, short) as loop:
            with e.branch(e.compare("icmp ne", loop.index, start)):
                self._pass_on(0)
                within = e.binary("and", e.sub(loop.index, start), e.integer(long - 1))
                with e.branch(e.compare("icmp eq", within, e.integer(0))):
                    self._pass_on(1)
            yield loop.index, e.minimum(e.add(loop.index, e.integer(short)), stop)

    def end(self) -> None:
        """Leave in the rooms what all parts come to."""
        if self._lengths:
            self._sum_up(back=True)

    def _sum_up(self, back: bool = False) -> None:
        with self._e.branch(self._several):
            for level in range(len(self._lengths)):
                self._pass_on(level)
            if back:
                self._pass_on(-1)

    def _pass_on(self, level: int) -> None:
        """Add what a level has to the next one."""
        for room, above in zip(self._levels[level], self._levels[level + 1], strict=True):
            above.take(room)


class AcrossCode(StripCode):
    """Cuts a range as `_inner_stage` does, and walks the positions of a strip one by one."""

    def _across_stage(
        self, stage: Stage, positions: Positions, lanes: int, mask: Value | None, known: Results
    ) -> list[State]:
        """A stage of which each lane is a row of its own."""
        e = self.e
        reductions, (widths, keys) = self._reductions(stage), self._widths(stage)
        widest, width = widths
        start, stop = self._range_bounds(stage.ranges[-1], positions, known)
        middle = e.add(start, e.binary("and", e.sub(stop, start), e.integer(-widest)))
        end = stop
        if 1 in keys:
            end = e.add(middle, e.binary("and", e.sub(stop, middle), e.integer(-width)))

        def met(bounds: tuple[Value, Value], width: int) -> list[_Room]:
            """What strips of a width come to."""
            rooms = [_Room(r, width, lanes) for r in reductions]
            sums = [r for r in rooms if r.reduction.rounds] if width == widest else []
            parts = _Parts(sums, bounds, width)
            self._meet(stage, positions, known, (lanes, mask), rooms, bounds, width, parts)
            parts.end()
            return rooms

        rooms = met((middle, end), width)
        with e.branch(e.compare("icmp slt", start, middle)):
            wide = met((start, middle), widest)
            for room, other in zip(rooms, wide, strict=True):
                other.fold(widest, width)
                with e.loop(e.integer(0), e.integer(width)) as loop:
                    pair = (r.load(loop.index) for r in (other, room))
                    room.store(loop.index, room.reduction.combine(*pair))
        for room in rooms:
            room.fold(width, 1)
        states = [room.load(e.integer(0)) for room in rooms]
        if 1 not in keys:
            return states
        rests = (room.load(e.integer(0)) for room in met((end, stop), 1))
        return [r.combine(a, b) for r, a, b in zip(reductions, states, rests, strict=True)]

    def _meet(
        self,
        stage: Stage,
        positions: Positions,
        known: Results,
        vector: tuple[int, Value | None],
        rooms: Sequence[_Room],
        bounds: tuple[Value, Value],
        width: int,
        parts: _Parts,
    ) -> None:
        """Combine the elements at each position of strips with the state of that position."""
        e, (lanes, mask), first = self.e, vector, len(self.kernel.axes)
        axis = first + len(stage.ranges) - 1

        def strips(taps: Positions, start: Value, stop: Value, count: int) -> None:
            """Strips, `count` of them at once: a state is loaded and stored once for all."""
            with e.loop(start, stop, count * width) as strip:
                end = e.minimum(e.add(strip.index, e.integer(width)), stop)
                with e.loop(strip.index, end) as at:
                    place = e.sub(at.index, strip.index)
                    states = [room.load(place) for room in rooms]
                    for number in range(count):
                        there = e.add(at.index, e.integer(number * width))
                        places = {**positions, **taps, axis: there}
                        lane_axis = first - 1 if lanes > 1 else None
                        evaluator = self._evaluator(places, known, lane_axis, lanes, mask, e.depth)
                        states = self._run(stage, evaluator, states, known)
                    for room, state in zip(rooms, states, strict=True):
                        room.store(place, state)

        def body(taps: Positions, states: list[State]) -> list[State]:
            with parts.each(len(stage.ranges) > 1) as (start, stop):
                whole = e.binary("and", e.sub(stop, start), e.integer(-_TOGETHER * width))
                middle = e.add(start, whole)
                strips(taps, start, middle, _TOGETHER)
                strips(taps, middle, stop, 1)
            return states

        self._ranges(stage.ranges[:-1], first, {}, [], body, (positions, known))
