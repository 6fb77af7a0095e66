from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codegen.checking import check, each_target
from tests.codegen.contractions import (
    choose_tile,
    contraction_sizes,
    num_tasks,
    pack_b,
    packed_strides,
    panel_columns,
)
from tests.codegen.test_pointwise import data
from treadle.codegen import Target
from treadle.ir.dtypes import DType, bf16, f16, f32, f64
from treadle.ir.loops import (
    CONTRACTION_SIZES,
    Access,
    Accumulator,
    Buffer,
    Call,
    Const,
    Contraction,
    Dim,
    Expr,
    Load,
    Size,
    Store,
    Tile,
)

FIRST = len(CONTRACTION_SIZES)


def product(
    dtype: DType, tile: Tile, *, packed: bool = True, batch: int = 0, **fields: Any
) -> Contraction:
    """``relu(a @ b + bias)`` into a contiguous result; the stores' size is the row's length."""
    row, column = batch + 2, batch + 3
    bias = Load(Access(2, ((column, 1),)), dtype)
    value: Expr = Call("add", (Accumulator(0, dtype), bias), dtype)
    value = Call("max", (value, Const(0.0, dtype)), dtype)
    terms: list[tuple[int, Dim]] = [(row, Size(FIRST)), (column, 1)]
    terms += [(axis, Size(FIRST + 1 + axis)) for axis in range(batch)]
    buffers = (Buffer(dtype), Buffer(dtype), Buffer(dtype), Buffer(dtype, True))
    stores = (Store(Access(3, tuple(terms)), value),)
    return Contraction(
        "product", buffers, batch, False, packed, stores, tile, unit_taps=True, **fields
    )


def run_product(
    dtype: DType, tile: Tile, m: int, k: int, n: int, target: Target, **blocks: int
) -> None:
    for flat in (False, True):
        direct = flat and not any(blocks.get(name) for name in ("k_block", "k_part"))
        kernel = product(dtype, tile, flat_rows=flat, direct=direct)
        run_rows(kernel, dtype, m, k, n, target, **blocks)


def run_rows(
    kernel: Contraction, dtype: DType, m: int, k: int, n: int, target: Target, **blocks: int
) -> None:
    a, b, bias = data(dtype, m * k), data(dtype, k * n, 1), data(dtype, n, 2)
    blocks = {"row_block": 10, "panel_block": 2} | blocks
    strides = packed_strides(kernel, 1, k, target)
    sizes = contraction_sizes(rows2=m, columns=n, k=k, a_row2=k, **strides, **blocks)
    packed = pack_b(kernel, b.reshape(1, k, n), target)
    arrays = [a, packed, bias, np.zeros(m * n, dtype.numpy)]
    tolerance = 1e-4 if dtype is f32 else 1e-12
    result = check(kernel, arrays, [*sizes, n], target=target, tolerance=tolerance)[3]
    exact = a.reshape(m, k).astype(np.float64) @ b.reshape(k, n) + bias
    np.testing.assert_allclose(
        result.reshape(m, n), np.maximum(exact, 0), rtol=tolerance, atol=tolerance
    )


TILES = [Tile(6, 4), Tile(4, 3), Tile(1, 8), Tile(2, 1), Tile(12, 2), Tile(3, 2)]


@each_target
@pytest.mark.parametrize("dtype", [f32, f64], ids=str)
@pytest.mark.parametrize("tile", TILES, ids=lambda t: f"{t.rows}x{t.vectors}")
def test_tiles_cover_all_shapes(tile: Tile, dtype: DType, target: Target) -> None:
    for m, k, n in ((1, 1, 1), (13, 5, 33), (7, 0, 9), (0, 3, 4), (25, 9, 130)):
        run_product(dtype, tile, m, k, n, target)


@each_target
@pytest.mark.parametrize("k_block", [1, 4, 7, 16, 100])
def test_blocks_of_k_change_nothing_but_rounding(k_block: int, target: Target) -> None:
    run_product(f32, Tile(4, 2), 23, 16, 40, target, k_block=k_block)


@each_target
@pytest.mark.parametrize("dtype", [bf16, f16], ids=str)
def test_sixteen_bit_operands_are_summed_in_f32(dtype: DType, target: Target) -> None:
    m, k, n = 9, 16, 37
    kernel = product(dtype, Tile(4, 2))
    a, b, bias = data(dtype, m * k, 0, -1, 1), data(dtype, k * n, 1, -1, 1), data(dtype, n, 2)
    strides = packed_strides(kernel, 1, k, target)
    sizes = contraction_sizes(
        rows2=m, columns=n, k=k, a_row2=k, row_block=10, panel_block=2, **strides
    )
    packed = pack_b(kernel, b.reshape(1, k, n), target)
    arrays = [a, packed, bias, np.zeros(m * n, dtype.numpy)]
    check(kernel, arrays, [*sizes, n], target=target, tolerance=0.01)


@each_target
def test_random_products(target: Target) -> None:
    sizes = st.integers(0, 40)
    tiles = st.sampled_from(TILES[:3])

    @settings(max_examples=25, database=None)
    @given(tiles, sizes, sizes, sizes, st.integers(1, 30), st.integers(1, 3), st.integers(0, 9))
    def run(tile: Tile, m: int, k: int, n: int, rows: int, panels: int, block: int) -> None:
        run_product(f32, tile, m, k, n, target, row_block=rows, panel_block=panels, k_block=block)

    run()


@each_target
@pytest.mark.parametrize("transposed", [False, True])
def test_unpacked_batched_products(transposed: bool, target: Target) -> None:
    batch, heads, m, k, n = 2, 3, 9, 11, 37
    kernel = product(f32, Tile(4, 2), packed=False, batch=2, unit_k=not transposed)
    width = panel_columns(kernel, target)
    a = data(f32, batch * heads * m * k)
    b = data(f32, batch * heads * k * n, 1)
    rows = {"a_row2": 1, "a_k": m} if transposed else {"a_row2": k}
    sizes = contraction_sizes(
        batch0=batch, batch1=heads, rows2=m, columns=n, k=k, **rows,
        a_batch0=heads * m * k, a_batch1=m * k, b_batch0=heads * k * n, b_batch1=k * n,
        b_panel=width, b_k=n, row_block=4, panel_block=1,
    )  # fmt: skip
    arrays = [a, b, data(f32, n, 2), np.zeros(batch * heads * m * n, np.float32)]
    extra = [n, heads * m * n, m * n]
    check(kernel, arrays, [*sizes, *extra], target=target, tolerance=1e-4)


@dataclass(frozen=True)
class Convolution:
    """A convolution over an NHWC image."""

    n: int
    h: int
    w: int
    c: int
    filters: int
    taps: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)

    def out(self, size: int, axis: int) -> int:
        """The extent of the result."""
        reach = self.dilation[axis] * (self.taps[axis] - 1) + 1
        return (size + 2 * self.pad[axis] - reach) // self.stride[axis] + 1


CONVOLUTIONS = [
    Convolution(1, 5, 6, 3, 20),
    Convolution(2, 7, 7, 4, 33, stride=(2, 2)),
    Convolution(1, 9, 4, 5, 17, taps=(3, 1), pad=(2, 0), dilation=(2, 1)),
    Convolution(1, 4, 4, 8, 70, taps=(1, 1), pad=(0, 0)),
    Convolution(1, 6, 11, 2, 9, taps=(1, 7), pad=(0, 3), stride=(1, 2)),
    Convolution(3, 3, 3, 6, 16, taps=(5, 5), pad=(2, 2)),
    Convolution(1, 8, 8, 4, 16, pad=(0, 0)),
]


@each_target
@pytest.mark.parametrize("conv", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("k_block", [0, 3])
def test_convolutions(conv: Convolution, k_block: int, target: Target) -> None:
    torch = pytest.importorskip("torch")
    h_out, w_out = conv.out(conv.h, 0), conv.out(conv.w, 1)
    taps, c, f = conv.taps[0] * conv.taps[1], conv.c, conv.filters
    padded = conv.pad != (0, 0)
    value = Call("mul", (Accumulator(0, f32), Const(2.0, f32)), f32)
    strides = tuple((axis, Size(FIRST + axis)) for axis in range(3))
    out = Access(2, (*strides, (3, 1)))
    buffers = (Buffer(f32), Buffer(f32), Buffer(f32, True), *([Buffer(f32)] if padded else []))
    kernel = Contraction(
        "conv", buffers, 0, padded, True, (Store(out, value),), choose_tile(target, f32, 50, f)
    )
    x = data(f32, conv.n * conv.h * conv.w * c).reshape(conv.n, conv.h, conv.w, c)
    weights = data(f32, taps * c * f, 1).reshape(taps, c, f)
    sizes = contraction_sizes(
        rows0=conv.n, rows1=h_out, rows2=w_out, columns=f, k=c,
        taps0=conv.taps[0], taps1=conv.taps[1],
        a_row0=conv.h * conv.w * c, a_row1=conv.w * c, a_row2=c,
        step0=conv.stride[0], step1=conv.stride[1],
        dilate0=conv.dilation[0], dilate1=conv.dilation[1],
        pad0=conv.pad[0], pad1=conv.pad[1], limit0=conv.h, limit1=conv.w,
        row_block=12, panel_block=1, k_block=k_block, **packed_strides(kernel, taps, c, target),
    )  # fmt: skip
    extra = [h_out * w_out * f, w_out * f, f]
    result = np.zeros(conv.n * h_out * w_out * f, np.float32)
    arrays = [x, pack_b(kernel, weights, target), result, *([np.zeros(c, np.float32)] * padded)]
    actual = check(kernel, arrays, [*sizes, *extra], target=target, tolerance=1e-4)[2]
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(x).permute(0, 3, 1, 2),
        torch.from_numpy(weights).reshape(*conv.taps, c, f).permute(3, 2, 0, 1),
        stride=conv.stride, padding=conv.pad, dilation=conv.dilation,
    )  # fmt: skip
    expected = 2 * expected.permute(0, 2, 3, 1).numpy().reshape(-1)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@each_target
def test_padding_beside_channels_that_are_far_apart(target: Target) -> None:
    """A 3x3 convolution of an NCHW image, with as few zeros as the contract asks."""
    h, w, c, f = 4, 5, 6, 20
    out = Access(2, ((1, w * f), (2, f), (3, 1)))
    buffers = (Buffer(f32), Buffer(f32), Buffer(f32, True), Buffer(f32))
    store = Store(out, Accumulator(0, f32))
    kernel = Contraction("far", buffers, 0, True, True, (store,), Tile(4, 1), unit_k=False)
    sizes = contraction_sizes(
        rows1=h, rows2=w, columns=f, k=c, taps0=3, taps1=3, a_row1=w, a_row2=1, a_k=h * w,
        pad0=1, pad1=1, limit0=h, limit1=w, row_block=8, panel_block=1,
        **packed_strides(kernel, 9, c, target),
    )  # fmt: skip
    weights = pack_b(kernel, data(f32, 9 * c * f, 1).reshape(9, c, f), target)
    arrays = [data(f32, c * h * w), weights, np.zeros(h * w * f, np.float32)]
    arrays.append(np.zeros(c, np.float32))
    check(kernel, arrays, sizes, target=target, tolerance=1e-4)


@each_target
@pytest.mark.parametrize(("m", "k", "n"), [(1, 8, 5), (3, 16, 33), (7, 10, 64)])
def test_gates_give_several_sums_per_element(m: int, k: int, n: int, target: Target) -> None:
    tile = choose_tile(target, f32, m, n, gates=4)
    parts: list[Expr] = [Accumulator(g, f32) for g in range(4)]
    value = Call("fma", (Call("tanh", (parts[0],), f32), parts[1], parts[2]), f32)
    value = Call("sub", (value, parts[3]), f32)
    store = Store(Access(2, ((2, Size(FIRST)), (3, 1))), value)
    buffers = (Buffer(f32), Buffer(f32), Buffer(f32, True))
    kernel = Contraction("lstm", buffers, 0, False, True, (store,), tile, 4, unit_taps=True)
    a, b = data(f32, m * k, 0, -1, 1), data(f32, k * 4 * n, 1, -1, 1).reshape(1, k, 4, n)
    sizes = contraction_sizes(
        rows2=m, columns=n, k=k, a_row2=k, row_block=8, panel_block=1,
        **packed_strides(kernel, 1, k, target),
    )  # fmt: skip
    arrays = [a, pack_b(kernel, b, target), np.zeros(m * n, np.float32)]
    check(kernel, arrays, [*sizes, n], target=target, tolerance=1e-4)


@each_target
def test_panels_may_go_by_from_the_last_to_the_first(target: Target) -> None:
    m, k, n = 5, 7, 200
    kernel = product(f32, Tile(4, 1))
    strides = packed_strides(kernel, 1, k, target)
    packed = pack_b(kernel, data(f32, k * n, 1, -1, 1).reshape(1, k, n), target)
    arrays = [data(f32, m * k, 0, -1, 1), packed, data(f32, n, 2), np.zeros(m * n, np.float32)]
    results = []
    for backwards in (0, 1):
        sizes = contraction_sizes(
            rows2=m, columns=n, k=k, a_row2=k, row_block=8, panel_block=3, backwards=backwards,
            **strides,
        )  # fmt: skip
        results.append(check(kernel, arrays, [*sizes, n], target=target, tolerance=1e-5)[3])
    assert results[0].tobytes() == results[1].tobytes()


def test_tasks_are_batches_by_row_blocks_by_panel_blocks() -> None:
    target = Target.host(32)
    kernel = product(f32, Tile(4, 2), batch=1)
    sizes = contraction_sizes(
        batch0=5, rows1=4, rows2=6, columns=100, k=1, row_block=10, panel_block=3
    )
    assert num_tasks(kernel, sizes, target) == 5 * 3 * 3
