from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.codegen.checking import check, each_target
from tests.codegen.test_pointwise import data, load
from treadle.codegen import Target
from treadle.ir.dtypes import DType, bool_, f32, f64, i32, i64, u8
from treadle.ir.loops import (
    Access,
    Axis,
    Buffer,
    Call,
    Const,
    Expr,
    Extent,
    Index,
    Load,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Size,
    Stage,
    Store,
)

ZERO = Const(0, i64)
COLUMNS = (0, 1, 7, 15, 16, 17, 63, 64, 65, 129, 200)


def rows_kernel(function: str, dtype: DType, result: DType, vectorize: str = "inner") -> LoopNest:
    """Reduce each row of a matrix with Size(1) columns."""
    value = load(0, dtype, Size(1), 1)
    stages = (
        Stage((Range(ZERO, Extent(Size(1))),), (Reduce(function, value, result),)),
        Stage(stores=(Store(Access(1, ((0, 1),)), Reduced(0, 0, result)),)),
    )
    buffers = (Buffer(dtype), Buffer(result, True))
    return LoopNest(function, buffers, (Axis(Size(0), 2),), stages, vectorize)


REDUCTIONS = [
    *((f, d, d) for f in ("sum", "prod", "max", "min") for d in (f32, f64, i32, i64, u8)),
    *((f, d, i64) for f in ("argmax", "argmin") for d in (f32, f64, i32)),
    *(("logsumexp", d, d) for d in (f32, f64)),
    *((f, bool_, bool_) for f in ("any", "all", "max")),
]


@each_target
@pytest.mark.parametrize("vectorize", ["inner", "outer"])
@pytest.mark.parametrize(("function", "dtype", "result"), REDUCTIONS, ids=str)
def test_rows_are_reduced(
    function: str, dtype: DType, result: DType, vectorize: str, target: Target
) -> None:
    kernel = rows_kernel(function, dtype, result, vectorize)
    for columns in COLUMNS:
        rows = 3
        x = data(dtype, rows * columns, columns, 0.5, 1.5)
        if dtype is bool_:
            x[: columns - 1] = function == "all"
        arrays = [x, np.zeros(rows, result.numpy)]
        check(kernel, arrays, [rows, columns], target=target, tolerance=None)


@each_target
@pytest.mark.parametrize("vectorize", ["inner", "outer"])
@pytest.mark.parametrize("function", ["max", "min", "argmax", "argmin"])
def test_nan_wins_and_the_first_of_equals(function: str, vectorize: str, target: Target) -> None:
    result = f32 if len(function) == 3 else i64
    kernel = rows_kernel(function, f32, result, vectorize)
    x = np.zeros((5, 100), np.float32)
    x[0, [37, 81]] = math.nan
    x[1] = 7
    x[2, [20, 50, 99]] = 1
    x[3, [20, 50, 99]] = -1
    x[4] = -math.inf
    check(kernel, [x, np.zeros(5, result.numpy)], [5, 100], target=target)


@each_target
@pytest.mark.parametrize("vectorize", ["inner", "outer"])
def test_sums_of_exponentials_neither_overflow_nor_forget_infinities(
    vectorize: str, target: Target
) -> None:
    x = np.full((6, 40), -math.inf, np.float32)
    x[1, 3] = math.inf
    x[2, 5] = math.nan
    x[3, ::2] = 1e38
    x[4] = -1e38
    x[5] = np.linspace(-200, 200, 40)
    kernel = rows_kernel("logsumexp", f32, f32, vectorize)
    check(kernel, [x, np.zeros(6, np.float32)], [6, 40], target=target)


def softmax(vectorize: str) -> LoopNest:
    """Row-wise softmax of Size(0) x Size(1)."""
    last = (Range(ZERO, Extent(Size(1))),)
    x = load(0, f32, Size(1), 1)
    shifted = Call("sub", (x, Reduced(0, 0, f32)), f32)
    power = Call("exp", (shifted,), f32)
    here = Access(1, ((0, Size(1)), (1, 1)))
    quotient = Call("div", (Load(here, f32), Reduced(1, 0, f32)), f32)
    stages = (
        Stage(last, (Reduce("max", x, f32),)),
        Stage(last, (Reduce("sum", power, f32),), (Store(here, power),)),
        Stage(last, stores=(Store(here, quotient),)),
    )
    buffers = (Buffer(f32), Buffer(f32, True))
    return LoopNest("softmax", buffers, (Axis(Size(0), 2),), stages, vectorize)


@each_target
@pytest.mark.parametrize("vectorize", ["inner", "outer"])
@pytest.mark.parametrize("columns", COLUMNS)
def test_softmax_in_three_stages(columns: int, vectorize: str, target: Target) -> None:
    x = data(f32, 5 * columns, 1, -8, 8)
    check(softmax(vectorize), [x, np.zeros(5 * columns, np.float32)], [5, columns], target=target)


@each_target
@pytest.mark.parametrize("columns", [1, 64, 65, 96, 130])
def test_rows_may_bypass_the_caches_aligned_or_not(columns: int, target: Target) -> None:
    kernel = softmax("inner")
    *before, last = kernel.stages
    stores = tuple(replace(store, streaming=True) for store in last.stores)
    kernel = replace(kernel, stages=(*before, replace(last, stores=stores)))
    x = data(f32, 5 * columns, 1, -8, 8)
    check(kernel, [x, np.zeros(5 * columns, np.float32)], [5, columns], target=target)


@each_target
@pytest.mark.parametrize("vectorize", ["inner", "outer"])
def test_two_ranges_are_reduced_together(vectorize: str, target: Target) -> None:
    """The mean over height and width of an NCHW (inner) or NHWC (outer) tensor."""
    ranges = (Range(ZERO, Extent(Size(1))), Range(ZERO, Extent(Size(2))))
    strides = (Size(3), Size(2), 1) if vectorize == "inner" else (1, Size(4), Size(0))
    total = Stage(ranges, (Reduce("sum", load(0, f32, *strides), f32),))
    count = Call("cast", (Call("mul", (Extent(Size(1)), Extent(Size(2))), i64),), f32)
    mean: Expr = Call("div", (Reduced(0, 0, f32), count), f32)
    stages = (total, Stage(stores=(Store(Access(1, ((0, 1),)), mean),)))
    buffers = (Buffer(f32), Buffer(f32, True))
    kernel = LoopNest("mean", buffers, (Axis(Size(0), 40),), stages, vectorize)
    for channels, h, w in ((1, 1, 1), (5, 3, 7), (77, 4, 5), (70, 2, 33)):
        x = data(f32, channels * h * w)
        sizes = [channels, h, w, h * w, w * channels]
        check(kernel, [x, np.zeros(channels, np.float32)], sizes, target=target)


def pooling(function: str, known: bool) -> LoopNest:
    """3x3 windows of stride 2 and padding 1 over NHWC; sizes: h_out, w_out, c, h, w."""
    first, last, stride = (Index(0), Index(1)), (Size(3), Size(4)), Const(2, i64)

    def bounds(axis: int) -> Range:
        start = Call("sub", (Call("mul", (first[axis], stride), i64), Const(1, i64)), i64)
        stop = Call("add", (start, Const(3, i64)), i64)
        return Range(Call("max", (start, ZERO), i64), Call("min", (stop, Extent(last[axis])), i64))

    ranges = (bounds(0), bounds(1))
    x = Load(Access(0, ((2, 1), (3, Size(5)), (4, Size(2)))), f32)
    reduce = Reduce(function, x, f32)
    out = Access(1, ((0, Size(6)), (1, Size(2)), (2, 1)))
    stages = (Stage(ranges, (reduce,)), Stage(stores=(Store(out, Reduced(0, 0, f32)),)))
    axes = (Axis(Size(0)), Axis(Size(1), 0), Axis(Size(2), 0))
    return LoopNest("pool", (Buffer(f32), Buffer(f32, True)), axes, stages)


@each_target
@pytest.mark.parametrize("function", ["max", "sum"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 7, 3), (6, 4, 16), (7, 7, 83)])
def test_windows_are_clipped_at_the_border(
    function: str, shape: tuple[int, int, int], target: Target
) -> None:
    h, w, c = shape
    h_out, w_out = (h + 1) // 2, (w + 1) // 2
    sizes = [h_out, w_out, c, h, w, w * c, w_out * c]
    arrays = [data(f32, h * w * c), np.zeros(h_out * w_out * c, np.float32)]
    check(pooling(function, known=False), arrays, sizes, target=target)


@each_target
def test_short_literal_ranges_are_unrolled(target: Target) -> None:
    """A depthwise filter of three taps along the first axis of [n, c]."""
    taps = (Range(ZERO, Const(3, i64)),)
    product = Call("mul", (load(0, f32, 50, 1, 50), load(1, f32, 0, 1, 50)), f32)
    stages = (
        Stage(taps, (Reduce("sum", product, f32),)),
        Stage(stores=(Store(Access(2, ((0, 50), (1, 1))), Reduced(0, 0, f32)),)),
    )
    buffers = (Buffer(f32), Buffer(f32), Buffer(f32, True))
    kernel = LoopNest("depthwise", buffers, (Axis(4), Axis(50, 0)), stages)
    arrays = [data(f32, 300), data(f32, 150, 1), np.zeros(200, np.float32)]
    check(kernel, arrays, target=target)


def depthwise(taps: int) -> LoopNest:
    """Same-padded depthwise filter over [h, w, c]; sizes: h, w, c, w*c, corner, taps*c."""
    half, count = Const(taps // 2, i64), Const(taps, i64)

    def bounds(axis: int) -> Range:
        first = Call("sub", (Index(axis), half), i64)
        start = Call("max", (Call("sub", (ZERO, first), i64), ZERO), i64)
        return Range(
            start, Call("min", (Call("sub", (Extent(Size(axis)), first), i64), count), i64)
        )

    along = ((0, Size(3)), (1, Size(2)), (2, 1))
    x = Load(Access(0, (*along, (3, Size(3)), (4, Size(2))), Size(4)), f32)
    weight = Load(Access(1, ((2, 1), (3, Size(5)), (4, Size(2)))), f32)
    reduce = Reduce("sum", Call("mul", (x, weight), f32), f32)
    stages = (
        Stage((bounds(0), bounds(1)), (reduce,)),
        Stage(stores=(Store(Access(2, along), Reduced(0, 0, f32)),)),
    )
    buffers = (Buffer(f32), Buffer(f32), Buffer(f32, True))
    axes = (Axis(Size(0), 2), Axis(Size(1), 0), Axis(Size(2), 0))
    return LoopNest("depthwise", buffers, axes, stages)


@each_target
@pytest.mark.parametrize("taps", [3, 5])
@pytest.mark.parametrize("shape", [(1, 1, 5), (3, 3, 16), (7, 14, 20), (5, 9, 33)])
def test_whole_windows_are_done_together(
    shape: tuple[int, int, int], taps: int, target: Target
) -> None:
    h, w, c = shape
    corner = -(taps // 2) * (w * c + c)
    sizes = [h, w, c, w * c, corner, taps * c]
    arrays = [data(f32, h * w * c), data(f32, taps * taps * c, 1), np.zeros(h * w * c, np.float32)]
    check(depthwise(taps), arrays, sizes, target=target)


@each_target
def test_no_rows_and_no_columns(target: Target) -> None:
    kernel = softmax("inner")
    empty = np.zeros(0, np.float32)
    check(kernel, [empty, empty], [0, 7], target=target)
    check(kernel, [empty, empty], [4, 0], target=target)


def running(function: str, dtype: DType, result: DType, vectorize: str) -> LoopNest:
    """The reduction of each row of a matrix with Size(1) columns, up to each of them."""
    wide = Call("cast", (load(0, dtype, Size(1), 1),), result)
    value = wide if result is not dtype else load(0, dtype, Size(1), 1)
    here = Access(1, ((0, Size(1)), (1, 1)))
    so_far = Reduced(0, 0, i64 if function.startswith("arg") else result)
    reduce = Reduce(function, value, so_far.dtype)
    stage = Stage((Range(ZERO, Extent(Size(1))),), (reduce,), (Store(here, so_far),))
    buffers = (Buffer(dtype), Buffer(so_far.dtype, True))
    return LoopNest(f"running_{function}", buffers, (Axis(Size(0), 2),), (stage,), vectorize)


@each_target
@pytest.mark.parametrize("vectorize", ["inner", "outer", "none"])
@pytest.mark.parametrize(
    ("function", "dtype", "result"),
    [("sum", f32, f64), ("prod", f32, f64), ("sum", i32, i32), ("max", f32, f32),
     ("argmax", f32, f32), ("sum", f64, f64)],
)  # fmt: skip
def test_reductions_are_stored_as_they_run(
    function: str, dtype: DType, result: DType, vectorize: str, target: Target
) -> None:
    kernel = running(function, dtype, result, vectorize)
    for columns in COLUMNS[:-3]:
        x = data(dtype, 19 * columns, columns, 0.5, 1.5)
        out = np.zeros(19 * columns, kernel.buffers[1].dtype.numpy)
        check(kernel, [x, out], [19, columns], target=target)


@each_target
def test_what_a_running_sum_has_met_stays(target: Target) -> None:
    x = np.ones((2, 40), np.float32)
    x[0, 3], x[0, 20], x[1, 17], x[1, 38] = math.inf, -math.inf, math.nan, 2
    kernel = running("sum", f32, f64, "inner")
    check(kernel, [x, np.zeros((2, 40))], [2, 40], target=target)
