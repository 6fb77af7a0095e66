from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codegen.checking import Array, check, each_target
from tests.codegen.reference import run
from treadle.codegen import Target, assembly, compile_kernels
from treadle.codegen.functions import DEFINITIONS
from treadle.ir import dtypes
from treadle.ir.dtypes import DType, bool_, f32, f64, i8, i32, i64
from treadle.ir.loops import (
    Access,
    Axis,
    Buffer,
    Call,
    Const,
    Dim,
    Expr,
    Index,
    Load,
    LoopNest,
    Size,
    Stage,
    Store,
)
from treadle.ir.loops_functions import CHECKS, FUNCTIONS
from treadle.ir.loops_text import print_kernel
from treadle.ir.loops_verify import verify_kernel

SCALARS = [f32, f64, dtypes.f16, dtypes.bf16, i8, dtypes.i16, i32, i64, dtypes.u8, bool_]
ROW = Size(0)
EXTENTS = (0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100)


def data(dtype: DType, size: int, seed: int = 0, low: float = -4, high: float = 4) -> Array:
    """Values of a dtype, some of them special."""
    rng = np.random.default_rng(seed)
    if dtype.kind == "b":
        return rng.integers(0, 2, size).astype(bool)
    if dtype.kind in "iu":
        info = np.iinfo(dtype.numpy)
        return rng.integers(max(info.min, -9), min(info.max, 9), size).astype(dtype.numpy)
    return rng.uniform(low, high, size).astype(dtype.numpy)


def load(buffer: int, dtype: DType, *strides: Dim, offset: Dim = 0) -> Load:
    """An element by strides per axis."""
    return Load(Access(buffer, tuple(enumerate(strides)), offset), dtype)


def pointwise(
    value: Expr, inputs: list[DType], result: DType, extent: Dim = ROW, step: Dim = 24
) -> LoopNest:
    """One contiguous axis; the result is the last buffer."""
    buffers = (*(Buffer(d) for d in inputs), Buffer(result, written=True))
    store = Store(Access(len(inputs), ((0, 1),)), value)
    return LoopNest("test", buffers, (Axis(extent, step),), (Stage(stores=(store,)),))


def test_every_function_of_the_ir_is_defined() -> None:
    assert DEFINITIONS.keys() == FUNCTIONS.keys() - {"select", "cast"} - CHECKS


def _domain(function: str) -> tuple[float, float]:
    if function in ("sqrt", "rsqrt", "log", "log1p", "log2", "log10", "pow"):
        return 0.1, 6
    return (-1, 1) if function in ("asin", "acos") else (-6, 6)


FUNCTIONS_BY_DTYPE = [
    (function, dtype)
    for function in sorted(DEFINITIONS)
    for dtype in SCALARS
    if dtype.kind in FUNCTIONS[function].kinds
]


@each_target
@pytest.mark.parametrize(("function", "dtype"), FUNCTIONS_BY_DTYPE, ids=str)
def test_functions_agree_with_python(function: str, dtype: DType, target: Target) -> None:
    signature = FUNCTIONS[function]
    size = 40
    args = [data(dtype, size, seed, *_domain(function)) for seed in range(signature.arity)]
    if function == "pow" and dtype.kind == "i":
        args[1] = abs(args[1])
    result = bool_ if signature.result == "bool" else dtype
    value = Call(function, tuple(load(n, dtype, 1) for n in range(signature.arity)), result)
    kernel = pointwise(value, [dtype] * signature.arity, result)
    check(
        kernel,
        [*args, np.zeros(size, result.numpy)],
        [size],
        target=target,
        tolerance=_loose(dtype),
    )


def _loose(dtype: DType) -> float | None:
    return 3e-5 if dtype is f32 else None


@each_target
@pytest.mark.parametrize("source", SCALARS, ids=str)
@pytest.mark.parametrize("goal", SCALARS, ids=str)
def test_casts_between_all_dtypes(source: DType, goal: DType, target: Target) -> None:
    x = data(source, 50)
    if source.kind == "f" and goal.kind == "u":
        x = abs(x)
    kernel = pointwise(Call("cast", (load(0, source, 1),), goal), [source], goal)
    check(kernel, [x, np.zeros(50, goal.numpy)], [50], target=target)


@each_target
@pytest.mark.parametrize("extent", EXTENTS)
@pytest.mark.parametrize("dtype", [f32, f64, i8, bool_, dtypes.bf16], ids=str)
def test_every_extent_is_covered_exactly(extent: int, dtype: DType, target: Target) -> None:
    value = load(0, dtype, 1)
    kernel = pointwise(value, [dtype], dtype)
    (_, result) = check(
        kernel, [data(dtype, extent), np.zeros(extent + 40, dtype.numpy)], [extent], target=target
    )
    assert not result[extent:].any(), "wrote past the end"


@each_target
@pytest.mark.parametrize("strides", [(0, 1), (1, 0), (40, 1), (1, 3), (3, 1), (0, 0), (41, 2)])
@pytest.mark.parametrize("at_run_time", [False, True])
def test_operands_broadcast_and_stride(
    strides: tuple[int, int], at_run_time: bool, target: Target
) -> None:
    rows, columns = 3, 37
    steps: tuple[Dim, ...] = (Size(2), Size(3)) if at_run_time else strides
    value = Call("add", (load(0, f32, *steps), load(1, f32, columns, 1)), f32)
    store = Store(Access(2, ((0, columns), (1, 1))), value)
    buffers = (Buffer(f32), Buffer(f32), Buffer(f32, written=True))
    axes = (Axis(Size(0), 2), Axis(Size(1), 0))
    kernel = LoopNest("broadcast", buffers, axes, (Stage(stores=(store,)),))
    arrays = [data(f32, 200), data(f32, 111, 1), np.zeros(111, np.float32)]
    check(kernel, arrays, [rows, columns, *strides], target=target)


@each_target
def test_a_transposing_store_scatters(target: Target) -> None:
    store = Store(Access(1, ((0, 1), (1, 5))), load(0, i32, 33, 1))
    axes = (Axis(5), Axis(33, 0))
    kernel = LoopNest(
        "t", (Buffer(i32), Buffer(i32, written=True)), axes, (Stage(stores=(store,)),)
    )
    x = np.arange(165, dtype=np.int32)
    result = check(kernel, [x, np.zeros(165, np.int32)], target=target)[1]
    np.testing.assert_array_equal(result.reshape(33, 5), x.reshape(5, 33).T)


@each_target
def test_in_place_and_two_results(target: Target) -> None:
    x = load(0, f32, 1)
    stage = Stage(
        stores=(
            Store(Access(0, ((0, 1),)), Call("mul", (x, x), f32)),
            Store(Access(1, ((0, 1),)), Call("add", (x, x), f32)),
        )
    )
    kernel = LoopNest("p", (Buffer(f32, True), Buffer(f32, True)), (Axis(Size(0), 16),), (stage,))
    check(kernel, [data(f32, 45), np.zeros(45, np.float32)], [45], target=target)


@each_target
@pytest.mark.parametrize("dtype", [f32, f64, i8], ids=str)
def test_streaming_stores_at_any_alignment(dtype: DType, target: Target) -> None:
    """Rows of a length that no vector divides, so that each starts at another alignment."""
    for columns in (1, 15, 67, 130):
        store = Store(Access(1, ((0, columns), (1, 1))), load(0, dtype, columns, 1), streaming=True)
        axes = (Axis(Size(0), 2), Axis(columns, 0))
        buffers = (Buffer(dtype), Buffer(dtype, True))
        kernel = LoopNest("stream", buffers, axes, (Stage(stores=(store,)),))
        x = data(dtype, 5 * columns)
        check(kernel, [x, np.zeros_like(x)], [5], target=target)


def test_streaming_bypasses_the_caches() -> None:
    store = Store(Access(1, ((0, 1),)), load(0, f32, 1), streaming=True)
    buffers = (Buffer(f32), Buffer(f32, True))
    kernel = LoopNest("stream", buffers, (Axis(Size(0), 64),), (Stage(stores=(store,)),))
    assert "vmovnt" in assembly(kernel, Target.host())
    assert "sfence" in assembly(kernel, Target.host())


@each_target
def test_index_arithmetic_in_positions(target: Target) -> None:
    reverse = Call("sub", (Const(36, i64), Index(0)), i64)
    value = Load(Access(0, (), 0, ((reverse, 2),)), f32)
    kernel = pointwise(value, [f32], f32, extent=37)
    check(kernel, [data(f32, 74), np.zeros(37, np.float32)], target=target)


def gather(function: str, columns: int) -> LoopNest:
    index = Call(function, (load(1, i64, 1), Const(4, i64)), i64)
    value = Load(Access(0, ((1, 1),), 0, ((index, columns),)), f32)
    store = Store(Access(2, ((0, columns), (1, 1))), value)
    buffers = (Buffer(f32), Buffer(i64), Buffer(f32, True), Buffer(i32, True))
    return LoopNest("gather", buffers, (Axis(Size(0)), Axis(columns, 0)), (Stage(stores=(store,)),))


@each_target
def test_rows_are_gathered(target: Target) -> None:
    indices = np.array([3, 0, -1, -4, 2])
    arrays = [data(f32, 4 * 19), indices, np.zeros(5 * 19, np.float32), np.zeros(3, np.int32)]
    status = check(gather("wrapped_index", 19), arrays, [5], target=target)[3]
    assert status[0] == 0


@each_target
def test_an_index_outside_is_reported(target: Target) -> None:
    indices = np.array([3, 0, -1, 2])
    arrays = [data(f32, 4 * 19), indices, np.zeros(4 * 19, np.float32), np.zeros(3, np.int32)]
    status = check(gather("checked_index", 19), arrays, [4], target=target)[3]
    assert status.tolist() == [1, -1, 4]


@each_target
def test_a_zero_divisor_is_reported(target: Target) -> None:
    divisor = Call("checked_divisor", (load(1, i64, 1),), i64)
    store = Store(Access(2, ((0, 1),)), Call("floordiv", (load(0, i64, 1), divisor), i64))
    buffers = (Buffer(i64), Buffer(i64), Buffer(i64, True), Buffer(i32, True))
    kernel = LoopNest("divide", buffers, (Axis(Size(0), 4),), (Stage(stores=(store,)),))
    for divisors, expected in ((np.full(9, 2), 0), (np.array([1, 2, 3, 4, 5, 6, 7, 8, 0]), 2)):
        arrays = [np.arange(9) - 4, divisors, np.zeros(9, np.int64), np.zeros(3, np.int32)]
        status = check(kernel, arrays, [9], target=target)[3]
        assert status[0] == expected


@each_target
def test_single_elements_are_gathered_and_checked(target: Target) -> None:
    index = Call("wrapped_index", (load(1, i64, 1), Const(10, i64)), i64)
    value = Load(Access(0, (), 0, ((index, 3),)), f32)
    buffers = (Buffer(f32), Buffer(i64), Buffer(f32, True), Buffer(i32, True))
    store = Store(Access(2, ((0, 1),)), value)
    kernel = LoopNest("take", buffers, (Axis(Size(0), 64),), (Stage(stores=(store,)),))
    rng = np.random.default_rng(0)
    indices = rng.integers(-10, 10, 77)
    arrays = [data(f32, 30), indices, np.zeros(77, np.float32), np.zeros(3, np.int32)]
    check(kernel, arrays, [77], target=target)
    indices[70] = 12
    status = check(kernel, arrays, [77], target=target)[3]
    assert status.tolist() == [1, 12, 10]


@each_target
def test_a_shared_subexpression_is_linear_in_size(target: Target) -> None:
    value: Expr = load(0, f32, 1)
    for _ in range(60):
        value = Call("mul", (value, value), f32)
    kernel = pointwise(value, [f32], f32)
    check(kernel, [np.ones(5, np.float32), np.zeros(5, np.float32)], [5], target=target)


def test_a_very_long_chain_is_compiled() -> None:
    value: Expr = load(0, f32, 1)
    for _ in range(3000):
        value = Call("add", (value, Const(1.0, f32)), f32)
    kernel = pointwise(value, [f32], f32)
    verify_kernel(kernel)
    assert len(print_kernel(kernel).splitlines()) > 3000
    (compiled,) = compile_kernels([kernel], Target.host())
    arrays = [np.zeros(5, np.float32), np.zeros(5, np.float32)]
    run(compiled, arrays, [5], 0, 1)
    assert arrays[1].tolist() == [3000.0] * 5


def _expressions(dtype: DType) -> st.SearchStrategy[Expr]:
    leaves: st.SearchStrategy[Expr] = st.one_of(
        st.sampled_from([load(0, dtype, 1), load(1, dtype, 0), load(1, dtype, 2, offset=1)]),
        st.integers(-3, 3).map(lambda n: Const(float(n) if dtype.kind == "f" else n, dtype)),
    )

    def extend(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        binary = st.sampled_from(["add", "sub", "mul", "min", "max"])
        compare = st.sampled_from(["lt", "eq", "ge"])
        return st.one_of(
            st.builds(lambda f, a, b: Call(f, (a, b), dtype), binary, inner, inner),
            st.builds(lambda f, a: Call(f, (a,), dtype), st.sampled_from(["neg", "abs"]), inner),
            st.builds(
                lambda f, a, b, c, d: Call("select", (Call(f, (a, b), bool_), c, d), dtype),
                compare,
                *[inner] * 4,
            ),
        )

    return st.recursive(leaves, extend, max_leaves=12)


@pytest.mark.parametrize("dtype", [f64, i32, i64], ids=str)
@each_target
def test_random_expressions(dtype: DType, target: Target) -> None:
    @settings(max_examples=12, database=None)
    @given(_expressions(dtype), st.sampled_from(EXTENTS), st.sampled_from([1, 5, 16, 64]))
    def sample(value: Any, extent: int, step: int) -> None:
        arrays = [
            data(dtype, extent),
            data(dtype, 2 * extent + 3, 1),
            np.zeros(extent, dtype.numpy),
        ]
        kernel = pointwise(value, [dtype, dtype], dtype, step=Size(1))
        check(kernel, arrays, [extent, step], target=target)

    sample()
