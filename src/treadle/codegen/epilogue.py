"""The epilogue of contractions: stores that take the sums of a tile from registers or scratch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from treadle.codegen import memory
from treadle.codegen.expressions import Evaluator
from treadle.codegen.memory import lane_mask
from treadle.codegen.microkernel import ContractionCode, Panel, Position
from treadle.codegen.values import Value
from treadle.ir.dtypes import bool_
from treadle.ir.loops import Accumulator, Call, Expr, Reduced
from treadle.ir.loops_functions import LONG

_MOST_OPERATORS = 16
_COST_OF_LONG = 100


class EpilogueCode(ContractionCode):
    """What runs after the sums of a tile are made. `floor`: the scope of a task."""

    floor = 0

    def _next_position(self, position: Position) -> Position:
        e = self.e
        i, y, x = position
        one, zero = e.integer(1), e.integer(0)
        x = e.add(x, one)
        if self.kernel.flat_rows:
            return i, y, x
        wraps = e.compare("icmp eq", x, self.size("rows2"))
        x = e.select(wraps, zero, x)
        y = e.select(wraps, e.add(y, one), y)
        wraps = e.compare("icmp eq", y, self.size("rows1"))
        return e.select(wraps, e.add(i, one), i), e.select(wraps, zero, y), x

    def _column_masks(self, column: Value) -> tuple[Value, ...]:
        """Which columns of each vector of a panel exist."""
        e = self.e
        left = e.maximum(e.sub(self.size("columns"), column), e.integer(0))
        masks = []
        for v in range(self.vectors):
            count = e.minimum(left, e.integer((v + 1) * self.lanes))
            count = e.maximum(e.sub(count, e.integer(v * self.lanes)), e.integer(0))
            masks.append(lane_mask(e, count, self.lanes))
        return tuple(masks)

    def _is_direct(self, panel: Panel, count: Value) -> Value:
        """Whether the epilogue of a tile is applied in registers: not to parts of tiles.

        Nor if it is long: there is a copy of it for each register.
        """
        e = self.e
        length = sum(_length(store.value) for store in self.kernel.stores)
        if not self.kernel.direct or length > _MOST_OPERATORS:
            return e.constant(bool_, False)
        direct = e.compare("icmp eq", count, e.integer(self.rows))
        if not self.target.has_avx512:
            direct = e.binary("and", direct, self._is_whole(panel))
        return direct

    def _is_whole(self, panel: Panel) -> Value:
        """Whether all columns of a panel exist."""
        e = self.e
        last = e.add(panel.column, e.integer(self.width))
        return e.compare("icmp sle", last, self.size("columns"))

    def _finish(self, panel: Panel, positions: Sequence[Position], sums: Sequence[Value]) -> None:
        """Run the stores on the sums of a whole tile of rows."""
        e = self.e
        whole = self._is_whole(panel)
        with e.branch(whole):
            self._finish_columns(panel, positions, sums, [None] * self.vectors)
        if self.target.has_avx512:
            with e.branch(e.binary("xor", whole, e.constant_true())):
                masks = self._column_masks(panel.column)
                self._finish_columns(panel, positions, sums, masks)

    def _finish_columns(
        self, panel: Panel, positions: Sequence[Position], sums: Sequence[Value],
        masks: Sequence[Value | None],
    ) -> None:  # fmt: skip
        e, gates = self.e, self.kernel.gates
        for r in range(self.rows):
            for v, mask in enumerate(masks):
                tile = [sums[(r * gates + g) * self.vectors + v] for g in range(gates)]
                column = e.add(panel.column, e.integer(v * self.lanes))
                self._store(panel, positions[r], column, tile.__getitem__, mask, e.depth)

    def _epilogue(self, panel: Panel, start: Position, count: Value, scratch: Value) -> None:
        """Run the stores for each row of a tile and each vector of the panel."""
        e = self.e
        last = e.minimum(e.add(panel.column, e.integer(self.width)), self.size("columns"))
        whole = e.binary("and", e.sub(last, panel.column), e.integer(-self.lanes))
        middle = e.add(panel.column, whole)
        flat = self.kernel.flat_rows
        with e.loop(e.integer(0), count, 1, () if flat else start, entered=True) as row:
            if flat:
                position = (start[0], start[1], e.add(start[2], row.index))
            else:
                position = (row.carried[0], row.carried[1], row.carried[2])
            sums = memory.pointer(
                e, scratch, e.mul(row.index, e.integer(self.row_size)), self.dtype
            )
            with e.loop(panel.column, middle, self.lanes) as loop:
                left = self._scratch_sums(panel, loop.index, sums)
                self._store(panel, position, loop.index, left, None, self.floor)
            with e.branch(e.compare("icmp slt", middle, last)):
                mask = lane_mask(e, e.sub(last, middle), self.lanes)
                left = self._scratch_sums(panel, middle, sums)
                self._store(panel, position, middle, left, mask, self.floor)
            row.following = () if flat else self._next_position(position)

    def _scratch_sums(self, panel: Panel, column: Value, sums: Value) -> Callable[[int], Value]:
        """The sums of each gate at `column`, from the scratch area."""
        e = self.e
        offset = e.sub(column, panel.column)

        def load(gate: int) -> Value:
            address = memory.pointer(
                e, sums, e.add(offset, e.integer(gate * self.width)), self.dtype
            )
            return memory.load(e, address, self.dtype, self.lanes)

        return load

    def _store(
        self, panel: Panel, position: Position, column: Value, sums: Callable[[int], Value],
        mask: Value | None, floor: int,
    ) -> None:  # fmt: skip
        """Run the stores for one vector; ``sums(gate)`` are its sums."""
        axes = dict(enumerate((*panel.batch, *position, column)))

        def accumulator(expr: Reduced | Accumulator) -> Value:
            assert isinstance(expr, Accumulator)
            return sums(expr.gate)

        evaluator = Evaluator(
            self.e, self.arguments, axes, len(axes) - 1, self.lanes, mask, floor, accumulator
        )
        for store in self.kernel.stores:
            evaluator.spread(store.value)
        for store in self.kernel.stores:
            evaluator.store(store)


def _length(value: Expr) -> int:
    """Operators in an expression, shared ones once."""
    seen: set[int] = set()
    waiting, count = [value], 0
    while waiting:
        expr = waiting.pop()
        if isinstance(expr, Call) and id(expr) not in seen:
            seen.add(id(expr))
            count += _COST_OF_LONG if expr.function in LONG else 1
            waiting += expr.args
    return count
