"""`Contraction` kernels to LLVM IR: a register-tiled batch-reduce GEMM with a fused epilogue.

A task is a block of rows and a block of panels. For each panel, block of k and tile of rows, the
micro-kernel keeps ``rows x gates x vectors`` accumulators in registers while it runs over taps and
k (Georganas et al. 2020, "Harnessing Deep Learning via a Single Building Block"). Its sums go
through a small scratch area, which also holds partial sums between blocks of k, to the epilogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treadle.codegen import memory
from treadle.codegen.casts import memory_type
from treadle.codegen.emit import PTR, Emitter, Value, compute_dtype
from treadle.codegen.expressions import Arguments, Evaluator
from treadle.codegen.memory import lane_mask
from treadle.codegen.target import Target
from treadle.ir.dtypes import i64
from treadle.ir.loops import CONTRACTION_SIZES, Accumulator, Contraction, Reduced, Size

_UNROLL = 4
_MIN_CHAINS = 8  # independent sums that hide the latency of FMA
Position = tuple[Value, Value, Value]


def emit_contraction(kernel: Contraction, target: Target) -> Emitter:
    """An emitter that holds the body of the kernel's function."""
    writer = _Writer(kernel, target)
    writer.write()
    return writer.e


@dataclass(frozen=True, slots=True)
class _Panel:
    """One panel of one task: its batch position, first column, and B."""

    batch: tuple[Value, ...]
    a: Value
    column: Value
    b: Value
    masks: tuple[Value | None, ...]


class _Writer:
    def __init__(self, kernel: Contraction, target: Target) -> None:
        self.kernel = kernel
        self.target = target
        self.e = Emitter(target)
        self.arguments = Arguments(self.e, kernel.buffers)
        self.dtype = compute_dtype(kernel.buffers[0].dtype)
        self.lanes = target.lanes(self.dtype)
        self.rows = kernel.tile.rows
        self.vectors = kernel.tile.vectors
        self.width = self.vectors * self.lanes
        self.row_size = kernel.gates * self.width

    def size(self, name: str) -> Value:
        """A run-time size by its name."""
        return self.arguments.dim(Size(CONTRACTION_SIZES.index(name)))

    # --- tasks, panels, blocks of k, tiles ---------------------------------------

    def write(self) -> None:
        """Write the whole function."""
        e = self.e
        self.total_rows = e.mul(e.mul(self.size("rows0"), self.size("rows1")), self.size("rows2"))
        k, k_block = self.size("k"), self.size("k_block")
        self.blocked = e.binary(
            "and",
            e.compare("icmp sgt", k_block, e.integer(0)),
            e.compare("icmp slt", k_block, k),
        )
        # Without blocks of k there is one, even if k is 0: its sums are zeros.
        self.k_step = e.select(self.blocked, k_block, e.maximum(k, e.integer(1)))
        self.scratch = self._scratch()
        begin, end = (Value(f"%{n}", i64, 1, 0) for n in ("begin", "end"))
        with e.loop(begin, end) as task:
            self.floor = e.depth
            self._task(task.index)

    def _scratch(self) -> Value:
        e = self.e
        row_block = e.add(self.size("row_block"), e.integer(self.rows))
        rows = e.select(self.blocked, row_block, e.integer(self.rows))
        count = e.mul(rows, e.integer(self.row_size))
        kind = memory_type(self.dtype)
        return e.pure(f"alloca {kind}, {count}, align {self.target.vector_bytes}", PTR, 1, 0)

    def _task(self, task: Value) -> None:
        e = self.e
        row_block, panel_block = self.size("row_block"), self.size("panel_block")
        row_blocks = e.ceil_div(self.total_rows, row_block)
        panels = e.ceil_div(self.size("columns"), e.integer(self.width))
        panel_blocks = e.ceil_div(panels, panel_block)
        rest, panel_at = e.divide(task, panel_blocks)
        batch_at, row_at = e.divide(rest, row_blocks)
        first = e.mul(row_at, row_block)
        last = e.minimum(e.add(first, row_block), self.total_rows)
        batch = self._batch(batch_at)
        a = self._advance_batch(self.arguments.pointer(0), "a", batch, 0)
        b = self._advance_batch(self.arguments.pointer(1), "b", batch, 1)
        i = y = e.integer(0)
        x = first
        if not self.kernel.flat_rows:
            rest, x = e.divide(first, self.size("rows2"))
            i, y = e.divide(rest, self.size("rows1"))
        panel_first = e.mul(panel_at, panel_block)
        panel_last = e.minimum(e.add(panel_first, panel_block), panels)
        with e.loop(panel_first, panel_last) as loop:
            offset = e.mul(loop.index, self.size("b_panel"))
            column = e.mul(loop.index, e.integer(self.width))
            b_panel = memory.pointer(e, b, offset, self.kernel.buffers[1].dtype)
            panel = _Panel(batch, a, column, b_panel, self._masks(column))
            self._panel(panel, first, last, (i, y, x))

    def _batch(self, number: Value) -> tuple[Value, ...]:
        if self.kernel.batch == 0:
            return ()
        if self.kernel.batch == 1:
            return (number,)
        return self.e.divide(number, self.size("batch1"))

    def _advance_batch(
        self, base: Value, operand: str, batch: tuple[Value, ...], buffer: int
    ) -> Value:
        for axis, number in enumerate(batch):
            offset = self.e.mul(number, self.size(f"{operand}_batch{axis}"))
            base = memory.pointer(self.e, base, offset, self.kernel.buffers[buffer].dtype)
        return base

    def _masks(self, column: Value) -> tuple[Value | None, ...]:
        """Which columns each vector of an unpacked panel may load."""
        if self.kernel.packed:
            return (None,) * self.vectors
        e = self.e
        left = e.maximum(e.sub(self.size("columns"), column), e.integer(0))
        masks = []
        for v in range(self.vectors):
            count = e.minimum(left, e.integer((v + 1) * self.lanes))
            count = e.maximum(e.sub(count, e.integer(v * self.lanes)), e.integer(0))
            masks.append(lane_mask(e, count, self.lanes))
        return tuple(masks)

    def _panel(self, panel: _Panel, first: Value, last: Value, start: Position) -> None:
        e = self.e
        k = self.size("k")
        with e.loop(e.integer(0), e.maximum(k, e.integer(1)), self.k_step) as block:
            stop = e.minimum(e.add(block.index, self.k_step), k)
            is_first = e.compare("icmp eq", block.index, e.integer(0))
            is_last = e.compare("icmp sge", stop, k)
            flat = self.kernel.flat_rows
            with e.loop(first, last, self.rows, () if flat else start) as tile:
                at = (*start[:2], tile.index) if flat else tile.carried
                positions = self._positions(at, self.rows + 1)
                count = e.minimum(e.sub(last, tile.index), e.integer(self.rows))
                row = e.select(self.blocked, e.sub(tile.index, first), e.integer(0))
                scratch = memory.pointer(
                    e, self.scratch, e.mul(row, e.integer(self.row_size)), self.dtype
                )
                self._variants(panel, positions, count, scratch, (block.index, stop), is_first)
                with e.branch(is_last):
                    self._epilogue(panel, positions[0], count, scratch)
                tile.following = () if flat else positions[-1]

    def _positions(self, start: Sequence[Value], count: int) -> list[Position]:
        """The positions on the three row axes of `count` rows in sequence."""
        positions: list[Position] = [(start[0], start[1], start[2])]
        while len(positions) < count:
            positions.append(self._next_position(positions[-1]))
        return positions

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

    # --- the micro-kernel ---------------------------------------

    def _variants(
        self,
        panel: _Panel,
        positions: Sequence[Position],
        count: Value,
        scratch: Value,
        block: tuple[Value, Value],
        is_first: Value,
    ) -> None:
        """The micro-kernel for as few rows as there are, among some heights."""
        e = self.e
        heights = sorted({self.rows, -(-self.rows // 2), 1})
        for below, height in zip([0, *heights], heights, strict=False):
            fits = e.compare("icmp sle", count, e.integer(height))
            if below:
                fits = e.binary("and", fits, e.compare("icmp sgt", count, e.integer(below)))
            with e.branch(fits):
                exists = [e.compare("icmp sgt", count, e.integer(r)) for r in range(height)]
                micro = _MicroKernel(self, panel, positions[:height], exists)
                micro.write(scratch, block, is_first)

    # --- the epilogue ---------------------------------------

    def _epilogue(self, panel: _Panel, start: Position, count: Value, scratch: Value) -> None:
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
                self._store(panel, position, loop.index, sums, None)
            with e.branch(e.compare("icmp slt", middle, last)):
                mask = lane_mask(e, e.sub(last, middle), self.lanes)
                self._store(panel, position, middle, sums, mask)
            row.following = () if flat else self._next_position(position)

    def _store(
        self, panel: _Panel, position: Position, column: Value, sums: Value, mask: Value | None
    ) -> None:
        e = self.e
        axes = dict(enumerate((*panel.batch, *position, column)))
        offset = e.sub(column, panel.column)

        def accumulator(expr: Reduced | Accumulator) -> Value:
            assert isinstance(expr, Accumulator)
            at = e.add(offset, e.integer(expr.gate * self.width))
            address = memory.pointer(e, sums, at, self.dtype)
            return memory.load(e, address, self.dtype, self.lanes)

        evaluator = Evaluator(
            e, self.arguments, axes, len(axes) - 1, self.lanes, mask, self.floor, accumulator
        )
        for store in self.kernel.stores:
            evaluator.spread(store.value)
        for store in self.kernel.stores:
            evaluator.store(store)


class _MicroKernel:
    """The sums of one tile of rows over all taps and a block of k."""

    def __init__(
        self,
        writer: _Writer,
        panel: _Panel,
        positions: Sequence[Position],
        exists: Sequence[Value],
    ) -> None:
        self.writer = writer
        self.e = writer.e
        self.kernel = writer.kernel
        self.panel = panel
        self.columns = writer.kernel.gates * writer.vectors
        self.height = len(positions)
        self.chains = -(-_MIN_CHAINS // (self.height * self.columns))
        self.origins: list[tuple[Value, Value]] = []
        self.bases: list[Value] = []
        # Rows past the last one compute an earlier one again; nobody reads their sums.
        if self.kernel.flat_rows and not self.kernel.padded:
            self.bases = self._spaced(positions[0], exists)
            return
        for position, there in zip(positions, exists, strict=True):
            pairs = zip(position, positions[0], strict=True)
            i, y, x = (writer.e.select(there, p, first) for p, first in pairs)
            self.origins.append(self._origin((i, y, x)))
            self.bases.append(self._base(i, self.origins[-1]))

    def _spaced(self, start: Position, exists: Sequence[Value]) -> list[Value]:
        """Addresses of rows that are evenly spaced from that of `start`."""
        e, size = self.e, self.writer.size
        bases = [self._base(start[0], self._origin(start))]
        spacing = e.mul(size("step1"), size("a_row2"))
        for there in exists[1:]:
            step = e.select(there, spacing, e.integer(0))
            bases.append(memory.pointer(e, bases[-1], step, self.kernel.buffers[0].dtype))
        return bases

    def _origin(self, position: Position) -> tuple[Value, Value]:
        """Where tap (0, 0) of a row lies on the two spatial axes of A."""
        e, size = self.e, self.writer.size
        _, y, x = position
        first = e.sub(e.mul(y, size("step0")), size("pad0"))
        return first, e.sub(e.mul(x, size("step1")), size("pad1"))

    def _base(self, i: Value, origin: tuple[Value, Value]) -> Value:
        """The address of tap (0, 0) of a row, which may lie outside A."""
        e, size = self.e, self.writer.size
        offset = e.mul(i, size("a_row0"))
        offset = e.add(offset, e.mul(origin[0], size("a_row1")))
        offset = e.add(offset, e.mul(origin[1], size("a_row2")))
        return memory.pointer(e, self.panel.a, offset, self.kernel.buffers[0].dtype)

    def write(self, scratch: Value, block: tuple[Value, Value], is_first: Value) -> None:
        """Sum over the block and leave the sums in `scratch`."""
        e = self.e
        sums = self._initial(scratch, is_first)
        if self.kernel.unit_taps:
            sums = self._tap(e.integer(0), e.integer(0), block, sums)
        else:
            sums = self._taps(block, sums)
        for index in range(self.height * self.columns):
            chain = [sums[index + c * self.height * self.columns] for c in range(self.chains)]
            while len(chain) > 1:
                chain = [*chain[2:], e.binary("fadd", chain[0], chain[1])]
            at = e.integer(index * self.writer.lanes)
            memory.store(e, chain[0], self._scratch_at(scratch, at), self.writer.dtype)

    def _scratch_at(self, scratch: Value, at: Value) -> Value:
        return memory.pointer(self.e, scratch, at, self.writer.dtype)

    def _initial(self, scratch: Value, is_first: Value) -> list[Value]:
        """Zeros in the first block of k, then what the block before left."""
        e, w = self.e, self.writer
        count = self.height * self.columns
        zeros = [e.zero(w.dtype, w.lanes)] * count
        again = e.convert("zext", e.binary("xor", is_first, e.constant_true()), i64)
        with e.loop(e.integer(0), again, 1, zeros) as loop:
            loop.following = tuple(
                memory.load(e, self._scratch_at(scratch, e.integer(j * w.lanes)), w.dtype, w.lanes)
                for j in range(count)
            )
        return [*loop.results, *[zeros[0]] * (count * (self.chains - 1))]

    def _taps(self, block: tuple[Value, Value], sums: Sequence[Value]) -> list[Value]:
        e, size = self.e, self.writer.size
        with e.loop(e.integer(0), size("taps0"), 1, sums) as outer:
            with e.loop(e.integer(0), size("taps1"), 1, outer.carried) as inner:
                inner.following = tuple(self._tap(outer.index, inner.index, block, inner.carried))
            outer.following = inner.results
        return list(outer.results)

    def _tap(
        self, u: Value, v: Value, block: tuple[Value, Value], sums: Sequence[Value]
    ) -> list[Value]:
        e, size = self.e, self.writer.size
        tap = e.add(e.mul(u, size("taps1")), v)
        b = memory.pointer(e, self.panel.b, e.mul(tap, size("b_tap")), self.kernel.buffers[1].dtype)
        down, right = e.mul(u, size("dilate0")), e.mul(v, size("dilate1"))
        offset = e.add(e.mul(down, size("a_row1")), e.mul(right, size("a_row2")))
        rows = [
            memory.pointer(e, base, offset, self.kernel.buffers[0].dtype) for base in self.bases
        ]
        if self.kernel.padded:
            rows = [
                self._inside(row, e.add(origin[0], down), e.add(origin[1], right))
                for row, origin in zip(rows, self.origins, strict=True)
            ]
        return self._sum_over_k(rows, b, block, sums)

    def _inside(self, row: Value, y: Value, x: Value) -> Value:
        """`row`, or the row of zeros if (y, x) lies in the padding."""
        e, size = self.e, self.writer.size
        inside = e.binary(
            "and",
            e.compare("icmp ult", y, size("limit0")),
            e.compare("icmp ult", x, size("limit1")),
        )
        zeros = self.writer.arguments.pointer(len(self.kernel.buffers) - 1)
        return e.select(inside, row, zeros)

    def _sum_over_k(
        self, rows: Sequence[Value], b: Value, block: tuple[Value, Value], sums: Sequence[Value]
    ) -> list[Value]:
        e = self.e
        start, stop = block
        if self.height < self.writer.rows and self.chains == 1:
            # A rare tile: less code to compile matters more.
            with e.loop(start, stop, 1, sums) as loop:
                loop.following = tuple(self._steps(rows, b, loop.index, 1, loop.carried))
            return list(loop.results)
        middle = e.add(start, e.binary("and", e.sub(stop, start), e.integer(-_UNROLL)))
        with e.loop(start, middle, _UNROLL, sums) as loop:
            loop.following = tuple(self._steps(rows, b, loop.index, _UNROLL, loop.carried))
        with e.loop(middle, stop, 1, loop.results) as rest:
            rest.following = tuple(self._steps(rows, b, rest.index, 1, rest.carried))
        return list(rest.results)

    def _steps(
        self, rows: Sequence[Value], b: Value, k: Value, count: int, sums: Sequence[Value]
    ) -> list[Value]:
        """`count` steps of k from `k`: one rank-one update of the tile each."""
        e, w = self.e, self.writer
        sums = list(sums)
        dtype_a, dtype_b = (self.kernel.buffers[n].dtype for n in (0, 1))
        step = e.integer(w.row_size) if self.kernel.packed else w.size("b_k")
        address_b = memory.pointer(e, b, e.mul(k, step), dtype_b)
        a_step = e.integer(1) if self.kernel.unit_k else w.size("a_k")
        addresses = [memory.pointer(e, row, e.mul(k, a_step), dtype_a) for row in rows]
        for j in range(count):
            at = memory.pointer(e, address_b, e.mul(e.integer(j), step), dtype_b)
            right = self._load_b(at)
            chain = (j % self.chains) * self.height * self.columns
            for r, address in enumerate(addresses):
                place = memory.pointer(e, address, e.mul(e.integer(j), a_step), dtype_a)
                left = e.splat(memory.load(e, place, dtype_a, 1), w.lanes)
                for c, column in enumerate(right):
                    index = chain + r * self.columns + c
                    sums[index] = e.intrinsic("fma", w.dtype, [left, column, sums[index]])
        return sums

    def _load_b(self, address: Value) -> list[Value]:
        e, w = self.e, self.writer
        dtype = self.kernel.buffers[1].dtype
        vectors = []
        for g in range(self.kernel.gates):
            for v in range(w.vectors):
                at = e.integer(g * w.width + v * w.lanes)
                place = memory.pointer(e, address, at, dtype)
                vectors.append(memory.load(e, place, dtype, w.lanes, self.panel.masks[v]))
        return vectors
