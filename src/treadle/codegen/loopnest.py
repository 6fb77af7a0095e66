"""`LoopNest` kernels to LLVM IR.

The outer axes become loops over the positions of a task; a point (or a vector of points) runs the
stages. `outer` vectorisation spreads points over lanes, in wide, single-vector and masked (or
scalar) versions; `inner` spreads the last range of each stage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from treadle.codegen.emit import Emitter, Value
from treadle.codegen.expressions import Arguments, Evaluator
from treadle.codegen.reductions import Reduction, State, expression_dtype
from treadle.codegen.target import Target
from treadle.ir.dtypes import i8, i32, i64
from treadle.ir.loops import (
    Accumulator,
    Call,
    Const,
    Expr,
    Index,
    Load,
    LoopNest,
    Range,
    Reduced,
    Stage,
)

_UNROLL_LIMIT = 9
_WIDE = 4
Positions = Mapping[int, Value]


def emit_loop_nest(kernel: LoopNest, target: Target) -> Emitter:
    """An emitter that holds the body of the kernel's function."""
    writer = _Writer(kernel, target)
    writer.write()
    return writer.e


def lane_mask(e: Emitter, count: Value, lanes: int) -> Value:
    """Which of the lanes are below `count`."""
    dtype = i8 if lanes >= 32 else i32
    limit = e.convert("trunc", count, dtype)
    return e.compare("icmp ult", e.vector_constant(dtype, range(lanes)), limit)


class _Writer:
    def __init__(self, kernel: LoopNest, target: Target) -> None:
        self.kernel = kernel
        self.e = Emitter(target)
        self.arguments = Arguments(self.e, kernel.buffers)
        sizes = _element_sizes(kernel)
        self.lanes = target.vector_bytes // max(sizes)
        self.masked = target.has_avx512 or min(sizes) >= 4
        self.results: dict[tuple[int, int], Value] = {}

    def write(self) -> None:
        """Write the whole function."""
        e = self.e
        whole = [self.arguments.dim(a.extent) for a in self.kernel.axes if a.step == 0]
        present = e.constant_true()
        for extent in whole:
            present = e.binary("and", present, e.compare("icmp sgt", extent, e.integer(0)))
        begin, end = (Value(f"%{n}", i64, 1, 0) for n in ("begin", "end"))
        with e.branch(present), e.loop(begin, end) as task:
            self.floor = e.depth
            self._axes(0, {}, self._bounds(task.index))

    def _bounds(self, task: Value) -> list[tuple[Value, Value]]:
        """First and one past the last position of the task on each axis."""
        e = self.e
        bounds: list[tuple[Value, Value]] = []
        split = [i for i, a in enumerate(self.kernel.axes) if a.step != 0]
        rest = task
        for i in reversed(range(len(self.kernel.axes))):
            axis = self.kernel.axes[i]
            extent = self.arguments.dim(axis.extent)
            if axis.step == 0:
                bounds.append((e.integer(0), extent))
                continue
            step = self.arguments.dim(axis.step)
            block = rest
            if i != split[0]:
                rest, block = e.divide(rest, e.ceil_div(extent, step))
            start = e.mul(block, step)
            if step.constant == 1:
                bounds.append((start, e.add(start, step)))
            else:
                bounds.append((start, e.minimum(e.add(start, step), extent)))
        return bounds[::-1]

    def _axes(self, k: int, positions: Positions, bounds: Sequence[tuple[Value, Value]]) -> None:
        if k == len(self.kernel.axes):
            self._point(positions, 1, None)
        elif k == len(self.kernel.axes) - 1 and self.kernel.vectorize == "outer":
            self._lanes(k, positions, *bounds[k])
        elif self.kernel.axes[k].step == 1:
            self._axes(k + 1, {**positions, k: bounds[k][0]}, bounds)
        else:
            with self.e.loop(*bounds[k]) as loop:
                self._axes(k + 1, {**positions, k: loop.index}, bounds)

    def _lanes(self, k: int, positions: Positions, start: Value, stop: Value) -> None:
        wide = any(stage.ranges and stage.reduces for stage in self.kernel.stages)
        widths = [self.lanes * _WIDE, self.lanes] if wide else [self.lanes]

        def body(position: Value, lanes: int, mask: Value | None) -> None:
            self._point({**positions, k: position}, lanes, mask)

        self._strips(start, stop, widths, body)

    def _strips(
        self,
        start: Value,
        stop: Value,
        widths: Sequence[int],
        body: Callable[[Value, int, Value | None], None],
    ) -> None:
        """Cover ``[start, stop)`` by strips of each width in turn, then the rest."""
        e = self.e
        for width in widths:
            if width == 1:
                continue
            whole = e.binary("and", e.sub(stop, start), e.integer(-width))
            middle = e.add(start, whole)
            with e.loop(start, middle, width) as loop:
                body(loop.index, width, None)
            start = middle
        if self.masked and widths[-1] > 1:
            with e.branch(e.compare("icmp slt", start, stop)):
                mask = lane_mask(e, e.sub(stop, start), widths[-1])
                body(start, widths[-1], mask)
        else:
            with e.loop(start, stop) as loop:
                body(loop.index, 1, None)

    # --- stages ---------------------------------------

    def _point(self, positions: Positions, lanes: int, mask: Value | None) -> None:
        self.results.clear()
        for number, stage in enumerate(self.kernel.stages):
            if self.kernel.vectorize == "inner" and stage.ranges:
                states = self._inner_stage(stage, positions)
            else:
                states = self._stage(stage, positions, lanes, mask)
            for r, (reduction, state) in enumerate(
                zip(self._reductions(stage), states, strict=True)
            ):
                self.results[number, r] = reduction.result(state)

    def _reductions(self, stage: Stage) -> list[Reduction]:
        return [Reduction(self.e, r, expression_dtype(r.value)) for r in stage.reduces]

    def _result(self, expr: Reduced | Accumulator) -> Value:
        assert isinstance(expr, Reduced)
        return self.results[expr.stage, expr.reduction]

    def _evaluator(
        self,
        positions: Positions,
        lane_axis: int | None = None,
        lanes: int = 1,
        mask: Value | None = None,
        floor: int | None = None,
    ) -> Evaluator:
        return Evaluator(
            self.e,
            self.arguments,
            positions,
            lane_axis,
            lanes,
            mask,
            self.floor if floor is None else floor,
            self._result,
        )

    def _run(self, stage: Stage, evaluator: Evaluator, states: list[State]) -> list[State]:
        """The stage's body at one place: the states with this element combined."""
        combined = []
        last = len(self.kernel.axes) + len(stage.ranges) - 1
        for reduction, reduce, state in zip(
            self._reductions(stage), stage.reduces, states, strict=True
        ):
            value = evaluator.spread(reduce.value)
            position = evaluator.value(Index(last)) if reduction.positional else None
            element = reduction.element(value, position)
            if evaluator.mask is not None and evaluator.lane_axis == last:
                combined.append(reduction.masked(evaluator.mask, state, element))
            else:
                combined.append(reduction.combine(state, element))
        values = [evaluator.spread(store.value) for store in stage.stores]
        del values  # every load comes before the first store
        for store in stage.stores:
            evaluator.store(store)
        return combined

    def _stage(
        self, stage: Stage, positions: Positions, lanes: int, mask: Value | None
    ) -> list[State]:
        """A stage whose lanes, if any, are on the last outer axis."""
        first = len(self.kernel.axes)
        lane_axis = first - 1 if lanes > 1 else None

        def body(places: Positions, states: list[State]) -> list[State]:
            floor = self.e.depth if self._loops(stage.ranges) else None
            return self._run(stage, self._evaluator(places, lane_axis, lanes, mask, floor), states)

        states = [r.identity(lanes) for r in self._reductions(stage)]
        if not stage.ranges:
            return body(positions, states)
        return self._ranges(stage.ranges, first, positions, states, body)

    @staticmethod
    def _loops(ranges: Sequence[Range]) -> bool:
        """Whether any of the ranges becomes a loop, which may be empty."""
        return any(_literal(r) is None for r in ranges)

    def _ranges(
        self,
        ranges: Sequence[Range],
        axis: int,
        positions: Positions,
        states: list[State],
        body: Callable[[Positions, list[State]], list[State]],
    ) -> list[State]:
        """Loops over `ranges`, the first of which is axis number `axis`."""
        if not ranges:
            return body(positions, states)
        known = _literal(ranges[0])
        if known is not None:
            for i in known:
                there = {**positions, axis: self.e.integer(i)}
                states = self._ranges(ranges[1:], axis + 1, there, states, body)
            return states
        start, stop = self._range_bounds(ranges[0], positions)
        flat = [v for state in states for v in state]
        with self.e.loop(start, stop, 1, flat) as loop:
            inner = _regroup(loop.carried, states)
            inner = self._ranges(ranges[1:], axis + 1, {**positions, axis: loop.index}, inner, body)
            loop.following = tuple(v for state in inner for v in state)
        return _regroup(loop.results, states)

    def _range_bounds(self, range_: Range, positions: Positions) -> tuple[Value, Value]:
        evaluator = self._evaluator(positions, floor=self.e.depth)
        return evaluator.value(range_.start), evaluator.value(range_.stop)

    def _inner_stage(self, stage: Stage, positions: Positions) -> list[State]:
        """A stage whose lanes are on its last range: partial states per width, then folded."""
        reductions = self._reductions(stage)
        widths = [self.lanes * _WIDE, self.lanes] if stage.reduces else [self.lanes]
        keys = [*widths] if self.masked and self.lanes > 1 else [*widths, 1]
        partial = [r.identity(width) for r in reductions for width in keys]
        axis = len(self.kernel.axes) + len(stage.ranges) - 1

        def body(places: Positions, states: list[State]) -> list[State]:
            start, stop = self._range_bounds(stage.ranges[-1], places)
            return self._strip_states(stage, axis, places, start, stop, widths, keys, states)

        outer = stage.ranges[:-1]
        partial = self._ranges(outer, len(self.kernel.axes), positions, partial, body)
        results = []
        for i, reduction in enumerate(reductions):
            parts = partial[i * len(keys) : (i + 1) * len(keys)]
            total = parts[0]
            for width, part in zip(keys[1:], parts[1:], strict=True):
                total = reduction.combine(reduction.fold(total, width), part)
            results.append(reduction.fold(total, 1))
        return results

    def _strip_states(
        self,
        stage: Stage,
        axis: int,
        positions: Positions,
        start: Value,
        stop: Value,
        widths: Sequence[int],
        keys: Sequence[int],
        states: list[State],
    ) -> list[State]:
        """Strips of each width over ``[start, stop)`` of the lane axis, each with its states."""
        e = self.e
        states = list(states)
        count = len(stage.reduces)

        def of(width: int) -> list[int]:
            return [i * len(keys) + keys.index(width) for i in range(count)]

        def run(
            position: Value, lanes: int, mask: Value | None, chosen: list[State]
        ) -> list[State]:
            places = {**positions, axis: position}
            evaluator = self._evaluator(places, axis, lanes, mask, e.depth)
            return self._run(stage, evaluator, chosen)

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


def _literal(range_: Range) -> range | None:
    """The positions of a short range with literal bounds, to be unrolled."""
    if isinstance(range_.start, Const) and isinstance(range_.stop, Const):
        known = range(int(range_.start.value), int(range_.stop.value))
        if 0 < len(known) <= _UNROLL_LIMIT:
            return known
    return None


def _element_sizes(kernel: LoopNest) -> list[int]:
    """Bytes per lane of what the kernel computes on: loads and stores; positions do not count."""
    sizes: list[int] = []
    seen: set[int] = set()
    lane_axis = len(kernel.axes) - 1 if kernel.vectorize == "outer" else None

    def visit(expr: Expr, stage: Stage) -> None:
        if id(expr) in seen:
            return
        seen.add(id(expr))
        if isinstance(expr, Load):
            last = len(kernel.axes) + len(stage.ranges) - 1 if lane_axis is None else lane_axis
            if any(axis == last for axis, _ in expr.access.terms):
                sizes.append(kernel.buffers[expr.access.buffer].dtype.itemsize)
        elif isinstance(expr, Call):
            if expr.dtype.kind == "f" and expr.dtype.itemsize <= 4:
                sizes.append(4)
            for arg in expr.args:
                visit(arg, stage)

    for stage in kernel.stages:
        for value in (*(r.value for r in stage.reduces), *(s.value for s in stage.stores)):
            visit(value, stage)
        sizes += [kernel.buffers[s.access.buffer].dtype.itemsize for s in stage.stores]
    return sizes or [4]
