"""Plans of reductions and row-wise maps against NumPy: every set of dims, fused on both sides."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.plans import Array, results_of, steps_of
from treadle.schedule import nests

pytestmark = pytest.mark.native
_SHAPES = ((3, 4, 5), (2, 1, 7), (1, 1, 1), (0, 3, 2), (2, 0, 3), (33, 2, 17))
_DIMS = [d for n in range(4) for d in itertools.combinations(range(3), n)]


def _random(*shape: int) -> Array:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def _close(actual: Array, expected: Array, rtol: float = 1e-5) -> None:
    assert actual.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * scale)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("shape", _SHAPES)
def test_sum_over_every_set_of_dims(shape: tuple[int, ...], keep: bool) -> None:
    x = _random(*shape)
    for dims in _DIMS:
        (actual,) = results_of(
            f"""
            graph(%x: Tensor)
            %y: Tensor = sum.dim_IntList(%x, {list(dims) or None}, {keep}, None)
            return %y
            """,
            x,
        )
        _close(actual, x.sum(dims or None, keepdims=keep))


@pytest.mark.parametrize(
    ("line", "steps"),
    [
        ("sum.dim_IntList(%v, [0], False, None)", ["sum"]),
        ("var.correction(%v, [0], 1, False)", ["var"]),
        ("softmax.int(%v, 0, None)", ["contiguous", "softmax"]),
        ("sum(%v, None)", ["contiguous", "sum"]),
    ],
)
def test_reductions_along_memory_need_no_copy(line: str, steps: list[str]) -> None:
    """But maps over such rows do, and short rows of two dims that lie the other way round."""
    text = f"graph(%x: Tensor)\n%v: Tensor = t(%x)\n%y: Tensor = {line}\nreturn %y"
    assert steps_of(text, _random(40, 50)) == steps


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_layout_of_the_operand_does_not_matter(order: tuple[int, ...]) -> None:
    x = _random(5, 6, 18)
    viewed = x.transpose(order)
    for dims in _DIMS[1:]:
        (actual,) = results_of(
            f"""
            graph(%x: Tensor)
            %v: Tensor = permute(%x, {list(order)})
            %y: Tensor = amax(%v, {list(dims)}, False)
            return %y
            """,
            x,
        )
        _close(actual, viewed.max(dims))


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_what_comes_before_and_after_a_map_over_rows_is_fused(dim: int) -> None:
    text = f"""
    graph(%x: Tensor, %z: Tensor)
    %a: Tensor = mul.Tensor(%x, %z)
    %s: Tensor = softmax.int(%a, {dim}, None)
    %t: Tensor = add.Tensor(%s, %z, 1)
    %r: Tensor = tanh(%t)
    return %r
    """
    x = _random(4, 5, 20)
    for z in (_random(20), _random(5, 1), _random(4, 5, 20), _random(1), _random(4, 1, 1)):
        e = np.exp(x * z - (x * z).max(dim, keepdims=True))
        _close(results_of(text, x, z)[0], np.tanh(e / e.sum(dim, keepdims=True) + z))
    assert steps_of(text, x, x) == ["mul+softmax+add+tanh"]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("dims", [(2,), (0,), (0, 2), (1,), (0, 1, 2)])
def test_what_comes_before_and_after_a_reduction_is_fused(
    dims: tuple[int, ...], keep: bool
) -> None:
    x = _random(4, 5, 20)
    want = np.maximum(x, 0).mean(dims, keepdims=keep)
    z = _random(*want.shape)
    text = f"""
    graph(%x: Tensor, %z: Tensor)
    %a: Tensor = relu(%x)
    %m: Tensor = mean.dim(%a, {list(dims)}, {keep}, None)
    %t: Tensor = sub.Tensor(%m, %z, 1)
    return %t
    """
    _close(results_of(text, x, z)[0], want - z)
    assert steps_of(text, x, z) == ["relu+mean+sub"]


def test_what_is_computed_beside_a_reduction_for_what_follows_it_is_fused() -> None:
    x, y = _random(7, 3), _random(7, 4)
    text = """
    graph(%x: Tensor, %y: Tensor)
    %a: Tensor = select.int(%y, 1, 0)
    %b: Tensor = select.int(%y, 1, 2)
    %c: Tensor = mul.Tensor(%a, %b)
    %s: Tensor = sum.dim_IntList(%x, [1], False, None)
    %t: Tensor = add.Tensor(%c, %s, 1)
    return %t
    """
    _close(results_of(text, x, y)[0], y[:, 0] * y[:, 2] + x.sum(1))
    assert steps_of(text, x, y) == ["mul+sum+add"]


def test_rows_of_broadcast_operands() -> None:
    a, b = _random(6, 1), _random(1, 9)
    (actual,) = results_of(
        """
        graph(%a: Tensor, %b: Tensor)
        %s: Tensor = add.Tensor(%a, %b, 1)
        %y: Tensor = sum.dim_IntList(%s, [1], False, None)
        return %y
        """,
        a,
        b,
    )
    _close(actual, (a + b).sum(1))


def test_a_value_read_inside_the_row_and_after_it() -> None:
    x = _random(6, 19)
    (actual,) = results_of(
        """
        graph(%x: Tensor)
        %a: Tensor = tanh(%x)
        %s: Tensor = softmax.int(%a, 1, None)
        %y: Tensor = mul.Tensor(%s, %a)
        return %y
        """,
        x,
    )
    a = np.tanh(x)
    _close(actual, np.exp(a) / np.exp(a).sum(1, keepdims=True) * a)


def test_layer_norm_over_several_dims() -> None:
    x, w, b = _random(5, 3, 17), _random(3, 17), _random(3, 17)
    (actual,) = results_of(
        """
        graph(%x: Tensor, %w: Tensor, %b: Tensor)
        %y: Tensor = layer_norm(%x, [3, 17], %w, %b, 0.00001, True)
        return %y
        """,
        x,
        w,
        b,
    )
    centred = x - x.mean((1, 2), keepdims=True)
    deviation = np.sqrt((centred**2).mean((1, 2), keepdims=True) + 1e-5)
    _close(actual, centred / deviation * w + b)


@pytest.mark.parametrize("size", [1, 100_000, 262_147])
@pytest.mark.parametrize("function", ["sum", "mean"])
def test_reduction_of_a_large_tensor(function: str, size: int) -> None:
    x = _random(size)
    text = f"""
    graph(%x: Tensor)
    %y: Tensor = {function}(%x, None)
    return %y
    """
    (actual,) = results_of(text, x)
    _close(actual, np.asarray(getattr(x.astype(np.float64), function)()))


def test_long_rows_are_cut_into_parts_where_there_are_few() -> None:
    """The parts depend on the shape alone, so the bits do not depend on threads."""
    text = """
    graph(%x: Tensor)
    %a: Tensor = relu(%x)
    %m: Tensor = mean.dim(%a, [1], False, None)
    %y: Tensor = tanh(%m)
    return %y
    """
    x = _random(2, 300_001)
    assert steps_of(text, x) == ["relu+mean+tanh", "relu+mean+tanh"]
    assert steps_of(text, _random(300, 2001)) == ["relu+mean+tanh"]
    _close(results_of(text, x)[0], np.tanh(np.maximum(x, 0).mean(1)))


@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1), (0, 2)])
@pytest.mark.parametrize("function", ["sum.dim_IntList", "amax"])
def test_parts_of_rows_in_any_layout(function: str, dims: tuple[int, ...]) -> None:
    x = _random(700, 9, 70)
    tail = "" if function == "amax" else ", None"
    (actual,) = results_of(
        f"""
        graph(%x: Tensor)
        %v: Tensor = permute(%x, [2, 0, 1])
        %y: Tensor = {function}(%v, {list(dims)}, False{tail})
        return %y
        """,
        x,
    )
    viewed = x.transpose(2, 0, 1)
    _close(actual, viewed.max(dims) if function == "amax" else viewed.sum(dims), 1e-4)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(
    ("shape", "dims"),
    [((3, 5, 600), (0, 1, 2)), ((3, 5, 600), (0, 2)), ((9, 80, 6), (0, 1)), ((1, 9, 513), (1, 2))],
)
def test_the_last_dim_of_long_rows_is_reduced_first_without_a_copy(
    shape: tuple[int, ...], dims: tuple[int, ...], order: tuple[int, ...], keep: bool
) -> None:
    x, rank = _random(*shape), range(3)
    text = f"""
    graph(%x: Tensor, %z: Tensor)
    %v: Tensor = permute(%x, {[order.index(d) for d in rank]})
    %a: Tensor = mul.Tensor(%v, %v)
    %m: Tensor = mean.dim(%a, {list(dims)}, {keep}, None)
    %y: Tensor = sub.Tensor(%m, %z, 1)
    return %y
    """
    want = (x * x).mean(dims, keepdims=keep, dtype=np.float64)
    z = _random(*want.shape)
    stored = np.ascontiguousarray(x.transpose(order))
    assert steps_of(text, stored, z) == ["mul+mean+sub", "mul+mean+sub"]
    (actual,) = results_of(text, stored, z)
    _close(actual, (want - z).astype(np.float32))


def test_long_rows_of_halves_are_rounded_once() -> None:
    x = np.full((4, 600), 1.0009765625, np.float16)
    text = "graph(%x: Tensor)\n%y: Tensor = sum(%x, None)\nreturn %y"
    (actual,) = results_of(text, x)
    assert actual == np.float16(2400 * 1.0009765625)


def test_a_slice_of_nothing() -> None:
    (actual,) = results_of(
        """
        graph(%x: Tensor)
        %s: Tensor = slice.Tensor(%x, 1, 1, 3, 1)
        %y: Tensor = sum.dim_IntList(%s, [0], False, None)
        return %y
        """,
        np.zeros((0, 3), np.float32),
    )
    np.testing.assert_array_equal(actual, [0, 0])


def test_long_columns_are_summed_in_parts() -> None:
    x = np.random.default_rng(0).random((20_000, 40), np.float32)
    (result,) = results_of(
        "graph(%x: Tensor)\n%y: Tensor = sum.dim_IntList(%x, [0], False, None)\nreturn %y", x
    )
    exact = x.sum(0, dtype=np.float64)
    assert np.abs(result - exact).max() <= 2 * np.spacing(np.float32(exact.max()))


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_maps_over_rows_that_no_cache_could_hold(
    dim: int, isa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nests, "STREAMING_BYTES", 0)
    x = _random(3, 18, 33)
    text = f"graph(%x: Tensor)\n%y: Tensor = softmax.int(%x, {dim}, None)\nreturn %y"
    e = np.exp(x - x.max(dim, keepdims=True))
    _close(results_of(text, x, isa=isa)[0], e / e.sum(dim, keepdims=True))
