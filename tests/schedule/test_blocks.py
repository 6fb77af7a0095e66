"""Tiles and blocks of contractions, and the cut of loops into tasks."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.ir.dtypes import DType, bf16, f16, f32, f64
from treadle.ir.loops import Axis, Size
from treadle.schedule.blocks import choose_blocks
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.schedule import make_schedule
from treadle.schedule.steps import count_tasks, task_axes

_AVX2, _AVX512 = Machine(32, 16), Machine(64, 32)
_sizes = st.integers(0, 3000)


@pytest.mark.parametrize("machine", [_AVX2, _AVX512])
@given(_sizes, _sizes, st.sampled_from([f32, f64]), st.sampled_from([1, 4]))
def test_a_tile_fits_the_registers(
    machine: Machine, rows: int, columns: int, dtype: DType, gates: int
) -> None:
    tile = machine.tile(dtype, rows, columns, gates)
    assert tile.rows >= 1
    assert tile.vectors >= 1
    panel = tile.vectors * gates
    assert tile.chains * tile.rows * panel + panel + 1 <= machine.registers


@pytest.mark.parametrize("dtype", [f16, bf16])
def test_short_floats_are_computed_in_lanes_of_f32(dtype: DType) -> None:
    assert _AVX512.lanes(dtype) == _AVX512.lanes(f32) == 16


@given(_sizes, st.integers(0, 40), st.integers(0, 600), st.integers(1, 9), st.integers(0, 40))
def test_blocks_are_whole_tiles(rows: int, panels: int, depth: int, taps: int, batch: int) -> None:
    blocks = choose_blocks(_AVX2, rows, panels, 16, 6, depth, taps, 4, batch)
    assert blocks.rows >= 1
    assert blocks.panels >= 1
    assert blocks.rows % 6 == 0 or blocks.rows >= rows
    assert 0 <= blocks.k <= max(depth + 15, 16)


def test_no_decision_knows_of_threads() -> None:
    """Results must not depend on threads, so a partition may not either."""
    names = {f.name for f in fields(Machine)}
    for function in (make_schedule, choose_blocks, task_axes):
        names |= set(inspect.signature(function).parameters)
    assert not any("thread" in n or "budget" in n or "core" in n for n in names)


@given(st.lists(st.integers(0, 40000), min_size=1, max_size=4), st.integers(1, 50000))
def test_tasks_cover_every_position(extents: list[int], work: int) -> None:
    builder = NestBuilder()
    axes = task_axes(builder, extents, work)

    def value(axis: Axis) -> tuple[int, int]:
        step = builder.sizes[axis.step.index] if isinstance(axis.step, Size) else axis.step
        assert isinstance(axis.extent, Size)
        return builder.sizes[axis.extent.index], step

    assert [value(a)[0] for a in axes] == extents
    assert value(axes[0])[1] > 0
    assert (count_tasks(axes, builder.sizes) > 0) == all(extents)
