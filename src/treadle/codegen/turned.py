"""Stages whose lanes are rows, while the neighbours in memory are elements of one row.

Squares of lanes are loaded along rows and transposed in registers: so rows are read as they lie,
and the elements of each are combined one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from treadle.codegen import memory
from treadle.codegen.casts import memory_type
from treadle.codegen.ranges import Body, Positions, RangeCode, Results, clipped, regroup
from treadle.codegen.reductions import State
from treadle.codegen.values import PTR, Value
from treadle.ir.dtypes import bool_
from treadle.ir.loops import Load, LoopNest, Stage
from treadle.ir.loops_walk import parts

Columns = Sequence[tuple[Load, Sequence[Value]]]


@dataclass(frozen=True, slots=True)
class Square:
    """What is loaded by squares, at which point; the last row there is, if not all rows are."""

    loads: Sequence[Load]
    point: Positions
    known: Results
    last: Value | None


class TurnedCode(RangeCode):
    """Walks the last range of a stage, by squares of lanes if there is a `square`.

    `end`: one past the last position of the axis of the lanes.
    """

    square: Square | None = None
    end: Value | None = None

    def _square_of(
        self, stage: Stage, point: Positions, known: Results, mask: Value | None
    ) -> Square | None:
        """How a stage with lanes on the last outer axis loads what lies along its last range."""
        loads = turned_loads(self.kernel, stage)
        if not loads:
            return None
        assert self.end is not None
        last = None if mask is None else self.e.sub(self.end, self.e.integer(1))
        return Square(loads, point, known, last)

    def _each(
        self,
        bounds: tuple[Value, Value],
        axis: int,
        taps: Positions,
        states: list[State],
        body: Body,
    ) -> list[State]:
        if self.square is None:
            return self._loop(bounds, axis, taps, states, body)
        e, (start, stop), square = self.e, bounds, self.square
        middle = e.add(start, e.binary("and", e.sub(stop, start), e.integer(-self.lanes)))
        for first, last in ((start, middle), (middle, stop)):
            with e.loop(first, last, self.lanes, [v for s in states for v in s]) as loop:
                before, there = regroup(loop.carried, states), {**taps, axis: loop.index}
                if last is middle:
                    after = self._whole_square(square, axis, there, before, body)
                else:
                    after = self._part_of_square(square, axis, there, stop, before, body)
                loop.following = tuple(v for state in after for v in state)
            states = regroup(loop.results, states)
        return states

    def _whole_square(
        self, square: Square, axis: int, taps: Positions, states: list[State], body: Body
    ) -> list[State]:
        """All positions of a square, unrolled."""
        columns = self._columns(square, axis, taps, None)
        for i in range(self.lanes):
            self.loaded = [{id(load): vectors[i] for load, vectors in columns}]
            states = body({**taps, axis: self.e.add(taps[axis], self.e.integer(i))}, states)
        self.loaded = ()
        return states

    def _part_of_square(
        self, square: Square, axis: int, taps: Positions, stop: Value,
        states: list[State], body: Body,
    ) -> list[State]:  # fmt: skip
        """The positions of a square before `stop`, one by one: its vectors wait in memory."""
        e, lanes, start = self.e, self.lanes, taps[axis]
        mask = memory.lane_mask(e, e.sub(stop, start), lanes)
        rooms: list[tuple[Load, Value, Value]] = []
        for load, vectors in self._columns(square, axis, taps, mask):
            name = f"%square{e.fresh()}"
            kind = f"[{lanes * lanes} x {memory_type(vectors[0].dtype)}]"
            e.scopes[0].items.append(f"{name} = alloca {kind}, align 64")
            rooms.append((load, Value(name, PTR, 1, 0), vectors[0]))
            for i, vector in enumerate(vectors):
                memory.store(e, vector, self._cell(rooms[-1], e.integer(i)), vector.dtype)

        def inside(there: Positions, states: list[State]) -> list[State]:
            position = e.sub(there[axis], start)
            known: Mapping[int, Value] = {
                id(room[0]): memory.load(e, self._cell(room, position), room[2].dtype, lanes)
                for room in rooms
            }
            self.loaded = [known]
            return body(there, states)

        after = self._loop((start, stop), axis, taps, states, inside)
        self.loaded = ()
        return after

    def _cell(self, room: tuple[Load, Value, Value], position: Value) -> Value:
        _, address, like = room
        at = self.e.mul(position, self.e.integer(self.lanes))
        return memory.pointer(self.e, address, at, like.dtype)

    def _columns(self, square: Square, axis: int, taps: Positions, mask: Value | None) -> Columns:
        """The vectors of each load at the positions of a square; those outside `mask` are 0."""
        e, rows = self.e, len(self.kernel.axes) - 1
        vectors: list[list[Value]] = [[] for _ in square.loads]
        for i in range(self.lanes):
            row = e.add(square.point[rows], e.integer(i))
            row = row if square.last is None else e.minimum(row, square.last)
            places = {**square.point, **taps, rows: row}
            along = self._evaluator(places, square.known, axis, self.lanes, mask, e.depth)
            for column, load in zip(vectors, square.loads, strict=True):
                column.append(along.value(load))
        return [
            (load, e.transpose(column)) for load, column in zip(square.loads, vectors, strict=True)
        ]


def turned_loads(kernel: LoopNest, stage: Stage) -> list[Load]:
    """What a stage reduces that lies along its last range; lanes are on the last outer axis."""
    if kernel.vectorize != "outer" or stage.across or not (stage.ranges and stage.reduces):
        return []
    if clipped(stage.ranges[-1]) is not None:
        return []
    lanes, axis = len(kernel.axes) - 1, len(kernel.axes) + len(stage.ranges) - 1
    found: list[Load] = []
    for expr in parts(stage):
        if isinstance(expr, Load) and not expr.access.indirect and expr.dtype is not bool_:
            terms = dict(expr.access.terms)
            if terms.get(axis) == 1 and terms.get(lanes, 0) not in (-1, 0, 1):
                found.append(expr)
    return found
