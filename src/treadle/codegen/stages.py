"""The stages of a loop nest at one point, or at some neighbouring points together.

A stage's ranges become loops, short literal ones are unrolled; its reductions are carried through
them. With `inner` vectorisation the last range is cut into strips: wide, one vector, masked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from treadle.codegen.emit import Emitter, Value
from treadle.codegen.expressions import Arguments, Evaluator
from treadle.codegen.math32 import fma
from treadle.codegen.memory import lane_mask
from treadle.codegen.reductions import Reduction, State, expression_dtype
from treadle.ir.dtypes import i64
from treadle.ir.loops import (
    Accumulator,
    Call,
    Const,
    Expr,
    Index,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Stage,
)
from treadle.ir.loops_walk import is_scan

_UNROLL_LIMIT = 9
_SUM_LENGTHS = (4096, 256, 16)
"""So many values of a column are summed apart, the smaller part first, before sums are added."""
Positions = Mapping[int, Value]
Results = dict[tuple[int, int], Value]


class StageWriter:
    """Writes the stages of a kernel.

    Attributes:
        lanes: lanes of one vector.
        wide: vectors that a strip of a reduction takes at once.
        masked: whether rests are done under a mask (else one by one).
        floor: depth of the scope that loads may be hoisted to.
        windows: ranges that are unrolled where they are not clipped.
    """

    def __init__(
        self,
        kernel: LoopNest,
        e: Emitter,
        arguments: Arguments,
        lanes: int,
        wide: int,
        masked: bool,
        floor: int,
        windows: Sequence[Range] = (),
    ) -> None:
        self.windows = frozenset(map(id, windows))
        self.kernel = kernel
        self.e = e
        self.arguments = arguments
        self.lanes = lanes
        self.wide = wide
        self.masked = masked
        self.floor = floor
        self.streaming = False
        self.number = 0
        self.scans = False
        self.sums: list[Reduction] = []
        self.loaded: Sequence[Mapping[int, Value]] = ()

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
            else:
                states = self._stage(stage, points, lanes, mask, results, whole)
            for known, ends in zip(results, states, strict=True):
                for r, (reduction, state) in enumerate(zip(reductions, ends, strict=True)):
                    known[number, r] = reduction.result(state)

    def _reductions(self, stage: Stage) -> list[Reduction]:
        return [Reduction(self.e, r, expression_dtype(r.value)) for r in stage.reduces]

    def _evaluator(
        self,
        positions: Positions,
        results: Results,
        lane_axis: int | None = None,
        lanes: int = 1,
        mask: Value | None = None,
        floor: int | None = None,
    ) -> Evaluator:
        def result(expr: Reduced | Accumulator) -> Value:
            assert isinstance(expr, Reduced)
            return results[expr.stage, expr.reduction]

        floor = self.floor if floor is None else floor
        return Evaluator(self.e, self.arguments, positions, lane_axis, lanes, mask, floor, result)

    def _know_running(self, stage: Stage, states: Sequence[State], known: Results) -> None:
        """Let stores of the stage read its reductions so far."""
        for r, (reduction, state) in enumerate(zip(self._reductions(stage), states, strict=True)):
            known[self.number, r] = reduction.result(state)

    def _run(
        self, stage: Stage, evaluator: Evaluator, states: list[State], known: Results
    ) -> list[State]:
        """The stage's body at one place: the states with this element combined."""
        combined: list[State] = []
        last = len(self.kernel.axes) + len(stage.ranges) - 1
        mask = evaluator.mask if evaluator.lane_axis == last else None
        for reduction, reduce, state in zip(
            self._reductions(stage), stage.reduces, states, strict=True
        ):
            after = self._combined(reduction, reduce, evaluator, state, last)
            combined.append(after if mask is None else reduction.masked(mask, after, state))
        if self.scans:
            self._know_running(stage, combined, known)
        self._store(stage, evaluator)
        return combined

    def _store(self, stage: Stage, evaluator: Evaluator) -> None:
        values = [evaluator.spread(store.value) for store in stage.stores]
        del values  # every load comes before the first store
        for store in stage.stores:
            streaming = self.streaming and store.streaming and evaluator.lanes > 1
            evaluator.store(store, streaming=streaming)

    def _combined(
        self, reduction: Reduction, reduce: Reduce, evaluator: Evaluator, state: State, last: int
    ) -> State:
        """A state with the element here; sums of products round once."""
        product = reduction.product(reduce.value)
        if product is not None:
            a, b = (evaluator.spread(x) for x in product)
            return (fma(self.e, a, b, state[0]),)
        value = evaluator.spread(reduce.value)
        position = evaluator.value(Index(last)) if reduction.positional else None
        return reduction.combine(state, reduction.element(value, position))

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
        lane_axis = first - 1 if lanes > 1 else None
        count = len(stage.reduces)
        # Neither an empty range nor an empty rest may load anything.
        looped = any(self._positions(r, whole) is None for r in stage.ranges)
        guarded = mask is not None or looped

        def body(taps: Positions, states: list[State]) -> list[State]:
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
            self.sums = [] if self.scans else [r for _ in points for r in self._reductions(stage)]
            states = self._ranges(stage.ranges, first, {}, states, body, place, whole)
            self.sums = []
        else:
            states = body({}, states)
        return [states[n * count : (n + 1) * count] for n in range(len(points))]

    def _positions(self, range_: Range, whole: bool) -> range | None:
        """The positions of a range that is unrolled."""
        return clipped(range_) if whole and id(range_) in self.windows else literal(range_)

    def _ranges(
        self,
        ranges: Sequence[Range],
        axis: int,
        taps: Positions,
        states: list[State],
        body: Callable[[Positions, list[State]], list[State]],
        place: tuple[Positions, Results],
        whole: bool = False,
    ) -> list[State]:
        """Loops over `ranges`, the first of which is axis number `axis`.

        `place`: where bounds are evaluated. `whole`: ranges are not clipped, and unrolled.
        """
        if not ranges:
            return body(taps, states)
        known = self._positions(ranges[0], whole)
        if known is not None:
            for i in known:
                there = {**taps, axis: self.e.integer(i)}
                states = self._ranges(ranges[1:], axis + 1, there, states, body, place, whole)
            return states
        start, stop = self._range_bounds(ranges[0], *place)
        if len(ranges) == 1 and clipped(ranges[0]) is None and any(r.rounds for r in self.sums):
            return self._sum_parts((start, stop), axis, taps, states, body, _SUM_LENGTHS)
        flat = [v for state in states for v in state]
        with self.e.loop(start, stop, 1, flat) as loop:
            inner = _regroup(loop.carried, states)
            there = {**taps, axis: loop.index}
            inner = self._ranges(ranges[1:], axis + 1, there, inner, body, place, whole)
            loop.following = tuple(v for state in inner for v in state)
        return _regroup(loop.results, states)

    def _sum_parts(
        self,
        bounds: tuple[Value, Value],
        axis: int,
        taps: Positions,
        states: list[State],
        body: Callable[[Positions, list[State]], list[State]],
        lengths: Sequence[int],
    ) -> list[State]:
        """A loop in parts, whose sums start from nothing: errors grow with the length of a sum."""
        e, (start, stop) = self.e, bounds
        length = lengths[0] if lengths else 1
        with e.loop(start, stop, length, [v for s in states for v in s]) as loop:
            before = _regroup(loop.carried, states)
            if not lengths:
                after = body({**taps, axis: loop.index}, before)
            else:
                pairs = list(zip(self.sums, before, strict=True))
                fresh = [r.identity(s[0].lanes) if r.rounds else s for r, s in pairs]
                part = loop.index, e.minimum(e.add(loop.index, e.integer(length)), stop)
                ends = self._sum_parts(part, axis, taps, fresh, body, lengths[1:])
                after = [
                    r.combine(s, end) if r.rounds else end
                    for (r, s), end in zip(pairs, ends, strict=True)
                ]
            loop.following = tuple(v for state in after for v in state)
        return _regroup(loop.results, states)

    def _range_bounds(
        self, range_: Range, positions: Positions, results: Results
    ) -> tuple[Value, Value]:
        evaluator = self._evaluator(positions, results, floor=self.e.depth)
        return evaluator.value(range_.start), evaluator.value(range_.stop)

    def _inner_stage(self, stage: Stage, positions: Positions, known: Results) -> list[State]:
        """A stage whose lanes are on its last range: partial states per width, then folded."""
        reductions = self._reductions(stage)
        widths = [self.lanes * self.wide, self.lanes] if stage.reduces else [self.lanes]
        keys = [*widths] if self.masked and self.lanes > 1 else [*widths, 1]
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
                carried = _regroup(loop.carried, states)
                ends = self._scanned(stage, places, known, lanes, carried)
                loop.following = tuple(v for state in ends for v in state)
            states = _regroup(loop.results, states)
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

        def strip(first: Value, last: Value, width: int) -> None:
            chosen = [states[i] for i in of(width)] if count else []
            with e.loop(first, last, width, [v for s in chosen for v in s]) as loop:
                after = run(loop.index, width, None, _regroup(loop.carried, chosen))
                loop.following = tuple(v for s in after for v in s)
            for i, state in zip(
                of(width) if count else [], _regroup(loop.results, chosen), strict=True
            ):
                states[i] = state

        for width in widths:
            if width == 1:
                continue
            middle = e.add(start, e.binary("and", e.sub(stop, start), e.integer(-width)))
            strip(start, middle, width)
            start = middle
        if 1 in keys:
            strip(start, stop, 1)
        else:
            self._masked_strip(start, stop, run, states, of(widths[-1]) if count else [])
        return states

    def _masked_strip(
        self,
        start: Value,
        stop: Value,
        run: Callable[[Value, int, Value | None, list[State]], list[State]],
        states: list[State],
        where: list[int],
    ) -> None:
        """At most one strip under a mask: a loop, so that its states have a way out."""
        e = self.e
        chosen = [states[i] for i in where]
        with e.loop(start, stop, self.lanes, [v for s in chosen for v in s]) as loop:
            mask = lane_mask(e, e.sub(stop, loop.index), self.lanes)
            after = run(loop.index, self.lanes, mask, _regroup(loop.carried, chosen))
            loop.following = tuple(v for s in after for v in s)
        for i, state in zip(where, _regroup(loop.results, chosen), strict=True):
            states[i] = state


def _regroup(flat: Sequence[Value], like: Sequence[State]) -> list[State]:
    """`flat` cut into tuples as long as those of `like`."""
    values = iter(flat)
    return [tuple(next(values) for _ in state) for state in like]


def literal(range_: Range) -> range | None:
    """The positions of a short range with literal bounds, to be unrolled."""
    if isinstance(range_.start, Const) and isinstance(range_.stop, Const):
        known = range(int(range_.start.value), int(range_.stop.value))
        if 0 < len(known) <= _UNROLL_LIMIT:
            return known
    return None


def clipped(range_: Range) -> range | None:
    """The positions of a short range ``max(least, ..)`` to ``min(.., most)`` where not clipped."""
    known = literal(range_)
    if known is not None:
        return known
    least, most = _limit(range_.start, "max"), _limit(range_.stop, "min")
    if least is None or most is None or not 0 < most - least <= _UNROLL_LIMIT:
        return None
    return range(least, most)


def _limit(bound: Expr, function: str) -> int | None:
    """The literal among the operands of `function`."""
    if isinstance(bound, Const):
        return int(bound.value)
    if isinstance(bound, Call) and bound.function == function:
        for arg in bound.args:
            if isinstance(arg, Const):
                return int(arg.value)
    return None
