"""The stages of a loop nest at one point, or at some neighbouring points together.

A stage's ranges become loops, short literal ones are unrolled; its reductions are carried through
them. With `inner` vectorisation the last range is cut into strips: wide, one vector, masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from treadle.codegen.across import AcrossCode
from treadle.codegen.expressions import Evaluator
from treadle.codegen.memory import pointer, prefetch
from treadle.codegen.ranges import Positions, Results
from treadle.codegen.reductions import State
from treadle.codegen.values import Value
from treadle.ir.loops import Access, Call, Expr, Load, Stage
from treadle.ir.loops_walk import is_scan

_AHEAD = 16
"""Rows whose place is read from memory are asked for so many rows before they are needed, those of
the next point too (2048 bags of 32 rows: 385 us with the rows of one alone, 315)."""
_LINE = 64


class StageWriter(AcrossCode):
    """Writes the stages of a kernel."""

    def run(
        self,
        points: Sequence[Positions],
        lanes: int,
        mask: Value | None,
        *,
        whole: bool = False,
        streaming: bool = False,
        loaded: Sequence[Mapping[int, Value]] = (),
    ) -> None:
        """All stages at `points`, in `lanes` lanes of the last outer axis.

        `whole` says that no window is clipped here, `streaming` that the store is aligned; `loaded`
        has for each point the values of loads (by their id) that are there already.
        """
        self.streaming, self.loaded = streaming, loaded
        results: list[Results] = [{} for _ in points]
        for number, stage in enumerate(self.kernel.stages):
            self.number, self.scans = number, is_scan(stage, number)
            reductions = self._reductions(stage)
            if self.kernel.vectorize == "inner" and self.scans:
                states = [self._scan(stage, points[0], results[0])]
            elif self.kernel.vectorize == "inner" and stage.ranges:
                states = [self._inner_stage(stage, points[0], results[0])]
            elif stage.across and stage.reduces:
                states = [self._across_stage(stage, points[0], lanes, mask, results[0])]
            else:
                states = self._stage(stage, points, lanes, mask, results, whole)
            for known, ends in zip(results, states, strict=True):
                for r, (reduction, state) in enumerate(zip(reductions, ends, strict=True)):
                    known[number, r] = reduction.result(state)

    def _stage(
        self,
        stage: Stage,
        points: Sequence[Positions],
        lanes: int,
        mask: Value | None,
        results: Sequence[Results],
        whole: bool,
    ) -> list[list[State]]:
        """A stage whose lanes, if any, are on the last outer axis; its states per point."""
        first = len(self.kernel.axes)
        if lanes == self.lanes > 1 and mask is None and self._turns(stage):
            self._turn(stage, points[0], results[0])
            return [[]]
        lane_axis = first - 1 if lanes > 1 else None
        count = len(stage.reduces)
        # Neither an empty range, an empty rest nor a window that is not whole may load anything.
        looped = any(self._positions(r, whole) is None for r in stage.ranges)
        guarded = mask is not None or looped or whole

        gathered = _gathered(stage, first) if looped and lanes > 1 else []

        def body(taps: Positions, states: list[State]) -> list[State]:
            for access in gathered:
                self._prefetch(access, {**points[0], **taps}, first, lanes)
            floor = self.e.depth if guarded else None
            after: list[State] = []
            for n, (point, known) in enumerate(zip(points, results, strict=True)):
                places = {**point, **taps}
                evaluator = self._evaluator(places, known, lane_axis, lanes, mask, floor)
                if self.loaded:
                    evaluator.know(self.loaded[n])
                mine = states[n * count : (n + 1) * count]
                after += self._run(stage, evaluator, mine, known)
            return after

        states = [r.identity(lanes) for _ in points for r in self._reductions(stage)]
        if stage.ranges:
            place = (points[0], results[0])
            if gathered:
                self.last = self._last_of_all(stage, points[0], results[0])
            self.sums = [] if self.scans else [r for _ in points for r in self._reductions(stage)]
            if lanes == self.lanes > 1 and len(points) == 1:
                self.square = self._square_of(stage, points[0], results[0], mask)
            states = self._ranges(stage.ranges, first, {}, states, body, place, whole)
            self.sums, self.square = [], None
        else:
            states = body({}, states)
        return [states[n * count : (n + 1) * count] for n in range(len(points))]

    def _last_of_all(self, stage: Stage, point: Positions, known: Results) -> Value:
        """The last position of a stage's only range at the last point of all."""
        e, axes = self.e, self.kernel.axes
        ends = {
            k: e.sub(self.arguments.dim(axis.extent), e.integer(1))
            for k, axis in enumerate(axes[:-1])
        }
        stop = self._range_bounds(stage.ranges[0], {**point, **ends}, known)[1]
        return e.sub(stop, e.integer(1))

    def _prefetch(self, access: Access, positions: Positions, axis: int, lanes: int) -> None:
        """Ask for what will be read some positions later on the stage's only range."""
        e, here = self.e, positions[axis]
        assert self.last is not None
        later = e.maximum(here, e.minimum(e.add(here, e.integer(_AHEAD)), self.last))
        evaluator = Evaluator(
            e, self.arguments, {**positions, axis: later}, floor=e.depth, checks=False
        )
        address = evaluator.address(access)
        dtype = self.kernel.buffers[access.buffer].dtype
        for lane in range(0, lanes, max(1, _LINE // dtype.itemsize)):
            prefetch(e, pointer(e, address, e.integer(lane), dtype))

    def _turns(self, stage: Stage) -> bool:
        """Whether a stage only copies, between local memory and elements side by side in a row."""
        if len(stage.ranges) != 1 or stage.reduces or len(stage.stores) != 1:
            return False
        store, axis = stage.stores[0], len(self.kernel.axes)
        if not isinstance(store.value, Load):
            return False
        accesses = (store.access, store.value.access)
        outside = [a for a in accesses if self.kernel.buffers[a.buffer].local == 0]
        if len(outside) != 1 or outside[0].indirect:
            return False
        terms = dict(outside[0].terms)
        return terms.get(axis) == 1 and terms.get(axis - 1, 1) != 1

    def _turn(self, stage: Stage, point: Positions, known: Results) -> None:
        """Squares of such a copy: vectors along rows become vectors across them, or the reverse."""
        e, (store,), lanes, axis = self.e, stage.stores, self.lanes, len(self.kernel.axes)
        load = store.value
        start, stop = self._range_bounds(stage.ranges[0], point, known)
        whole = e.binary("and", e.sub(stop, start), e.integer(-lanes))
        middle = e.add(start, whole)
        reads = self.kernel.buffers[store.access.buffer].local != 0

        def along(first: Value, row: int) -> Evaluator:
            places = {**point, axis - 1: e.add(point[axis - 1], e.integer(row)), axis: first}
            return self._evaluator(places, known, axis, lanes, None, e.depth)

        def across(first: Value, position: int) -> Evaluator:
            places = {**point, axis: e.add(first, e.integer(position))}
            return self._evaluator(places, known, axis - 1, lanes, None, e.depth)

        with e.loop(start, middle, lanes) as loop:
            source, goal = (along, across) if reads else (across, along)
            vectors = [source(loop.index, i).value(load) for i in range(lanes)]
            for i, vector in enumerate(e.transpose(vectors)):
                evaluator = goal(loop.index, i)
                evaluator.know({id(load): vector})
                evaluator.store(store)
        with e.loop(middle, stop) as loop:
            across(loop.index, 0).store(store)


def _gathered(stage: Stage, axis: int) -> list[Access]:
    """What a stage with one range, `axis`, reduces from rows whose places it reads on the way."""
    values = [r.value for r in stage.reduces] if len(stage.ranges) == 1 else []
    found: list[Access] = []
    while values:
        expr = values.pop()
        if isinstance(expr, Call):
            values += expr.args
        elif isinstance(expr, Load) and (axis - 1, 1) in expr.access.terms:
            found += [expr.access] * any(_is_read(i, axis) for i, _ in expr.access.indirect)
    return found


def _is_read(index: Expr, axis: int) -> bool:
    """Whether an index comes from memory that is walked along `axis`."""
    if isinstance(index, Call):
        return any(_is_read(arg, axis) for arg in index.args)
    return isinstance(index, Load) and axis in dict(index.access.terms)
