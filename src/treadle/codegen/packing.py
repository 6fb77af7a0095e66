"""What callers of contraction kernels need: tiles, run-time sizes, task counts, packed weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from treadle.codegen.target import Target
from treadle.ir.dtypes import DType
from treadle.ir.loops import CONTRACTION_SIZES, Contraction, Dim, Kernel, LoopNest, Size, Tile

_ONES = (
    *("batch0", "batch1", "rows0", "rows1", "rows2", "taps0", "taps1"),
    *("step0", "step1", "dilate0", "dilate1", "a_k"),
)


def choose_tile(target: Target, dtype: DType, rows: int, columns: int, gates: int = 1) -> Tile:
    """The register tile for a contraction of this many rows and columns (per gate).

    As many accumulators as fit beside one vector per column and a broadcast; few rows get more
    vectors, few columns get more rows.
    """
    lanes = target.lanes(dtype)
    needed = max(1, -(-columns // lanes))
    if rows <= 2:
        return Tile(max(rows, 1), max(1, min(needed, 8 // gates)))
    budget = target.num_registers - 2
    shapes = ((6, 4), (8, 3), (12, 2), (14, 1)) if target.has_avx512 else ((4, 3), (6, 2), (8, 1))
    best: tuple[float, Tile] | None = None
    for height, vectors in shapes:
        if gates > 1:
            vectors = max(1, min(vectors // gates, needed))
            height = max(1, min(height, (budget - gates * vectors) // (gates * vectors)))
        height = min(height, rows)
        loads = height + gates * vectors
        padding = -(-needed // vectors) * vectors / needed
        cost = padding * max(1.0, loads / (height * gates * vectors) * 1.6)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, Tile(height, vectors))
    assert best is not None
    return best[1]


def panel_columns(kernel: Contraction, target: Target) -> int:
    """The columns of one gate in a panel."""
    return kernel.tile.vectors * target.lanes(kernel.buffers[0].dtype)


def contraction_sizes(**named: int) -> tuple[int, ...]:
    """The sizes of `CONTRACTION_SIZES` in order; those not named are 1 or 0.

    1: batch, rows, taps, steps, dilations, a_k. Required: columns, k, row_block, panel_block.
    Limits default to the largest integer.
    """
    unknown = named.keys() - set(CONTRACTION_SIZES)
    if unknown:
        raise TypeError(f"no such size of a contraction: {', '.join(sorted(unknown))}")
    values = dict.fromkeys(CONTRACTION_SIZES, 0) | dict.fromkeys(_ONES, 1)
    values |= {"limit0": 2**62, "limit1": 2**62} | named
    missing = [n for n in ("columns", "k", "row_block", "panel_block") if n not in named]
    if missing:
        raise TypeError(f"a contraction needs {', '.join(missing)}")
    return tuple(values[name] for name in CONTRACTION_SIZES)


def num_tasks(kernel: Kernel, sizes: Sequence[int], target: Target) -> int:
    """How many tasks a kernel has at these sizes."""

    def dim(value: Dim) -> int:
        return sizes[value.index] if isinstance(value, Size) else value

    if isinstance(kernel, LoopNest):
        return math.prod(-(-dim(a.extent) // dim(a.step)) for a in kernel.axes if a.step != 0)
    named = dict(zip(CONTRACTION_SIZES, sizes, strict=False))
    rows = named["rows0"] * named["rows1"] * named["rows2"]
    panels = -(-named["columns"] // panel_columns(kernel, target))
    batch = math.prod(named[f"batch{axis}"] for axis in range(kernel.batch))
    return batch * -(-rows // named["row_block"]) * -(-panels // named["panel_block"])


def pack_b(
    kernel: Contraction, b: npt.NDArray[np.generic], target: Target
) -> npt.NDArray[np.generic]:
    """Weights in the order a `packed` kernel reads them: [panel, tap, k, gate, column].

    Args:
        kernel: the kernel that will read them.
        b: ``[taps, k, n]``, or ``[taps, k, gates, n]`` if the kernel has gates.
        target: the target that the kernel is compiled for.

    Returns:
        A contiguous array, filled with zeros to whole panels. Its strides are the kernel's sizes
        ``b_panel = taps * k * gates * width``, ``b_tap = k * gates * width``,
        ``b_k = gates * width``.
    """
    width = panel_columns(kernel, target)
    taps, k, n = b.shape[0], b.shape[1], b.shape[-1]
    panels = -(-n // width)
    packed = np.zeros((panels, taps, k, kernel.gates, width), b.dtype)
    source = b.reshape(taps, k, kernel.gates, n)
    for panel in range(panels):
        part = source[..., panel * width : (panel + 1) * width]
        packed[panel, ..., : part.shape[-1]] = part
    return packed


def packed_strides(kernel: Contraction, taps: int, k: int, target: Target) -> dict[str, int]:
    """The sizes ``b_panel``, ``b_tap``, ``b_k`` of weights packed by `pack_b`."""
    row = kernel.gates * panel_columns(kernel, target)
    return {"b_panel": taps * k * row, "b_tap": k * row, "b_k": row}
