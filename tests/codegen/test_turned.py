"""Rows that are lanes have the same bits whether they lie side by side or one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from tests.codegen.checking import check, each_target
from treadle.codegen import Target
from treadle.ir.dtypes import DType, f16, f32, f64, i64
from treadle.ir.loops import (
    Access,
    Axis,
    Buffer,
    Call,
    Const,
    Dim,
    Extent,
    Load,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Size,
    Stage,
    Store,
)

SIZES = ((1, 1), (3, 5), (17, 16), (70, 65), (8, 300), (130, 47), (0, 3), (3, 0))


def kernel_of(function: str, dtype: DType, *, turned: bool) -> LoopNest:
    """Reduce Size(1) elements of Size(0) lanes, of an operand and of one that is not turned."""
    terms: tuple[tuple[int, Dim], ...] = (
        ((0, Size(1)), (1, 1)) if turned else ((0, 1), (1, Size(0)))
    )
    result = f32 if dtype is f16 else dtype
    value = Call("cast", (Load(Access(0, terms), dtype),), result)
    other = Load(Access(1, ((0, 1), (1, Size(0)))), result)
    element = Call("mul", (value, other), result)
    if function == "exponentials":
        element = Call("exp", (element,), result)
    reduced = Reduce("sum" if function == "exponentials" else function, element, result)
    stages = (
        Stage((Range(Const(0, i64), Extent(Size(1))),), (reduced,)),
        Stage((), (), (Store(Access(2, ((0, 1),)), Reduced(0, 0, result)),)),
    )
    buffers = (Buffer(dtype), Buffer(result), Buffer(result, True))
    return LoopNest(function, buffers, (Axis(Size(0), 100),), stages)


@each_target
@pytest.mark.parametrize("dtype", [f16, f32, f64], ids=str)
@pytest.mark.parametrize("function", ["sum", "logsumexp", "exponentials"])
def test_bits_do_not_depend_on_how_rows_lie(function: str, dtype: DType, target: Target) -> None:
    plain, turned = (kernel_of(function, dtype, turned=t) for t in (False, True))
    tolerance = 1e-3 if dtype is f16 else None
    for sizes in SIZES:
        rng, result = np.random.default_rng(0), plain.buffers[1].dtype.numpy
        x = rng.uniform(0.5, 1.5, sizes[::-1]).astype(dtype.numpy)
        y = rng.uniform(0.5, 1.5, sizes[::-1]).astype(result)
        totals = np.zeros(sizes[0], result)
        wanted = check(plain, [x, y, totals], sizes, target=target, tolerance=tolerance)
        lying = np.ascontiguousarray(x.T)
        found = check(turned, [lying, y, totals], sizes, target=target, tolerance=tolerance)
        assert found[2].tobytes() == wanted[2].tobytes(), sizes
