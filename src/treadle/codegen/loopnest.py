"""`LoopNest` kernels to LLVM IR: tasks, the outer axes, strips of lanes.

The outer axes become loops over the positions of a task; a point (or a vector of points) runs the
stages. `outer` vectorisation spreads points over lanes, in wide, single-vector and masked (or
scalar) versions; `inner` spreads the last range of each stage (see `stages`).

Windows (pooling, depthwise) have ranges that are clipped at borders. Away from borders all taps
exist: there the taps are unrolled, and neighbours on the last axis but one are done together, so
that they share the loads of what does not depend on that axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from treadle.codegen.emit import Emitter
from treadle.codegen.expressions import Evaluator
from treadle.codegen.lanes import ROWS_AHEAD, WIDE, Positions
from treadle.codegen.ranges import clipped, literal
from treadle.codegen.squares import SquareCode
from treadle.codegen.stages import StageWriter
from treadle.codegen.target import Target
from treadle.codegen.values import Value
from treadle.ir.dtypes import i64
from treadle.ir.loops import LoopNest, Range

_TOGETHER = 4
_MOST_TAPS = 9


def emit_loop_nest(kernel: LoopNest, target: Target) -> Emitter:
    """An emitter that holds the body of the kernel's function."""
    writer = _Writer(kernel, target)
    writer.write()
    return writer.e


class _Writer(SquareCode):
    def __init__(self, kernel: LoopNest, target: Target) -> None:
        super().__init__(kernel, target)
        self.windows = self._windows()

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
                WIDE,
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
                    later = self.e.add(loop.index, self.e.integer(ROWS_AHEAD))
                    last = self.e.sub(bounds[k][1], self.e.integer(1))
                    self.later = {**positions, k: self.e.minimum(later, last)}
                self._axes(k + 1, {**positions, k: loop.index}, bounds)

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
