"""Matrix products, and whatever takes large tensors, read operands where they lie.

They give what they give of copies: bit for bit, but for products of few rows, where B may lie
column by column: they are other sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treadle
from treadle import Tensor
from treadle.eager.operands import find_lay

functional: Any = treadle.nn.functional
VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "transposed": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
    "rows of wider ones": lambda x: treadle.cat([x, x], -1)[..., : x.shape[-1]],
    "every second row": lambda x: treadle.stack([x, x], -2).flatten(-3, -2)[..., ::2, :],
    "every second column": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "turned": lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
}
CALLS: dict[str, tuple[Callable[..., Tensor], tuple[tuple[int, ...], ...]]] = {
    "mm": (treadle.mm, ((40, 33), (33, 50))),
    "one column": (treadle.mm, ((40, 33), (33, 1))),
    "matmul": (treadle.matmul, ((2, 1, 20, 9), (3, 9, 17))),
    "bmm": (treadle.bmm, ((4, 18, 7), (4, 7, 20))),
    "linear": (functional.linear, ((2, 20, 33), (19, 33), (19,))),
    "addmm": (treadle.addmm, ((50,), (40, 33), (33, 50))),
    "mv": (treadle.mv, ((40, 33), (33,))),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "complex64"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("view", VIEWS)
def test_products_of_views_have_the_bits_of_those_of_copies(
    view: str, call: str, dtype: str
) -> None:
    function, shapes = CALLS[call]
    treadle.manual_seed(1)
    operands = [(treadle.randn(s) * 8).to(getattr(treadle, dtype)) for s in shapes]
    expected = function(*operands)
    for number, operand in enumerate(operands):
        if operand.ndim < 2:
            continue
        there = VIEWS[view](operand)
        assert there.equal(operand)
        for _ in range(2):
            result = function(*operands[:number], there, *operands[number + 1 :])
            assert result.equal(expected)
    if function is treadle.mm:
        out = treadle.empty_like(expected)
        assert treadle.mm(operands[0], VIEWS[view](operands[1]), out=out).equal(expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "complex64"])
@pytest.mark.parametrize("rows", [1, 3, 16])
def test_products_of_few_rows_with_columns_that_lie_together_are_those_of_plans(
    rows: int, dtype: str
) -> None:
    @treadle.script
    def planned(x: Tensor, w: Tensor) -> Tensor:
        return treadle.mm(x, w.t())

    treadle.manual_seed(1)
    kind = getattr(treadle, dtype)
    x, w = ((treadle.randn(n, 70) * 8).to(kind) for n in (rows, 50))
    found = treadle.mm(x, w.t())
    assert found.equal(planned(x, w))
    assert treadle.allclose(found, treadle.mm(x, w.t().contiguous()), rtol=1e-2, atol=1e-3)


def test_a_product_may_be_written_over_an_operand_that_it_reads_where_it_lies() -> None:
    x = treadle.randn(30, 30)
    expected = x @ x.t().contiguous()
    assert treadle.mm(x, x.t(), out=x).equal(expected)


LARGE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": treadle.relu,
    "a sum with another": lambda x: x + x.contiguous(),
    "sum of rows": lambda x: x.sum(-1),
    "sum of columns": lambda x: x.sum(0),
    "sum": lambda x: x.sum(),
    "variance": lambda x: x.var(-1),
    "place of the largest": lambda x: x.argmax(0),
    "softmax": lambda x: x.softmax(-1),
    "layer norm": lambda x: functional.layer_norm(x, [x.shape[-1]]),
    "pooling": lambda x: functional.max_pool2d(x[None, None] if x.ndim == 2 else x, 2),
    "running sum": lambda x: x.cumsum(0),
    "sorted": lambda x: x.sort(-1)[0],
    "joined": lambda x: treadle.cat([x, x.contiguous()]),
    "copied": lambda x: x.contiguous(),
    "selected": lambda x: x.index_select(0, treadle.arange(0, x.shape[0], 3)),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_views_give_the_bits_of_copies(name: str) -> None:
    treadle.manual_seed(1)
    for plain in (treadle.randn(150, 131), treadle.randn(2, 31, 17, 18)):
        expected = LARGE[name](plain)
        for view in ("transposed", "turned"):
            there = VIEWS[view](plain)
            for _ in range(2):
                assert LARGE[name](there).equal(expected)


def test_large_views_are_written_over_by_what_reads_them() -> None:
    x = treadle.randn(150, 150)
    expected = x.t().contiguous() + x
    assert treadle.add(x.t(), x, out=x).equal(expected)
    expected = x.t().contiguous().relu()
    assert x.t().relu_().equal(expected)


def test_others_than_products_copy_small_views() -> None:
    x = treadle.ones(2, 3).t()
    for _ in range(2):
        assert x.clone().stride() == (1, 3)
        assert treadle.relu(x).tolist() == [[1.0, 1.0]] * 3
        assert treadle.mm(x, x.t()).tolist() == [[2.0] * 3] * 3


def test_sizes_may_vary() -> None:
    for rows in range(20, 30):
        x, y = treadle.randn(rows, 40), treadle.randn(50, 40)
        assert (x @ y.t()).equal(functional.linear(x, y))


@settings(deadline=None)
@given(st.data())
def test_what_lies_in_row_major_memory_is_found_there(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 4), max_size=4))
    wider = [n + data.draw(st.integers(0, 2)) for n in shape]
    order = data.draw(st.permutations(range(len(shape))))
    whole = np.arange(math.prod(wider)).reshape(wider)
    array = whole[tuple(map(slice, shape))].transpose(order)
    strides = tuple(s // array.itemsize for s in array.strides)
    found = find_lay(array.shape, strides)
    if found is None:
        assert array.size == 0 or 1 not in [
            s for s, n in zip(strides, array.shape, strict=True) if n > 1
        ]
        return
    lay, sizes = found
    memory = np.lib.stride_tricks.as_strided(array, sizes, shape_strides(sizes, array.itemsize))
    for dim, size in lay.cuts:
        memory = memory[(slice(None),) * dim + (slice(size),)]
    back = memory.transpose([lay.order.index(d) for d in range(array.ndim)])
    np.testing.assert_array_equal(back, array)


def shape_strides(sizes: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    return tuple(itemsize * math.prod(sizes[d + 1 :]) for d in range(len(sizes)))
