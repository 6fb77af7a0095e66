"""How a contraction is cut into tasks, from its sizes alone: never from the number of threads."""

from __future__ import annotations

import math
from dataclasses import dataclass

from treadle.schedule.choices import choice
from treadle.schedule.machine import Machine

TASK_FLOPS = 1.2e6
"""About 10 us on one thread: enough to hide the claim, little enough to balance."""
TASK_BYTES = 256 << 10
"""Of weights, for products of few rows, which only stream them: about 10 us too."""
MAX_TASKS = 512
SUM_LENGTH = 96
"""Products that are summed one after another; the sums of so many are then added up."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Rows and panels of a task, and the part of k summed at a time (0: all)."""

    rows: int
    panels: int
    k: int


@choice
def choose_blocks(
    machine: Machine, rows: int, panels: int, panel_columns: int, tile_rows: int, depth: int,
    taps: int, itemsize: int, batch: int,
) -> Blocks:  # fmt: skip
    """Blocks of a product of `rows` rows, `depth` the length of k of each of `taps` taps.

    Among cuts into about the wanted number of tasks, the one that moves the least: a task reads
    its rows of A and its panels of B, so A is read once for each block of panels, B once for each
    block of rows. A's block has to stay in half of L2.
    """
    if not rows or not panels or not batch:
        return Blocks(max(rows, 1), max(panels, 1), 0)
    k = depth * taps
    flops = 2.0 * rows * panels * panel_columns * k
    b_bytes = panels * panel_columns * k * itemsize
    wanted = min(max(flops / TASK_FLOPS, b_bytes / TASK_BYTES, 1.0), MAX_TASKS / max(batch, 1))
    tiles = -(-rows // tile_rows)
    best, best_cost = (rows, panels), math.inf
    for panel_block in sorted({max(1, -(-panels // n)) for n in range(1, panels + 1)}):
        columns = -(-panels // panel_block)
        tile_block = max(1, min(tiles, round(tiles * columns / wanted)))
        row_block = tile_block * tile_rows
        height = -(-rows // row_block)
        a_bytes = rows * depth * itemsize
        block_bytes = min(row_block, rows) * depth * itemsize
        cost = float(height * b_bytes + columns * a_bytes)
        cost *= 1.0 if block_bytes <= machine.l2_bytes / 2 or panel_block == 1 else 2.0
        cost *= 1.0 + abs(math.log(height * columns / wanted)) / 4
        if cost < best_cost:
            best, best_cost = (row_block, panel_block), cost
    k_block = _k_block(machine, best[0], tile_rows, panel_columns, depth, taps, itemsize)
    return Blocks(*best, k_block)


def part_of_k(taps: int) -> int:
    """Positions of k, at least 16, whose products over all taps are at most `SUM_LENGTH`."""
    return max(SUM_LENGTH // max(taps, 1) // 16, 1) * 16


def _k_block(
    machine: Machine, rows: int, tile_rows: int, panel_columns: int, depth: int, taps: int,
    itemsize: int,
) -> int:  # fmt: skip
    """Part of k such that a panel of B stays in cache while the rows of the task go by."""
    panel_bytes = depth * taps * panel_columns * itemsize
    budget = machine.l2_bytes // 2
    if rows <= tile_rows or panel_bytes <= budget:
        return 0
    parts, unit = -(-panel_bytes // budget), part_of_k(taps)
    return -(-depth // parts // unit) * unit
