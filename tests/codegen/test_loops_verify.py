from __future__ import annotations

from dataclasses import replace

import pytest

from tests.codegen.test_contraction import product
from tests.codegen.test_local import shares_of_rows
from tests.codegen.test_pointwise import gather, load, pointwise
from tests.codegen.test_reductions import pooling, softmax
from treadle.errors import VerifyError
from treadle.ir.dtypes import bool_, f16, f32, f64, i64
from treadle.ir.loops import (
    Access,
    Accumulator,
    Axis,
    Call,
    Const,
    Expr,
    Extent,
    Index,
    Kernel,
    Load,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Size,
    Stage,
    Store,
    Tile,
)
from treadle.ir.loops_text import parse_kernel, print_kernel
from treadle.ir.loops_verify import verify_kernel

X = load(0, f32, 1)

KERNELS: list[Kernel] = [
    pointwise(Call("exp", (X,), f32), [f32], f32),
    softmax("inner"),
    pooling("max", known=True),
    gather("wrapped_index", 19),
    product(f32, Tile(6, 4), batch=1),
    pointwise(Const(float("-inf"), f32), [f32], f32),
    pointwise(Const(0.1, f32), [f32], f32),
    pointwise(Const(True, bool_), [f32], bool_),
    shares_of_rows(f32, "inner"),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: str(k.name))
def test_the_text_of_a_kernel_is_the_kernel(kernel: Kernel) -> None:
    verify_kernel(kernel)
    assert parse_kernel(print_kernel(kernel)) == kernel


def test_the_text_names_each_expression_once() -> None:
    value = Call("mul", (Call("exp", (X,), f32), Call("exp", (load(0, f32, 1),), f32)), f32)
    assert print_kernel(pointwise(value, [f32], f32)) == (
        "loopnest test vectorize=outer\n"
        "buffer f32\n"
        "buffer f32 written\n"
        "axis s0 step 24\n"
        "stage\n"
        "%0 = load f32 b0[a0:1]\n"
        "%1 = exp f32 %0\n"
        "%2 = mul f32 %1 %1\n"
        "store b1[a0:1] %2\n"
    )


@pytest.mark.parametrize("line", ["buffer f31", "store b0[a0:1] %9", "hello", "%1 = exp", "axis 3"])
def test_malformed_text_names_its_line(line: str) -> None:
    with pytest.raises(VerifyError, match="line 2 of the kernel is malformed"):
        parse_kernel(f"loopnest test vectorize=outer\n{line}\n")


def test_text_without_a_head_is_no_kernel() -> None:
    with pytest.raises(VerifyError, match="first line"):
        parse_kernel("buffer f32\n")


def of(value: Expr) -> LoopNest:
    """A kernel that stores `value` to f32."""
    return pointwise(value, [f32], f32)


WRONG: list[tuple[Kernel, str]] = [
    (of(Call("expp", (X,), f32)), "there is no function 'expp'"),
    (of(Call("add", (X,), f32)), "add takes 2 operands"),
    (of(Call("add", (X, Const(1, i64)), f32)), "operands of add differ"),
    (of(Call("exp", (X,), f64)), "exp of f32 does not give f64"),
    (of(Call("lt", (X, X), f32)), "lt gives bool, not f32"),
    (of(Call("and", (X, X), f32)), "and does not take f32"),
    (of(Call("select", (X, X, X), f32)), "select's condition is f32"),
    (of(Const(1.5, i64)), "1.5 is no i64"),
    (of(Const(1, i64)), "i64 is stored to a buffer of f32"),
    (of(Load(Access(3, ()), f32)), "there is no buffer 3"),
    (of(Load(Access(0, ((1, 1),)), f32)), "axis 1 does not exist here"),
    (of(Load(Access(0, ()), f64)), "f64 is loaded from f32"),
    (of(Load(Access(0, (), 0, ((X, 1),)), f32)), "an indirect position is not i64"),
    (of(Reduced(0, 0, f32)), "stage 0 is not an earlier stage"),
    (of(Accumulator(0, f32)), "a sum outside a contraction"),
    (of(Call("checked_index", (Index(0), Index(0)), i64)), "needs an i32 status buffer"),
    (replace(of(X), vectorize="both"), "vectorize is 'both'"),
    (replace(of(X), axes=(Axis(Size(-1)),)), "there is no size -1"),
    (replace(of(X), stages=(Stage(),)), "a stage does nothing"),
    (replace(product(f32, Tile(6, 4)), tile=Tile(0, 4)), "the tile is empty"),
    (replace(product(f32, Tile(6, 4)), batch=3), "0 to 2 batch axes"),
    (replace(product(f32, Tile(6, 4)), stores=()), "stores nothing"),
]


@pytest.mark.parametrize(("kernel", "message"), WRONG, ids=[m for _, m in WRONG])
def test_broken_kernels_are_named(kernel: Kernel, message: str) -> None:
    with pytest.raises(VerifyError, match=message):
        verify_kernel(kernel)


def reducing(function: str, value: Expr, stop: Expr) -> LoopNest:
    """A kernel that reduces and drops the result."""
    stage = Stage((Range(Const(0, i64), stop),), (Reduce(function, value, f32),))
    return replace(of(X), stages=(stage,))


def test_bounds_do_not_use_the_axis_of_the_lanes() -> None:
    with pytest.raises(VerifyError, match="axis 0 does not exist here"):
        verify_kernel(reducing("sum", X, Index(0)))


def test_reductions_exist_and_give_their_dtype() -> None:
    with pytest.raises(VerifyError, match="there is no reduction 'mean'"):
        verify_kernel(reducing("mean", X, Extent(Size(0))))
    with pytest.raises(VerifyError, match="argmax gives i64"):
        verify_kernel(reducing("argmax", X, Extent(Size(0))))


def test_sixteen_bit_floats_count_as_f32() -> None:
    value = Call("add", (load(0, f16, 1), Const(1.0, f32)), f32)
    verify_kernel(pointwise(value, [f16], f16))


def test_a_store_needs_a_written_buffer() -> None:
    stage = Stage(stores=(Store(Access(0, ((0, 1),)), X),))
    with pytest.raises(VerifyError, match="stored to, but not written"):
        verify_kernel(replace(of(X), stages=(stage,)))
