"""Stages whose lanes are neighbours on their last range: strips of rows, and scans of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from treadle.codegen.emit import Emitter
from treadle.codegen.memory import lane_mask
from treadle.codegen.ranges import Positions, Results, regroup
from treadle.codegen.reductions import State
from treadle.codegen.turned import TurnedCode
from treadle.codegen.values import Value
from treadle.ir.dtypes import i64
from treadle.ir.loops import (
    Index,
    Stage,
)

STRIPS_SUMMED = (256, 16)
"""So many wide strips of a longer row are summed apart, the smaller part first."""


class StripCode(TurnedCode):
    """A range is cut into strips: wide, one vector, masked or one by one."""

    def _inner_stage(self, stage: Stage, positions: Positions, known: Results) -> list[State]:
        """A stage whose lanes are on its last range: partial states per width, then folded."""
        reductions, (widths, keys) = self._reductions(stage), self._widths(stage)
        partial = [r.identity(width) for r in reductions for width in keys]
        axis = len(self.kernel.axes) + len(stage.ranges) - 1

        def body(taps: Positions, states: list[State]) -> list[State]:
            bounds = self._range_bounds(stage.ranges[-1], positions, known)
            places = {**positions, **taps}
            if self._streams(stage, axis):
                self._streamed_strips(stage, axis, places, known, bounds)
                return states
            return self._strip_states(stage, axis, places, known, bounds, widths, keys, states)

        outer = stage.ranges[:-1]
        place = (positions, known)
        partial = self._ranges(outer, len(self.kernel.axes), {}, partial, body, place)
        results = []
        for i, reduction in enumerate(reductions):
            parts = partial[i * len(keys) : (i + 1) * len(keys)]
            total = parts[0]
            for width, part in zip(keys[1:], parts[1:], strict=True):
                total = reduction.combine(reduction.fold(total, width), part)
            results.append(reduction.fold(total, 1))
        return results

    def _widths(self, stage: Stage) -> tuple[list[int], list[int]]:
        """Elements of the strips of a stage, and those of which there are partial states.

        What depends on them has as many as a vector holds of it, whatever else is computed.
        """
        sums = [r.dtype.itemsize for r in self._reductions(stage) if r.ordered]
        lanes = self.e.target.vector_bytes // max(sums) if sums else self.lanes
        widths = [lanes * self.wide, lanes] if stage.reduces else [lanes]
        return widths, widths if self.masked and lanes > 1 else [*widths, 1]

    def _streams(self, stage: Stage, axis: int) -> bool:
        """Whether all a stage does is one store, of whole vectors, that may bypass the caches."""
        if stage.reduces or len(stage.stores) != 1 or not stage.stores[0].streaming:
            return False
        access = stage.stores[0].access
        nbytes = self.lanes * self.kernel.buffers[access.buffer].dtype.itemsize
        return dict(access.terms).get(axis) == 1 and nbytes >= self.e.target.vector_bytes

    def _streamed_strips(
        self,
        stage: Stage,
        axis: int,
        positions: Positions,
        known: Results,
        bounds: tuple[Value, Value],
    ) -> None:
        """Strips that bypass the caches if the first of the row is aligned, else others."""
        e = self.e
        first = self._evaluator({**positions, axis: bounds[0]}, known, floor=e.depth)
        address = e.convert("ptrtoint", first.address(stage.stores[0].access), i64)
        over = e.binary("and", address, e.integer(e.target.vector_bytes - 1))
        aligned = e.compare("icmp eq", over, e.integer(0))
        keys = [self.lanes] if self.masked and self.lanes > 1 else [self.lanes, 1]
        for self.streaming in (True, False):
            other = e.binary("xor", aligned, e.constant_true())
            with e.branch(aligned if self.streaming else other):
                self._strip_states(stage, axis, positions, known, bounds, [self.lanes], keys, [])

    def _scan(self, stage: Stage, positions: Positions, known: Results) -> list[State]:
        """A scan whose lanes are on its range: within a vector, then with what came before."""
        e, reductions = self.e, self._reductions(stage)
        start, stop = self._range_bounds(stage.ranges[0], positions, known)
        whole = e.binary("and", e.sub(stop, start), e.integer(-self.lanes))
        middle = e.add(start, whole)
        states = [r.identity(self.lanes) for r in reductions]
        for first, last, lanes in ((start, middle, self.lanes), (middle, stop, 1)):
            states = [r.first(s, lanes) for r, s in zip(reductions, states, strict=True)]
            with e.loop(first, last, lanes, [v for s in states for v in s]) as loop:
                places = {**positions, len(self.kernel.axes): loop.index}
                carried = regroup(loop.carried, states)
                ends = self._scanned(stage, places, known, lanes, carried)
                loop.following = tuple(v for state in ends for v in state)
            states = regroup(loop.results, states)
        return states

    def _scanned(
        self, stage: Stage, places: Positions, known: Results, lanes: int, before: list[State]
    ) -> list[State]:
        """One strip of a scan: the states after it, in all lanes."""
        axis = len(self.kernel.axes)
        evaluator = self._evaluator(places, known, axis, lanes, None, self.e.depth)
        running: list[State] = []
        for reduction, reduce, state in zip(
            self._reductions(stage), stage.reduces, before, strict=True
        ):
            position = evaluator.value(Index(axis)) if reduction.positional else None
            element = reduction.element(evaluator.spread(reduce.value), position)
            running.append(reduction.running(state, element))
        self._know_running(stage, running, known)
        self._store(stage, evaluator)
        return [r.last(s) for r, s in zip(self._reductions(stage), running, strict=True)]

    def _strip_states(
        self,
        stage: Stage,
        axis: int,
        positions: Positions,
        known: Results,
        bounds: tuple[Value, Value],
        widths: Sequence[int],
        keys: Sequence[int],
        states: list[State],
    ) -> list[State]:
        """Strips of each width over the bounds of the lane axis, each with its states."""
        e = self.e
        start, stop = bounds
        states = list(states)
        count = len(stage.reduces)

        def of(width: int) -> list[int]:
            return [i * len(keys) + keys.index(width) for i in range(count)]

        def run(
            position: Value, lanes: int, mask: Value | None, chosen: list[State]
        ) -> list[State]:
            places = {**positions, axis: position}
            evaluator = self._evaluator(places, known, axis, lanes, mask, e.depth)
            return self._run(stage, evaluator, chosen, known)

        def strip(bounds: tuple[Value, Value], width: int) -> None:
            def part(bounds: tuple[Value, Value], before: list[State]) -> list[State]:
                with e.loop(*bounds, width, [v for s in before for v in s]) as loop:
                    after = run(loop.index, width, None, regroup(loop.carried, before))
                    loop.following = tuple(v for s in after for v in s)
                return regroup(loop.results, before)

            chosen = [states[i] for i in of(width)] if count else []
            sums = self._reductions(stage)
            if width > widths[-1] and any(r.rounds for r in sums):
                lengths = [width * strips for strips in STRIPS_SUMMED]
                start, stop = bounds
                edge = e.select(exceeds(e, bounds, lengths[-1]), start, stop)
                after = part((start, edge), chosen)
                after = self._sum_parts((edge, stop), sums, after, part, lengths)
            else:
                after = part(bounds, chosen)
            for i, state in zip(of(width) if count else [], after, strict=True):
                states[i] = state

        for width in widths:
            if width == 1:
                continue
            middle = e.add(start, e.binary("and", e.sub(stop, start), e.integer(-width)))
            strip((start, middle), width)
            start = middle
        if 1 in keys:
            strip((start, stop), 1)
        else:
            where = of(widths[-1]) if count else []
            self._masked_strip((start, stop), widths[-1], run, states, where)
        return states

    def _masked_strip(
        self,
        bounds: tuple[Value, Value],
        lanes: int,
        run: Callable[[Value, int, Value | None, list[State]], list[State]],
        states: list[State],
        where: list[int],
    ) -> None:
        """At most one strip under a mask: a loop, so that its states have a way out."""
        e = self.e
        chosen = [states[i] for i in where]
        with e.loop(*bounds, lanes, [v for s in chosen for v in s]) as loop:
            mask = lane_mask(e, e.sub(bounds[1], loop.index), lanes)
            after = run(loop.index, lanes, mask, regroup(loop.carried, chosen))
            loop.following = tuple(v for s in after for v in s)
        for i, state in zip(where, regroup(loop.results, chosen), strict=True):
            states[i] = state


def exceeds(e: Emitter, bounds: tuple[Value, Value], length: int) -> Value:
    """Whether more than `length` positions are within bounds."""
    return e.compare("icmp slt", e.integer(length), e.sub(*reversed(bounds)))
