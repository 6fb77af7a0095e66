"""Strips of lanes on the last outer axis of a loop nest: whole vectors, masked or single rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from treadle.codegen.arguments import Arguments
from treadle.codegen.emit import Emitter
from treadle.codegen.expressions import Evaluator
from treadle.codegen.memory import lane_mask, pointer, prefetch
from treadle.codegen.stages import StageWriter
from treadle.codegen.target import Target
from treadle.codegen.turned import turned_loads
from treadle.codegen.values import Value, compute_dtype
from treadle.ir.dtypes import i64
from treadle.ir.loops import Access, Call, Expr, Load, LoopNest, Stage, Store
from treadle.ir.loops_walk import is_scan

WIDE = 4
WIDE_ACROSS = 8
"""Vectors of rows that are reduced across, so that half a KiB is read at a time (`x.t().sum(1)` of
1024 x 1024, 16 bytes off cache lines: with 4 vectors 154 us, with 8 88)."""
ROWS_AHEAD = 2
TURNED_ROWS = 8
"""Rows of a square that is turned: lines 4 KiB apart share a set of L1, which has as many ways
(sums of 1024 x 1024: 16 rows 178 us, 8 rows 76)."""
Positions = Mapping[int, Value]


class LaneCode:
    """Covers positions of the last outer axis by strips."""

    stages: StageWriter

    def __init__(self, kernel: LoopNest, target: Target) -> None:
        self.kernel = kernel
        self.e = Emitter(target)
        sizes = _element_sizes(kernel)
        self.turned = any(turned_loads(kernel, stage) for stage in kernel.stages)
        self.lanes = target.vector_bytes // max(sizes)
        if self.turned:
            self.lanes = min(self.lanes, TURNED_ROWS)
        wide = WIDE if any(stage.reduces for stage in kernel.stages) else 1
        self.across = any(stage.across for stage in kernel.stages)
        wide = WIDE_ACROSS if self.across else wide
        together = self.lanes * wide if kernel.vectorize == "outer" else 1
        self.arguments = Arguments(self.e, kernel.buffers, together)
        self.masked = target.has_avx512 or min(sizes) >= 4
        self.streamed = self._streamed()
        self.gathers = _gathers(kernel)
        self.later: Positions | None = None

    def _prefetches(self, start: Value) -> list[Value]:
        """Where the rows are that will be gathered some rows later, from lane position `start`."""
        if self.later is None:
            return []
        point = {**self.later, len(self.kernel.axes) - 1: start}
        evaluator = Evaluator(self.e, self.arguments, point, floor=self.e.depth)
        return [evaluator.address(access) for access in self.gathers]

    def _lanes(
        self, points: Sequence[Positions], bounds: tuple[Value, Value], *, whole: bool
    ) -> None:
        """Strips of the last outer axis, each for all `points`."""
        k = len(self.kernel.axes) - 1
        reducing = any(stage.ranges and stage.reduces for stage in self.kernel.stages)
        wide = reducing and not whole and not self.turned
        widths = [self.lanes * WIDE, self.lanes] if wide else [self.lanes]
        if wide and self.across:
            widths = [self.lanes * WIDE_ACROSS, *widths]

        streams = self.streamed is not None and len(points) == 1

        def body(position: Value, lanes: int, mask: Value | None) -> None:
            there = [{**point, k: position} for point in points]
            aligned = streams and mask is None and lanes > 1
            self.stages.run(there, lanes, mask, whole=whole, streaming=aligned)

        start, stop = bounds
        self.stages.end = stop
        if streams:
            start = self._head({**points[0], k: start}, start, stop, body)
        origin = start
        ahead = self._prefetches(origin) if self.gathers else []

        def with_prefetch(position: Value, lanes: int, mask: Value | None) -> None:
            for access, address in zip(self.gathers, ahead, strict=False):
                dtype = self.kernel.buffers[access.buffer].dtype
                offset = self.e.sub(position, origin)
                prefetch(self.e, pointer(self.e, address, offset, dtype))
            body(position, lanes, mask)

        self._strips(start, stop, widths, with_prefetch)

    def _streamed(self) -> Store | None:
        """The kernel's store, if there is one, whole vectors long, that may bypass the caches.

        One on a range of its own is aligned at some positions of it and at others not.
        """
        stages = [stage for stage in self.kernel.stages if stage.stores]
        stores = [store for stage in stages for store in stage.stores]
        if (
            any(stage.ranges for stage in stages)
            or self.kernel.vectorize != "outer"
            or len(stores) != 1
            or not stores[0].streaming
        ):
            return None
        access = stores[0].access
        adjacent = dict(access.terms).get(len(self.kernel.axes) - 1) == 1
        nbytes = self.lanes * self.kernel.buffers[access.buffer].dtype.itemsize
        return stores[0] if adjacent and nbytes >= self.e.target.vector_bytes else None

    def _head(
        self,
        point: Positions,
        start: Value,
        stop: Value,
        body: Callable[[Value, int, Value | None], None],
    ) -> Value:
        """Do what comes before the first aligned address of the streamed store; where that is."""
        e = self.e
        assert self.streamed is not None
        access = self.streamed.access
        address = Evaluator(e, self.arguments, point, floor=e.depth).address(access)
        size = self.kernel.buffers[access.buffer].dtype.itemsize
        missing = e.sub(e.integer(0), e.convert("ptrtoint", address, i64))
        missing = e.binary("and", missing, e.integer(e.target.vector_bytes - 1))
        split = e.minimum(e.add(start, e.divide(missing, e.integer(size))[0]), stop)
        self._rest(start, split, self.lanes, body)
        return split

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
        self._rest(start, stop, widths[-1], body)

    def _rest(
        self,
        start: Value,
        stop: Value,
        lanes: int,
        body: Callable[[Value, int, Value | None], None],
    ) -> None:
        """Cover less than one strip."""
        e = self.e
        if self.masked and lanes > 1:
            with e.branch(e.compare("icmp slt", start, stop)):
                body(start, lanes, lane_mask(e, e.sub(stop, start), lanes))
        else:
            with e.loop(start, stop) as loop:
                body(loop.index, 1, None)


def _gathers(kernel: LoopNest) -> list[Access]:
    """The load of a kernel that copies rows whose place is read from memory.

    The processor cannot foresee those, so some rows ahead are prefetched.
    """
    lane_axis = len(kernel.axes) - 1
    stores = [store for stage in kernel.stages for store in stage.stores]
    if kernel.vectorize != "outer" or len(kernel.axes) < 2 or len(stores) != 1:
        return []
    load = stores[0].value
    if not isinstance(load, Load) or dict(load.access.terms).get(lane_axis) != 1:
        return []
    indices = [index for index, _ in load.access.indirect]
    return [load.access] if any(_is_read(i, lane_axis) for i in indices) else []


def _is_read(expr: Expr, lane_axis: int) -> bool:
    """Whether an index comes from memory and is the same in all lanes."""
    if isinstance(expr, Call):
        return any(_is_read(arg, lane_axis) for arg in expr.args)
    return isinstance(expr, Load) and lane_axis not in dict(expr.access.terms)


def _element_sizes(kernel: LoopNest) -> list[int]:
    """Bytes per lane of what the kernel computes on: loads and stores; positions do not count."""
    sizes: list[int] = []
    seen: set[int] = set()
    lane_axis = len(kernel.axes) - 1 if kernel.vectorize == "outer" else None

    def visit(value: Expr, stage: Stage) -> None:
        waiting = [value]
        while waiting:
            expr = waiting.pop()
            if id(expr) in seen:
                continue
            seen.add(id(expr))
            if isinstance(expr, Load):
                last = len(kernel.axes) + len(stage.ranges) - 1 if lane_axis is None else lane_axis
                if any(axis == last for axis, _ in expr.access.terms):
                    sizes.append(kernel.buffers[expr.access.buffer].dtype.itemsize)
            elif isinstance(expr, Call):
                if expr.dtype.kind == "f" and expr.dtype.itemsize <= 4:
                    sizes.append(4)
                waiting += expr.args

    for number, stage in enumerate(kernel.stages):
        for value in (*(r.value for r in stage.reduces), *(s.value for s in stage.stores)):
            visit(value, stage)
        sizes += [kernel.buffers[s.access.buffer].dtype.itemsize for s in stage.stores]
        sizes += [compute_dtype(r.dtype).itemsize for r in stage.reduces if is_scan(stage, number)]
    return sizes or [4]
