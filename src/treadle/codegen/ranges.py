"""The inner loops of a stage: ranges, what reductions carry through them, and what runs inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from treadle.codegen.arguments import Arguments
from treadle.codegen.emit import Emitter
from treadle.codegen.expressions import Evaluator
from treadle.codegen.math32 import fma
from treadle.codegen.reductions import Reduction, State, expression_dtype
from treadle.codegen.values import Value
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
    Store,
)

_UNROLL_LIMIT = 9
_SUM_LENGTHS = (4096, 256, 16)
"""So many values of a column are summed apart, the smaller part first, before sums are added."""
Positions = Mapping[int, Value]
Results = dict[tuple[int, int], Value]
Body = Callable[[Positions, list[State]], list[State]]
"""What runs at each place of the ranges: the states with this element combined."""


class RangeCode:
    """What the ways to write a stage share.

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
        self.last: Value | None = None
        self.loaded: Sequence[Mapping[int, Value]] = ()

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
        waiting = list(stage.stores)
        while waiting:
            apart = evaluator.gap(waiting[0].access)
            if apart and _fills_gaps(waiting[:apart], apart, evaluator):
                evaluator.store_together(waiting[:apart])
                del waiting[:apart]
                continue
            store = waiting.pop(0)
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

    def _positions(self, range_: Range, whole: bool) -> range | None:
        """The positions of a range that is unrolled."""
        return clipped(range_) if whole and id(range_) in self.windows else literal(range_)

    def _ranges(
        self,
        ranges: Sequence[Range],
        axis: int,
        taps: Positions,
        states: list[State],
        body: Body,
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

            def part(bounds: tuple[Value, Value], states: list[State]) -> list[State]:
                return self._each(bounds, axis, taps, states, body)

            return self._sum_parts((start, stop), self.sums, states, part, _SUM_LENGTHS)

        def inside(there: Positions, states: list[State]) -> list[State]:
            return self._ranges(ranges[1:], axis + 1, there, states, body, place, whole)

        if len(ranges) == 1:
            return self._each((start, stop), axis, taps, states, body)
        return self._loop((start, stop), axis, taps, states, inside)

    def _loop(
        self,
        bounds: tuple[Value, Value],
        axis: int,
        taps: Positions,
        states: list[State],
        body: Body,
    ) -> list[State]:
        """The positions within bounds, one after the other."""
        with self.e.loop(*bounds, 1, [v for state in states for v in state]) as loop:
            after = body({**taps, axis: loop.index}, regroup(loop.carried, states))
            loop.following = tuple(v for state in after for v in state)
        return regroup(loop.results, states)

    def _each(
        self,
        bounds: tuple[Value, Value],
        axis: int,
        taps: Positions,
        states: list[State],
        body: Body,
    ) -> list[State]:
        """The positions of a stage's last range, of which some may be prepared together."""
        return self._loop(bounds, axis, taps, states, body)

    def _sum_parts(
        self,
        bounds: tuple[Value, Value],
        sums: Sequence[Reduction],
        states: list[State],
        body: Callable[[tuple[Value, Value], list[State]], list[State]],
        lengths: Sequence[int],
    ) -> list[State]:
        """A loop in parts, whose sums start from nothing: errors grow with the length of a sum.

        `body` combines what lies within bounds with the states of `sums`.
        """
        if not lengths:
            return body(bounds, states)
        e, (start, stop) = self.e, bounds
        with e.loop(start, stop, lengths[0], [v for s in states for v in s]) as loop:
            before = regroup(loop.carried, states)
            pairs = list(zip(sums, before, strict=True))
            fresh = [r.identity(s[0].lanes) if r.rounds else s for r, s in pairs]
            part = loop.index, e.minimum(e.add(loop.index, e.integer(lengths[0])), stop)
            ends = self._sum_parts(part, sums, fresh, body, lengths[1:])
            after = [
                r.combine(s, end) if r.rounds else end
                for (r, s), end in zip(pairs, ends, strict=True)
            ]
            loop.following = tuple(v for state in after for v in state)
        return regroup(loop.results, states)

    def _range_bounds(
        self, range_: Range, positions: Positions, results: Results
    ) -> tuple[Value, Value]:
        evaluator = self._evaluator(positions, results, floor=self.e.depth)
        return evaluator.value(range_.start), evaluator.value(range_.stop)


def _fills_gaps(stores: Sequence[Store], apart: int, evaluator: Evaluator) -> bool:
    """Whether stores, whose lanes are that far apart, fill the gaps between each other's lanes."""
    first = stores[0].access
    if not isinstance(first.offset, int) or evaluator.mask is not None:
        return False
    return [store.access for store in stores] == [
        replace(first, offset=first.offset + number) for number in range(apart)
    ]


def regroup(flat: Sequence[Value], like: Sequence[State]) -> list[State]:
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
