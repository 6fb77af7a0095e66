"""The micro-kernel of contractions: the sums of one tile of rows, in registers.

It runs over the taps and a block of k, one rank-one update of the tile per step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from treadle.codegen import memory
from treadle.codegen.arguments import Arguments
from treadle.codegen.emit import Emitter
from treadle.codegen.target import Target
from treadle.codegen.values import Value, compute_dtype
from treadle.ir.loops import CONTRACTION_SIZES, Contraction, Size

_UNROLL = 4
Position = tuple[Value, Value, Value]


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of one task: its batch position, first column, and B."""

    batch: tuple[Value, ...]
    a: Value
    column: Value
    b: Value
    masks: tuple[Value | None, ...]


class ContractionCode:
    """What the parts of a contraction's code share: the kernel, its emitter, sizes, widths."""

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
        part, whole = self.size("k_part"), self.e.maximum(self.size("k"), self.e.integer(1))
        is_cut = self.e.compare("icmp sgt", part, self.e.integer(0))
        self.part_size = self.e.select(is_cut, part, whole)

    def size(self, name: str) -> Value:
        """A run-time size by its name."""
        return self.arguments.dim(Size(CONTRACTION_SIZES.index(name)))


class MicroKernel:
    """The sums of one tile of rows over all taps and a block of k."""

    def __init__(
        self,
        writer: ContractionCode,
        panel: Panel,
        positions: Sequence[Position],
        exists: Sequence[Value],
    ) -> None:
        self.writer = writer
        self.e = writer.e
        self.kernel = writer.kernel
        self.panel = panel
        self.columns = writer.kernel.gates * writer.vectors
        self.height = len(positions)
        self.chains = self.kernel.tile.chains
        self.origins: list[tuple[Value, Value]] = []
        self.bases: list[Value] = []
        self.spacing: list[Value] = []
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

    def write(
        self, scratch: Value, block: tuple[Value, Value], is_first: Value,
        done: Value | None = None, finish: Callable[[Sequence[Value]], None] | None = None,
    ) -> None:  # fmt: skip
        """Sum over the block and leave the sums in `scratch`, or add them to what is there.

        If `done` holds, there is one part of k, and ``finish(sums)`` gets its sums. It takes parts
        of k and adds up their sums: rounding errors grow with the length of a sum.
        """
        e, (start, stop) = self.e, block
        size = self.writer.part_size
        after_start = e.maximum(stop, e.add(start, e.integer(1)))
        with e.loop(start, after_start, size, entered=True) as part:
            end = e.minimum(e.add(part.index, size), stop)
            sums = self._sums((part.index, end))
            is_begin = e.compare("icmp eq", part.index, start)
            begins = e.binary("and", is_first, is_begin)
            if done is None or finish is None:
                self._add(scratch, sums, begins)
            else:
                with e.branch(done):
                    finish(sums)
                with e.branch(e.binary("xor", done, e.constant_true())):
                    self._add(scratch, sums, begins)

    def _sums(self, part: tuple[Value, Value]) -> list[Value]:
        """The sums over all taps and a part of k."""
        e, w = self.e, self.writer
        count = self.height * self.columns
        sums = [e.zero(w.dtype, w.lanes)] * (count * self.chains)
        if self.kernel.unit_taps:
            sums = self._tap(e.integer(0), e.integer(0), part, sums)
        else:
            sums = self._taps(part, sums)
        totals = []
        for index in range(count):
            chain = [sums[index + c * count] for c in range(self.chains)]
            while len(chain) > 1:
                chain = [*chain[2:], e.binary("fadd", chain[0], chain[1])]
            totals += chain
        return totals

    def _add(self, scratch: Value, sums: Sequence[Value], is_first: Value) -> None:
        """Write `sums` to `scratch`, or add them if others are there."""
        e, w = self.e, self.writer
        with e.branch(is_first):
            for index, total in enumerate(sums):
                at = self._scratch_at(scratch, e.integer(index * w.lanes))
                memory.store(e, total, at, w.dtype)
        with e.branch(e.binary("xor", is_first, e.constant_true())):
            for index, total in enumerate(sums):
                at = self._scratch_at(scratch, e.integer(index * w.lanes))
                before = memory.load(e, at, w.dtype, w.lanes)
                memory.store(e, e.binary("fadd", before, total), at, w.dtype)

    def _scratch_at(self, scratch: Value, at: Value) -> Value:
        return memory.pointer(self.e, scratch, at, self.writer.dtype)

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
        a_k = e.integer(1) if self.kernel.unit_k else size("a_k")
        self.spacing = [a_k] * self.height
        if self.kernel.padded:
            for r, (row, origin) in enumerate(zip(rows, self.origins, strict=True)):
                there = e.add(origin[0], down), e.add(origin[1], right)
                rows[r], self.spacing[r] = self._inside(row, a_k, *there)
        return self._sum_over_k(rows, b, block, sums)

    def _inside(self, row: Value, a_k: Value, y: Value, x: Value) -> tuple[Value, Value]:
        """`row` and the spacing of its elements, or a row of zeros if (y, x) is in the padding."""
        e, size = self.e, self.writer.size
        inside = e.binary(
            "and",
            e.compare("icmp ult", y, size("limit0")),
            e.compare("icmp ult", x, size("limit1")),
        )
        zeros = self.writer.arguments.pointer(len(self.kernel.buffers) - 1)
        # There are k zeros: with wider spacing, the first is read over and over.
        spacing = a_k if self.kernel.unit_k else e.select(inside, a_k, e.integer(0))
        return e.select(inside, row, zeros), spacing

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
        addresses = [
            memory.pointer(e, row, e.mul(k, spacing), dtype_a)
            for row, spacing in zip(rows, self.spacing, strict=True)
        ]
        for j in range(count):
            at = memory.pointer(e, address_b, e.mul(e.integer(j), step), dtype_b)
            right = self._load_b(at)
            chain = (j % self.chains) * self.height * self.columns
            for r, address in enumerate(addresses):
                place = memory.pointer(e, address, e.mul(e.integer(j), self.spacing[r]), dtype_a)
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
