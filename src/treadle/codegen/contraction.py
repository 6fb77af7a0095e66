"""`Contraction` kernels to LLVM IR: a register-tiled batch-reduce GEMM with a fused epilogue.

A task is a block of rows and a block of panels. For each panel, block of k and tile of rows, the
micro-kernel keeps ``rows x gates x vectors`` accumulators in registers while it runs over taps and
k (Georganas et al. 2020, "Harnessing Deep Learning via a Single Building Block"). Its sums go
to the epilogue from the registers, or through a small scratch area, which also holds partial sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from treadle.codegen import memory
from treadle.codegen.casts import memory_type
from treadle.codegen.emit import Emitter
from treadle.codegen.epilogue import EpilogueCode
from treadle.codegen.microkernel import MicroKernel, Panel, Position
from treadle.codegen.target import Target
from treadle.codegen.values import PTR, Value
from treadle.ir.dtypes import i64
from treadle.ir.loops import Contraction


def emit_contraction(kernel: Contraction, target: Target) -> Emitter:
    """An emitter that holds the body of the kernel's function."""
    writer = _Writer(kernel, target)
    writer.write()
    return writer.e


class _Writer(EpilogueCode):
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
        backwards = e.compare("icmp ne", self.size("backwards"), e.integer(0))
        with e.loop(panel_first, panel_last) as loop:
            mirrored = e.sub(e.sub(panels, e.integer(1)), loop.index)
            number = e.select(backwards, mirrored, loop.index)
            offset = e.mul(number, self.size("b_panel"))
            column = e.mul(number, e.integer(self.width))
            b_panel = memory.pointer(e, b, offset, self.kernel.buffers[1].dtype)
            panel = Panel(batch, a, column, b_panel, self._masks(column))
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
        return (None,) * self.vectors if self.kernel.packed else self._column_masks(column)

    def _panel(self, panel: Panel, first: Value, last: Value, start: Position) -> None:
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
                done = self._is_direct(panel, count)
                self._variants(
                    panel, positions, count, scratch, (block.index, stop), is_first, done
                )
                undone = e.binary("xor", done, e.constant_true())
                with e.branch(e.binary("and", is_last, undone)):
                    self._epilogue(panel, positions[0], count, scratch)
                tile.following = () if flat else positions[-1]

    def _positions(self, start: Sequence[Value], count: int) -> list[Position]:
        """The positions on the three row axes of `count` rows in sequence."""
        positions: list[Position] = [(start[0], start[1], start[2])]
        while len(positions) < count:
            positions.append(self._next_position(positions[-1]))
        return positions

    # --- the micro-kernel ---------------------------------------

    def _variants(
        self,
        panel: Panel,
        positions: Sequence[Position],
        count: Value,
        scratch: Value,
        block: tuple[Value, Value],
        is_first: Value,
        done: Value,
    ) -> None:
        """The micro-kernel for as few rows as there are, among some heights.

        If `done`, the highest one applies the epilogue to its sums in registers.
        """
        e = self.e
        heights = sorted({self.rows, -(-self.rows // 2), 1})
        for below, height in zip([0, *heights], heights, strict=False):
            fits = e.compare("icmp sle", count, e.integer(height))
            if below:
                fits = e.binary("and", fits, e.compare("icmp sgt", count, e.integer(below)))
            with e.branch(fits):
                exists = [e.compare("icmp sgt", count, e.integer(r)) for r in range(height)]
                micro = MicroKernel(self, panel, positions[:height], exists)
                if height < self.rows or done.constant is not None:
                    micro.write(scratch, block, is_first)
                else:
                    finish = partial(self._finish, panel, positions)
                    micro.write(scratch, block, is_first, done, finish)
