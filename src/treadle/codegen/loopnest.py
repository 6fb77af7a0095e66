"""`LoopNest` kernels to LLVM IR: tasks, the outer axes, strips of lanes.

The outer axes become loops over the positions of a task; a point (or a vector of points) runs the
stages. `outer` vectorisation spreads points over lanes, in wide, single-vector and masked (or
scalar) versions; `inner` spreads the last range of each stage (see `stages`).

Windows (pooling, depthwise) have ranges that are clipped at borders. Away from borders all taps
exist: there the taps are unrolled, and neighbours on the last axis but one are done together, so
that they share the loads of what does not depend on that axis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from treadle.codegen.arguments import Arguments
from treadle.codegen.emit import Emitter, Value, compute_dtype
from treadle.codegen.expressions import Evaluator
from treadle.codegen.memory import lane_mask, pointer, prefetch
from treadle.codegen.ranges import clipped, literal
from treadle.codegen.stages import StageWriter
from treadle.codegen.target import Target
from treadle.ir.dtypes import bool_, i64
from treadle.ir.loops import Access, Call, Expr, Load, LoopNest, Range, Stage, Store
from treadle.ir.loops_walk import is_scan

_WIDE = 4
_TOGETHER = 4
_MOST_TAPS = 9
_ROWS_AHEAD = 2
_SQUARES_AHEAD = 2
Positions = Mapping[int, Value]


def emit_loop_nest(kernel: LoopNest, target: Target) -> Emitter:
    """An emitter that holds the body of the kernel's function."""
    writer = _Writer(kernel, target)
    writer.write()
    return writer.e


class _Writer:
    def __init__(self, kernel: LoopNest, target: Target) -> None:
        self.kernel = kernel
        self.e = Emitter(target)
        sizes = _element_sizes(kernel)
        self.lanes = target.vector_bytes // max(sizes)
        wide = _WIDE if any(stage.reduces for stage in kernel.stages) else 1
        together = self.lanes * wide if kernel.vectorize == "outer" else 1
        self.arguments = Arguments(self.e, kernel.buffers, together)
        self.masked = target.has_avx512 or min(sizes) >= 4
        self.windows = self._windows()
        self.streamed = self._streamed()
        self.gathers = _gathers(kernel)
        self.transposed = _transposed(kernel)
        self.later: Positions | None = None

    def write(self) -> None:
        """Write the whole function."""
        e = self.e
        whole = [self.arguments.dim(a.extent) for a in self.kernel.axes if a.step == 0]
        present = e.constant_true()
        for extent in whole:
            present = e.binary("and", present, e.compare("icmp sgt", extent, e.integer(0)))
        begin, end = (Value(f"%{n}", i64, 1, 0) for n in ("begin", "end"))
        with e.branch(present), e.loop(begin, end) as task:
            self.stages = StageWriter(
                self.kernel,
                e,
                self.arguments,
                self.lanes,
                _WIDE,
                self.masked,
                e.depth,
                self.windows,
            )
            self._axes(0, {}, self._bounds(task.index))
        if any(store.streaming for stage in self.kernel.stages for store in stage.stores):
            e.declare("declare void @llvm.x86.sse.sfence()")
            e.effect("call void @llvm.x86.sse.sfence()")

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

    def _windows(self) -> list[Range]:
        """The ranges clipped at borders that are unrolled where they are whole.

        All of a small window, the last of a large one: the others stay loops.
        """
        windows: list[Range] = []
        for stage in self.kernel.stages:
            if not stage.ranges:
                continue
            limits = [clipped(r) for r in stage.ranges]
            if None in limits or not stage.reduces or self.kernel.vectorize != "outer":
                return []
            loops = [r for r in stage.ranges if literal(r) is None]  # others are unrolled anyway
            taps = math.prod(len(clipped(r) or ()) for r in loops)
            windows += loops if taps <= _MOST_TAPS else loops[-1:]
        return windows

    def _axes(self, k: int, positions: Positions, bounds: Sequence[tuple[Value, Value]]) -> None:
        if k == len(self.kernel.axes):
            self.stages.run([positions], 1, None)
        elif k == len(self.kernel.axes) - 1 and self.kernel.vectorize == "outer":
            self._lanes([positions], bounds[k], whole=False)
        elif k == len(self.kernel.axes) - 2 and self.windows:
            self._blocks(positions, bounds)
        elif k == len(self.kernel.axes) - 2 and self.transposed:
            self._squares(positions, bounds)
        elif self.kernel.axes[k].step == 1:
            self._axes(k + 1, {**positions, k: bounds[k][0]}, bounds)
        else:
            with self.e.loop(*bounds[k]) as loop:
                if k == len(self.kernel.axes) - 2:
                    later = self.e.add(loop.index, self.e.integer(_ROWS_AHEAD))
                    last = self.e.sub(bounds[k][1], self.e.integer(1))
                    self.later = {**positions, k: self.e.minimum(later, last)}
                self._axes(k + 1, {**positions, k: loop.index}, bounds)

    def _prefetches(self, start: Value) -> list[Value]:
        """Where the rows are that will be gathered some rows later, from lane position `start`."""
        if self.later is None:
            return []
        point = {**self.later, len(self.kernel.axes) - 1: start}
        evaluator = Evaluator(self.e, self.arguments, point, floor=self.e.depth)
        return [evaluator.address(access) for access in self.gathers]

    def _blocks(self, positions: Positions, bounds: Sequence[tuple[Value, Value]]) -> None:
        """Some neighbours on the last axis but one together where all have whole windows."""
        e = self.e
        k = len(self.kernel.axes) - 2
        start, stop = bounds[k]
        with e.loop(start, stop, _TOGETHER) as block:
            end = e.add(block.index, e.integer(_TOGETHER))
            points = [{**positions, k: e.add(block.index, e.integer(j))} for j in range(_TOGETHER)]
            together = e.compare("icmp sle", end, stop)
            for point in points:
                together = e.binary("and", together, self._is_whole(point))
            with e.branch(together):
                self._lanes(points, bounds[k + 1], whole=True)
            with e.branch(e.binary("xor", together, e.constant_true())):
                self._singles(positions, block.index, e.minimum(end, stop), bounds[k + 1])

    def _singles(
        self, positions: Positions, start: Value, stop: Value, lanes: tuple[Value, Value]
    ) -> None:
        e = self.e
        with e.loop(start, stop) as loop:
            point = {**positions, len(self.kernel.axes) - 2: loop.index}
            whole = self._is_whole(point)
            with e.branch(whole):
                self._lanes([point], lanes, whole=True)
            with e.branch(e.binary("xor", whole, e.constant_true())):
                self._lanes([point], lanes, whole=False)

    def _squares(self, positions: Positions, bounds: Sequence[tuple[Value, Value]]) -> None:
        """Squares of lanes on the last two axes: loads along the one, stores along the other."""
        e, k = self.e, len(self.kernel.axes) - 2
        (start, stop), (left, right) = bounds[k], bounds[k + 1]
        whole = e.binary("and", e.sub(right, left), e.integer(-self.lanes))
        middle = e.add(left, whole)
        aligned = self._are_aligned({**positions, k: start, k + 1: left})
        with e.branch(aligned):
            bottom = e.add(start, e.binary("and", e.sub(stop, start), e.integer(-self.lanes)))
            self._streamed_squares(positions, (start, bottom), (left, middle))
        with e.loop(start, stop, self.lanes) as rows:
            end = e.add(rows.index, e.integer(self.lanes))
            is_whole = e.compare("icmp sle", end, stop)
            undone = e.binary("xor", aligned, e.constant_true())
            here = e.binary("and", is_whole, undone)
            with e.branch(here), e.loop(left, middle, self.lanes) as columns:
                corner = {**positions, k: rows.index, k + 1: columns.index}
                self._square(corner, streaming=False)
            done = e.select(is_whole, middle, left)
            with e.loop(rows.index, e.minimum(end, stop)) as row:
                self._lanes([{**positions, k: row.index}], (done, right), whole=False)

    def _streamed_squares(
        self, positions: Positions, rows: tuple[Value, Value], columns: tuple[Value, Value]
    ) -> None:
        """Squares in the order in which they are read: nothing that is written is read again."""
        e, k = self.e, len(self.kernel.axes) - 2
        ahead = e.integer(_SQUARES_AHEAD * self.lanes)
        with e.loop(*columns, self.lanes) as column, e.loop(*rows, self.lanes) as row:
            corner = {**positions, k: row.index, k + 1: column.index}
            for j, load in itertools.product(range(self.lanes), self.transposed):
                place = {k: e.add(row.index, ahead), k + 1: e.add(column.index, e.integer(j))}
                far = Evaluator(e, self.arguments, {**positions, **place}, floor=e.depth)
                prefetch(e, far.address(load.access))
            self._square(corner, streaming=True)

    def _are_aligned(self, corner: Positions) -> Value:
        """Whether whole vectors of a streamed store are aligned on every row: on the first two."""
        e, k = self.e, len(self.kernel.axes) - 2
        if self.streamed is None:
            return e.constant(bool_, False)
        bits = e.integer(0)
        for row in (corner[k], e.add(corner[k], e.integer(1))):
            evaluator = Evaluator(e, self.arguments, {**corner, k: row}, floor=e.depth)
            address = evaluator.address(self.streamed.access)
            bits = e.binary("or", bits, e.convert("ptrtoint", address, i64))
        bits = e.binary("and", bits, e.integer(e.target.vector_bytes - 1))
        return e.compare("icmp eq", bits, e.integer(0))

    def _square(self, corner: Positions, *, streaming: bool) -> None:
        """The rows of a square, whose transposed loads are made together."""
        e, k, count = self.e, len(self.kernel.axes) - 2, range(self.lanes)
        loaded: list[dict[int, Value]] = [{} for _ in count]
        for load in self.transposed:
            columns = []
            for j in count:
                place = {**corner, k + 1: e.add(corner[k + 1], e.integer(j))}
                along = Evaluator(e, self.arguments, place, k, self.lanes, None, e.depth)
                columns.append(along.value(load))
            for known, row in zip(loaded, e.transpose(columns), strict=True):
                known[id(load)] = row
        points = [{**corner, k: e.add(corner[k], e.integer(i))} for i in count]
        self.stages.run(points, self.lanes, None, loaded=loaded, streaming=streaming)

    def _is_whole(self, point: Positions) -> Value:
        """Whether no window is clipped at a point."""
        e = self.e
        evaluator = Evaluator(e, self.arguments, point, floor=e.depth)
        whole = e.constant_true()
        for window in self.windows:
            limits = clipped(window)
            assert limits is not None
            for bound, limit in ((window.start, limits.start), (window.stop, limits.stop)):
                here = e.compare("icmp eq", evaluator.value(bound), e.integer(limit))
                whole = e.binary("and", whole, here)
        return whole

    def _lanes(
        self, points: Sequence[Positions], bounds: tuple[Value, Value], *, whole: bool
    ) -> None:
        """Strips of the last outer axis, each for all `points`."""
        k = len(self.kernel.axes) - 1
        reducing = any(stage.ranges and stage.reduces for stage in self.kernel.stages)
        wide = reducing and not whole
        widths = [self.lanes * _WIDE, self.lanes] if wide else [self.lanes]

        streams = self.streamed is not None and len(points) == 1

        def body(position: Value, lanes: int, mask: Value | None) -> None:
            there = [{**point, k: position} for point in points]
            aligned = streams and mask is None and lanes > 1
            self.stages.run(there, lanes, mask, whole=whole, streaming=aligned)

        start, stop = bounds
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
        """The kernel's store, if there is one, whole vectors long, that may bypass the caches."""
        stores = [store for stage in self.kernel.stages for store in stage.stores]
        if self.kernel.vectorize != "outer" or len(stores) != 1 or not stores[0].streaming:
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


def _transposed(kernel: LoopNest) -> list[Load]:
    """The loads whose neighbours in memory are on the last axis but one, not on that of the lanes.

    None if a task has a single row.
    """
    across, lanes = len(kernel.axes) - 2, len(kernel.axes) - 1
    single = across < 0 or kernel.axes[across].step == 1
    if single or kernel.vectorize != "outer" or any(stage.ranges for stage in kernel.stages):
        return []
    found: dict[int, Load] = {}
    waiting = [store.value for stage in kernel.stages for store in stage.stores]
    while waiting:
        expr = waiting.pop()
        if isinstance(expr, Call):
            waiting += expr.args
        elif isinstance(expr, Load) and not expr.access.indirect:
            terms = dict(expr.access.terms)
            if terms.get(across) == 1 and terms.get(lanes, 0) not in (-1, 0, 1):
                found[id(expr)] = expr
    return list(found.values())


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
