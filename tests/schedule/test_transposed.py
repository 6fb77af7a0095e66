"""Copies and pointwise kernels whose operands lie in memory along another axis."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plans import Array, bind, graph_of, results_of, type_of
from treadle.schedule import nests

SHAPES = [
    (37, 41),
    (16, 16),
    (1, 70),
    (70, 1),
    (0, 40),
    (40, 0),
    (150, 131),
    (2, 33, 18),
    (3, 1, 40),
]
CASES = [
    pytest.param(shape, order, id=f"{shape}-{order}")
    for shape in SHAPES
    for order in itertools.permutations(range(len(shape)))
    if order != tuple(range(len(shape)))
]


def copied(x: Array, order: tuple[int, ...], isa: str = "native") -> Array:
    text = f"""
        graph(%x: Tensor)
        %p: Tensor = permute(%x, {list(order)})
        %y: Tensor = contiguous(%p, 0)
        return %y
    """
    return results_of(text, x, isa=isa)[0]


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize(("shape", "order"), CASES)
def test_copies(shape: tuple[int, ...], order: tuple[int, ...], isa: str) -> None:
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    np.testing.assert_array_equal(copied(x, order, isa), x.transpose(order))


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.int8, np.bool_])
def test_every_width_of_elements(dtype: Any) -> None:
    x = np.random.default_rng(0).integers(-9, 9, (83, 75)).astype(dtype)
    np.testing.assert_array_equal(copied(x, (1, 0)), x.T)


@pytest.mark.parametrize("isa", ["native", "avx2"])
def test_operands_of_both_orders_in_one_kernel(isa: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((45, 67), np.float32), rng.standard_normal((67, 45), np.float32)
    text = """
        graph(%x: Tensor, %y: Tensor)
        %t: Tensor = t(%y)
        %s: Tensor = mul.Tensor(%x, %t)
        %z: Tensor = add.Tensor(%s, %t, 1)
        return %z
    """
    (z,) = results_of(text, x, y, isa=isa)
    np.testing.assert_allclose(z, x * y.T + y.T, rtol=1e-6, atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_any_order_of_dims(shape: list[int], random: Any) -> None:
    order = list(range(len(shape)))
    random.shuffle(order)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    np.testing.assert_array_equal(copied(x, tuple(order)), x.transpose(order))


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("shape", [(64, 48), (600, 33), (33, 600), (16, 1040), (1, 40), (0, 40)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_large_results_go_past_the_caches_wherever_they_lie(
    shape: tuple[int, int], dtype: Any, isa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nests, "STREAMING_BYTES", 0)
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(dtype)
    np.testing.assert_array_equal(copied(x, (1, 0), isa), x.T)
    text = "graph(%x: Tensor)\n%p: Tensor = t(%x)\n%y: Tensor = contiguous(%p, 0)\nreturn %y"
    bound = bind(graph_of(text), [type_of(x)], isa)
    room = np.zeros(x.size * x.itemsize + 128, np.uint8)
    for start in (0, x.itemsize, 64):
        first = -room.ctypes.data % 64 + start
        y = room[first : first + x.nbytes].view(dtype).reshape(x.T.shape)
        bound.plan.run([x], [y])
        np.testing.assert_array_equal(y, x.T)


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("channels", [2, 3, 4, 5])
@pytest.mark.parametrize("pixels", [1, 15, 16, 33, 200])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int8])
def test_few_channels_are_put_next_to_each_other(
    pixels: int, channels: int, dtype: Any, isa: str
) -> None:
    x = np.random.default_rng(0).integers(-9, 9, (2, channels, pixels)).astype(dtype)
    np.testing.assert_array_equal(copied(x, (0, 2, 1), isa), x.transpose(0, 2, 1))


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers_are_copied_as_they_are(dtype: Any) -> None:
    parts = np.random.default_rng(0).standard_normal((2, 35, 41)).astype(dtype)
    x = parts[0] + 1j * parts[1]
    x[3, 4] = complex(np.nan, -0.0)
    assert copied(x, (1, 0)).tobytes() == np.ascontiguousarray(x.T).tobytes()
