"""Rows that are lanes are reduced to the bits of rows that are walked by lanes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.codegen.checking import check, each_target
from treadle.codegen import Target
from treadle.errors import VerifyError
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
from treadle.ir.loops_verify import verify_kernel

SIZES = ((1, 1), (3, 5), (17, 16), (70, 65), (5, 200), (130, 47), (0, 3), (3, 0))
FUNCTIONS = ("sum", "prod", "logsumexp", "products")


def rows_kernel(function: str, dtype: DType, *, across: bool) -> LoopNest:
    """Reduce Size(0) rows of Size(1) columns, which are columns in memory if `across`."""
    terms: tuple[tuple[int, Dim], ...] = (
        ((0, 1), (1, Size(0))) if across else ((0, Size(1)), (1, 1))
    )
    result = f32 if dtype is f16 else dtype
    value = Call("cast", (Load(Access(0, terms), dtype),), result)
    reduce = Reduce(function, value, result)
    if function == "products":
        reduce = Reduce("sum", Call("mul", (value, value), result), result)
    row = (Range(Const(0, i64), Extent(Size(1))),)
    largest = Reduce("max", value, result)
    stages = (
        Stage(row, (reduce, largest), across=across),
        Stage((), (), (Store(Access(1, ((0, 1),)), Reduced(0, 0, result)),)),
        Stage((), (), (Store(Access(2, ((0, 1),)), Reduced(0, 1, result)),)),
    )
    buffers = (Buffer(dtype), Buffer(result, True), Buffer(result, True))
    mode = "outer" if across else "inner"
    return LoopNest(function, buffers, (Axis(Size(0), 100),), stages, mode)


@each_target
@pytest.mark.parametrize("dtype", [f16, f32, f64], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_bits_do_not_depend_on_where_lanes_are(function: str, dtype: DType, target: Target) -> None:
    within, across = (rows_kernel(function, dtype, across=a) for a in (False, True))
    for sizes in SIZES:
        x = np.random.default_rng(0).uniform(0.5, 1.5, sizes).astype(dtype.numpy)
        results = [np.zeros(sizes[0], within.buffers[1].dtype.numpy) for _ in range(2)]
        tolerance = 1e-3 if dtype is f16 else None
        wanted = check(within, [x, *results], sizes, target=target, tolerance=tolerance)
        turned = [np.ascontiguousarray(x.T), *results]
        found = check(across, turned, sizes, target=target, tolerance=tolerance)
        for ours, theirs in zip(found[1:], wanted[1:], strict=True):
            assert ours.tobytes() == theirs.tobytes(), (function, sizes)


@pytest.mark.parametrize("mode", ["inner", "none"])
def test_only_lanes_on_an_outer_axis_reduce_across_rows(mode: str) -> None:
    kernel = rows_kernel("sum", f32, across=True)
    with pytest.raises(VerifyError, match="are on an outer axis"):
        verify_kernel(replace(kernel, vectorize=mode))
