"""Contractions without a schedule: their tiles, run-time sizes, task counts and packed weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from treadle.codegen import Target
from treadle.ir.dtypes import DType
from treadle.ir.loops import CONTRACTION_SIZES, Contraction, Dim, LoopNest, Size, Tile
from treadle.schedule.machine import Machine
from treadle.schedule.places import Space, Storage
from treadle.schedule.steps import Packing

_ONES = (
    *("batch0", "batch1", "rows0", "rows1", "rows2", "taps0", "taps1"),
    *("step0", "step1", "dilate0", "dilate1", "a_k"),
)


def choose_tile(target: Target, dtype: DType, rows: int, columns: int, gates: int = 1) -> Tile:
    """The register tile that a schedule for `target` takes."""
    machine = Machine(vector_bytes=target.vector_bytes, registers=target.num_registers)
    return machine.tile(dtype, rows, columns, gates)


def panel_columns(kernel: Contraction, target: Target) -> int:
    """The columns of one gate in a panel."""
    return kernel.tile.vectors * target.lanes(kernel.buffers[0].dtype)


def contraction_sizes(**named: int) -> tuple[int, ...]:
    """The sizes of `CONTRACTION_SIZES` in order; those not named are 1 or 0.

    1: batch, rows, taps, steps, dilations, a_k. Required: columns, k, row_block, panel_block.
    Limits default to the largest integer.
    """
    values = dict.fromkeys(CONTRACTION_SIZES, 0) | dict.fromkeys(_ONES, 1)
    values |= {"limit0": 2**62, "limit1": 2**62} | named
    assert {"columns", "k", "row_block", "panel_block"} <= named.keys() <= set(CONTRACTION_SIZES)
    return tuple(values[name] for name in CONTRACTION_SIZES)


def num_tasks(kernel: LoopNest | Contraction, sizes: Sequence[int], target: Target) -> int:
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
    """`b`, [taps, k, n] or [taps, k, gates, n], in the order a `packed` kernel reads it."""
    four = b.reshape(b.shape[0], b.shape[1], kernel.gates, b.shape[-1])
    storage = Storage(Space.CONSTANT, 0)
    packing = Packing(four, (), lambda w: w[None], panel_columns(kernel, target), storage)
    return packing.packed()


def packed_strides(kernel: Contraction, taps: int, k: int, target: Target) -> dict[str, int]:
    """The sizes ``b_panel``, ``b_tap``, ``b_k`` of weights packed by `pack_b`."""
    row = kernel.gates * panel_columns(kernel, target)
    return {"b_panel": taps * k * row, "b_tap": k * row, "b_k": row}
