"""Kernels that transpose: squares of lanes, loaded along one axis and stored along the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from treadle.codegen.expressions import Evaluator
from treadle.codegen.lanes import LaneCode, Positions
from treadle.codegen.memory import prefetch
from treadle.codegen.target import Target
from treadle.codegen.values import Value
from treadle.ir.dtypes import bool_, i64
from treadle.ir.loops import Call, Load, LoopNest

_SQUARES_AHEAD = 2


class SquareCode(LaneCode):
    """Covers positions of the last two outer axes by squares."""

    def __init__(self, kernel: LoopNest, target: Target) -> None:
        super().__init__(kernel, target)
        self.transposed = _transposed(kernel)

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
