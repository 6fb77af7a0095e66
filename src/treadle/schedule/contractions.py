"""Convolutions and matrix products as contractions: operands, packing, tiles, epilogues."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from treadle.ir.dtypes import DType
from treadle.ir.graph import Value
from treadle.ir.loops import (
    CONTRACTION_SIZES,
    Accumulator,
    Buffer,
    Contraction,
    Expr,
    LoopNest,
    Stage,
    Store,
    Tile,
)  # fmt: skip
from treadle.ir.symbols import is_zero
from treadle.ops.expr import add
from treadle.schedule.blocks import choose_blocks, part_of_k
from treadle.schedule.choices import choice
from treadle.schedule.fused import Fused
from treadle.schedule.groups import Group
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement, constant_place
from treadle.schedule.places import Place, Space, Storage
from treadle.schedule.steps import Packing, Step, count_tasks, grain, stream_cost, task_axes


@dataclass(slots=True)
class Product:
    """A contraction before it is a kernel: operands, and how the result's dims map to its axes.

    `rows` are three (extent, stride of A), `batch` up to two (extent, stride of A, stride of B).
    `spread(strides)` turns strides over the dims of the result into those of the axes: batch...,
    three rows, column.
    """

    a: Place
    columns: int
    k: int
    a_k: int
    rows: list[tuple[int, int]]
    spread: Callable[[Sequence[int]], tuple[int, ...]]
    batch: list[tuple[int, int, int]]
    taps: tuple[int, int] = (1, 1)
    step: tuple[int, int] = (1, 1)
    dilate: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    limit: tuple[int, int] = (0, 0)

    @property
    def num_rows(self) -> int:
        """Rows of A, over all three row axes."""
        return math.prod(n for n, _ in self.rows)

    @property
    def padded(self) -> bool:
        """Whether taps may lie outside of A."""
        return any(self.pad)


@dataclass(frozen=True, slots=True)
class Operand:
    """Where B is: strides of its panels, taps and k, and whether panels are full."""

    place: Place
    panel: int
    tap: int
    k: int
    packed: bool
    batch: tuple[int, ...] = ()


def packed_columns(machine: Machine, dtype: DType, tile: Tile, gates: int = 1) -> int:
    """Columns of a panel, all gates together."""
    return tile.vectors * machine.lanes(dtype) * gates


def packed_weight(
    packing: Callable[[Storage], Packing], dtype: DType, panel: int, taps: int, k: int,
    columns: int, batch: int,
) -> tuple[Operand, Packing]:  # fmt: skip
    """The operand that a packing makes: batches of panels of taps of k rows."""
    panels = -(-columns // panel)
    each = panels * taps * k * panel
    storage = Storage(Space.CONSTANT, each * batch * dtype.itemsize)
    place = Place(storage, dtype, (each * batch,), (1,))
    strides = (each,) if batch > 1 else (0,)
    return Operand(place, taps * k * panel, k * panel, panel, True, strides), packing(storage)


def contraction_step(
    group: Group, product: Product, b: Operand, tile: Tile, target: Place, placement: Placement,
    machine: Machine, *, bias: Callable[[Callable[[Value], Expr]], Expr | None] | None = None,
) -> Step:  # fmt: skip
    """The kernel of `product`, finished by the group's pointwise nodes and written to `target`."""
    assert group.anchor is not None
    dtype = product.a.dtype
    builder = NestBuilder(sizes=[0] * len(CONTRACTION_SIZES))
    builder.buffers.append(Buffer(dtype))
    builder.bound.append((product.a.storage, product.a.offset * dtype.itemsize))
    builder.buffers.append(Buffer(b.place.dtype))
    builder.bound.append((b.place.storage, b.place.offset * dtype.itemsize))

    def load(value: Value) -> Expr:
        place = placement[value]
        lead = len(target.shape) - len(place.shape)
        own = [0 if n == 1 else s for n, s in zip(place.shape, place.strides, strict=True)]
        strides = product.spread([0] * lead + own)
        return builder.load(place, strides, range(len(strides)))

    total: Expr = Accumulator(0, dtype)
    extra = bias(load) if bias is not None else None
    if extra is not None:
        total = add(total, extra)
    value = Fused(group, {group.anchor.output: total}, load)(group.result)
    strides = product.spread(target.strides)
    store = builder.store(target, strides, range(len(strides)), value)
    if product.padded:
        zeros = zero_row(product.k, dtype)
        builder.buffers.append(Buffer(dtype))
        builder.bound.append((zeros.storage, 0))
    return finish_contraction(group.name, builder, product, b, tile, (store,), machine, group)


def finish_contraction(
    name: str, builder: NestBuilder, product: Product, b: Operand, tile: Tile,
    stores: tuple[Store, ...], machine: Machine, group: Group | None,
    gates: int = 1,
) -> Step:  # fmt: skip
    """The step of a contraction whose buffers and stores are in `builder` already."""
    dtype = product.a.dtype
    panel = packed_columns(machine, dtype, tile)
    panels = -(-product.columns // panel)
    taps = product.taps[0] * product.taps[1]
    batch = math.prod(n for n, _, _ in product.batch)
    blocks = choose_blocks(
        machine, product.num_rows, panels, panel * gates, tile.rows, product.k, taps,
        dtype.itemsize, batch,
    )  # fmt: skip
    weights = b.place.storage.space is Space.CONSTANT  # their k is known ahead
    kernel = Contraction(
        name, tuple(builder.buffers), len(product.batch), product.padded, b.packed,
        stores, tile, gates, product.a_k == 1, product.taps == (1, 1),
        product.rows[0][0] == product.rows[1][0] == 1,
        weights and blocks.k == 0 and product.k <= part_of_k(taps),
    )  # fmt: skip
    named = {
        "columns": product.columns, "k": product.k, "taps0": product.taps[0],
        "taps1": product.taps[1], "a_k": product.a_k, "step0": product.step[0],
        "step1": product.step[1], "dilate0": product.dilate[0], "dilate1": product.dilate[1],
        "pad0": product.pad[0], "pad1": product.pad[1], "limit0": product.limit[0],
        "limit1": product.limit[1], "b_panel": b.panel, "b_tap": b.tap, "b_k": b.k,
        "row_block": blocks.rows, "panel_block": blocks.panels, "k_block": blocks.k,
        "k_part": part_of_k(taps),
        "batch0": 1, "batch1": 1,
    }  # fmt: skip
    for i, (extent, stride) in enumerate(product.rows):
        named |= {f"rows{i}": extent, f"a_row{i}": stride}
    for i, (extent, a_stride, b_stride) in enumerate(product.batch):
        named |= {f"batch{i}": extent, f"a_batch{i}": a_stride, f"b_batch{i}": b_stride}
    for i, size in enumerate(CONTRACTION_SIZES):
        builder.sizes[i] = named.get(size, 0)
    tasks = batch * -(-product.num_rows // blocks.rows) * -(-panels // blocks.panels)
    multiplied = product.columns * gates * product.k * taps
    cost = _cost(machine, batch * product.num_rows, multiplied, multiplied * dtype.itemsize)
    return Step(
        name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc if group else None, cost,
    )  # fmt: skip


def backwards(step: Step) -> Step:
    """The same contraction, with its panels from the last to the first."""
    at = CONTRACTION_SIZES.index("backwards")
    return replace(step, sizes=(*step.sizes[:at], 1, *step.sizes[at + 1 :]))


_ZEROS: dict[tuple[int, str], Place] = {}


def zero_row(k: int, dtype: DType) -> Place:
    """A constant row of at least `k` zeros, shared by all plans."""
    size = 1 << max(k - 1, 63).bit_length()
    key = (size, dtype.name)
    if key not in _ZEROS:
        _ZEROS[key] = constant_place(np.zeros(size, dtype.numpy))
    return _ZEROS[key]


@choice
def _cost(machine: Machine, rows: int, multiplied: int, b_bytes: int) -> float:
    """Nanoseconds of a product in which each of `rows` rows meets `multiplied` values of B."""
    flops = 2.0 * rows * multiplied
    return max(flops / machine.flops_per_ns, b_bytes / (2 * machine.bytes_per_ns))


def pack_steps(
    place: Place, batch: Sequence[tuple[int, int]], k: tuple[int, int], n: tuple[int, int],
    panel: int, placement: Placement, machine: Machine,
) -> tuple[list[Step], Operand]:  # fmt: skip
    """Copy a run-time B into full panels. `batch`, `k` and `n` are (extent, stride) of B's dims.

    Columns past the end of the last panel stay as they are: they are computed and never stored.
    """
    panels = -(-n[0] // panel)
    each = panels * k[0] * panel
    extents = [e for e, _ in batch]
    target = placement.scratch(place, [math.prod(extents) * each])
    outer = [each * math.prod(extents[i + 1 :]) for i in range(len(extents))]
    steps: list[Step] = []
    whole, tail = divmod(n[0], panel)
    for count, first, width in ((whole, 0, panel), (1, whole, tail)):
        if is_zero(count) or is_zero(width):
            continue
        shape = [*extents, count, k[0], width]
        builder = NestBuilder()
        axes = task_axes(builder, shape)
        at = target.view(target.shape, target.strides, first * k[0] * panel)
        origin = place.view(place.shape, place.strides, place.offset + first * panel * n[1])
        numbers = range(len(shape))
        value = builder.load(origin, [*(s for _, s in batch), panel * n[1], k[1], n[1]], numbers)
        store = builder.store(at, [*outer, k[0] * panel, panel, 1], numbers, value)
        kernel = LoopNest("pack", tuple(builder.buffers), axes, (Stage((), (), (store,)),))
        elements = math.prod(shape)
        cost = stream_cost(machine, elements, 2 * elements * place.dtype.itemsize, 8)
        tasks = count_tasks(axes, builder.sizes)
        steps.append(
            Step("pack", kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
                 None, cost)
        )  # fmt: skip
    return steps, Operand(target, k[0] * panel, 0, panel, True, tuple(outer))


def run_operand(
    b: Place, batch: Sequence[tuple[int, int]], direct: bool, panel: int, placement: Placement,
    machine: Machine,
) -> tuple[list[Step], Operand]:  # fmt: skip
    """B of a run as the product reads it: where it lies if `direct`, else packed."""
    if direct:
        return [], Operand(b, panel, 0, b.strides[-2], False, tuple(s for _, s in batch))
    k, n = ((b.shape[d], b.strides[d]) for d in (-2, -1))
    return pack_steps(b, batch, k, n, panel, placement, machine)
