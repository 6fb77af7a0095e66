"""Local buffers: what one stage of an outer point leaves for the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.codegen.checking import check, each_target
from treadle.codegen import Target
from treadle.errors import VerifyError
from treadle.ir.dtypes import DType, f32, f64, i64
from treadle.ir.loops import (
    Access,
    Axis,
    Buffer,
    Call,
    Const,
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

SHAPES = [(1, 1), (3, 17), (40, 5), (65, 130), (0, 3), (3, 0)]


def shares_of_rows(dtype: DType, vectorize: str) -> LoopNest:
    """Each exp(x) over the sum of its row, from a local buffer."""
    terms = ((0, Size(1)), (1, 1))
    e = Call("exp", (Load(Access(0, terms), dtype),), dtype)
    kept = Load(Access(2, ((1, 1),)), dtype)
    share = Call("div", (kept, Reduced(0, 0, dtype)), dtype)
    row = (Range(Const(0, i64), Extent(Size(1))),)
    stages = (
        Stage(row, (Reduce("sum", e, dtype),), (Store(Access(2, ((1, 1),)), e),)),
        Stage(row, (), (Store(Access(1, terms), share),)),
    )
    buffers = (Buffer(dtype), Buffer(dtype, True), Buffer(dtype, True, Size(1)))
    return LoopNest("shares", buffers, (Axis(Size(0), 64),), stages, vectorize)


@each_target
@pytest.mark.parametrize("vectorize", ["inner", "outer", "none"])
@pytest.mark.parametrize("dtype", [f32, f64], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_point_has_room_of_its_own(
    shape: tuple[int, int], dtype: DType, vectorize: str, target: Target
) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype.numpy)
    arrays = [x, np.zeros_like(x), np.zeros(max(shape[1], 1), x.dtype)]
    check(shares_of_rows(dtype, vectorize), arrays, shape, target=target)


def test_local_buffers_are_written() -> None:
    kernel = shares_of_rows(f32, "inner")
    read_only = replace(kernel, buffers=(*kernel.buffers[:2], Buffer(f32, False, Size(1))))
    with pytest.raises(VerifyError, match="a local buffer is not written"):
        verify_kernel(read_only)
