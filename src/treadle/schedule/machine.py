"""What the schedule knows of the machine, and the register tiles that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.ir.dtypes import DType
from treadle.ir.loops import Tile
from treadle.schedule.choices import choice

PAGE_BYTES = 4096
"""Addresses this far apart share a set of L1, on every x86 core since 2008."""
ALIASED_ROWS = 6
"""Of the 8 ways or more of a set, B's streams need the others."""

TALLEST = 10
"""The addresses of more rows than this, and the rest, do not fit 16 registers (12 rows: -20 %)."""
MIN_SUMS = 8
"""Sums under way at once that hide the latency of an FMA: 4 cycles, two a cycle."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Sizes in bytes; rates are only used to compare choices.

    `flops_per_ns` counts float32 on one thread, `bytes_per_ns` what one thread streams.
    """

    vector_bytes: int = 32
    registers: int = 16
    l1_bytes: int = 32 << 10
    l2_bytes: int = 1 << 20
    flops_per_ns: float = 100.0
    bytes_per_ns: float = 15.0

    def lanes(self, dtype: DType) -> int:
        """How many values of `dtype` a vector holds; 16-bit floats are computed as f32."""
        return self.vector_bytes // max(dtype.itemsize, 4 if dtype.is_floating else 1)

    def chains(self, dtype: DType, rows: int, columns: int, gates: int = 1) -> int:
        """Sums for each element of a product: enough to hide the latency of an FMA, 4 at most.

        The bits of the result depend on it, so it follows from the product's sizes, not its tile.
        """
        vectors = 1 if gates > 1 else -(-max(columns, 1) // self.lanes(dtype))
        for chains in (1, 2, 3):
            if max(rows, 1) * vectors * gates * chains >= MIN_SUMS:
                return chains
        return 4

    def tile(
        self, dtype: DType, rows: int, columns: int, gates: int = 1, row_stride: int = 0,
        together: int | None = None,
    ) -> Tile:  # fmt: skip
        """The register tile for a product of `rows` rows and `columns` columns.

        `together`: rows of one product, if strides let several be one.
        """
        chains = self.chains(dtype, rows if together is None else together, columns, gates)
        return self._tile(dtype, rows, columns, gates, row_stride, chains)

    @choice
    def _tile(
        self, dtype: DType, rows: int, columns: int, gates: int, row_stride: int, chains: int
    ) -> Tile:
        """The fastest tile.

        Accumulators, a panel row of B and one value of A must fit the registers. Among those
        tiles, the one with the least estimated cycles: columns are padded to whole panels, rows to
        whole tiles, and each step of k costs its FMAs or its loads, whichever is more.

        Rows of A that are `row_stride` elements apart, a multiple of 4 KiB, all fall into one set
        of L1: then the tile has fewer rows than the set has ways (14 rows: 77 GFLOP/s, 6 rows:
        105, at k = 1024); of 2 KiB, into two (14 rows: 101, 6: 111, at k = 512).
        """
        if gates > 1:
            return Tile(min(max(rows, 1), self.registers // gates - 2), 1, chains)
        lanes = self.lanes(dtype)
        aliased = row_stride > 0 and row_stride * dtype.itemsize % (PAGE_BYTES // 2) == 0
        tallest = ALIASED_ROWS if aliased else TALLEST
        best, best_cost = Tile(1, 1, chains), float("inf")
        for vectors in range(1, 9):
            for height in range(1, tallest + 1):
                if chains * height * vectors + vectors + 1 > self.registers:
                    continue
                tiles = -(-max(rows, 1) // height) * -(-max(columns, 1) // (vectors * lanes))
                arithmetic = max(height * vectors, MIN_SUMS / chains)
                cost = tiles * max(arithmetic, 1.0 * (vectors + height)) + 0.5 * tiles
                if cost < best_cost:
                    best, best_cost = Tile(height, vectors, chains), cost
        return best
