"""Lanes that are every other element: pairs of parts, read and written by whole vectors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.codegen.checking import check, each_target
from treadle.codegen import Target
from treadle.ir.dtypes import DType, f32, f64
from treadle.ir.loops import Access, Axis, Buffer, Call, Expr, Load, LoopNest, Size, Stage, Store


def conjugated(dtype: DType, gap: int) -> LoopNest:
    """Pairs (a, b) as (b, -a); with a `gap`, the second store is not beside the first."""
    parts = [Load(Access(0, ((0, 2),), part), dtype) for part in (0, 1)]
    values: tuple[Expr, Expr] = parts[1], Call("neg", (parts[0],), dtype)
    places = Access(1, ((0, 2),)), Access(1, ((0, 2),), 1 + gap)
    stores = tuple(Store(a, v) for a, v in zip(places, values, strict=True))
    axes = (Axis(Size(0), 64),)
    return LoopNest(
        "conjugated", (Buffer(dtype), Buffer(dtype, True)), axes, (Stage((), (), stores),)
    )


@each_target
@pytest.mark.parametrize("gap", [0, 200])
@pytest.mark.parametrize("dtype", [f32, f64], ids=str)
@pytest.mark.parametrize("count", [0, 1, 7, 8, 16, 17, 40, 100])
def test_pairs_are_read_and_written_as_they_lie(
    count: int, dtype: DType, gap: int, target: Target
) -> None:
    x = np.random.default_rng(0).standard_normal(2 * count).astype(dtype.numpy)
    y = np.zeros(2 * count + 2 * gap, dtype.numpy)
    check(conjugated(dtype, gap), [x, y], [count], target=target)
