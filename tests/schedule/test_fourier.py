"""Fast Fourier transforms: lengths, dims, layouts, real and complex, as NumPy's in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plans import Array, bind, graph_of, results_of, run_on_all, steps_of, type_of
from treadle.ops.fast_fourier import FEW_ROWS, factors_of
from treadle.passes.abstract import Unplannable

pytestmark = pytest.mark.native
LENGTHS = (1, 2, 3, 5, 6, 7, 8, 11, 13, 16, 20, 24, 26, 30, 32, 36, 48, 64, 100, 120, 128, 400, 512)
ROWS = (1, 5, 16, 33)


def _random(*shape: int, dtype: str = "complex64") -> Array:
    source = np.random.default_rng(0)
    x = source.standard_normal(shape)
    if "complex" in dtype:
        x = x + 1j * source.standard_normal(shape)
    return x.astype(dtype)


def _fourier(x: Array, *args: Any, isa: str = "native") -> Array:
    text = f"graph(%x: Tensor)\n%y: Tensor = fourier(%x, {', '.join(map(str, args))})\nreturn %y"
    return results_of(text, x, isa=isa)[0]


def _close(actual: Array, expected: Array) -> None:
    assert actual.shape == expected.shape
    bound = {4: 4e-7, 8: 1e-15}[actual.real.itemsize] * max(1, math.log2(actual.shape[-1] + 1))
    scale = np.abs(expected).max(initial=1e-30)
    assert np.abs(actual - expected).max(initial=0) <= bound * scale


@pytest.mark.parametrize(
    ("isa", "n"), [*(("native", n) for n in LENGTHS), *(("avx2", n) for n in (7, 24, 64, 100))]
)
def test_complex_rows_are_transformed(n: int, isa: str) -> None:
    x = _random(17, n)
    _close(_fourier(x, 1, n, '"whole"', True, 0.5, isa=isa), np.fft.fft(x.astype(complex)) / 2)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_any_number_of_rows_in_both_directions(rows: int, forward: bool, dtype: str) -> None:
    x = _random(rows, 24, dtype=dtype)
    wide = x.astype(complex)
    want = np.fft.fft(wide) if forward else np.fft.ifft(wide) * 24
    _close(_fourier(x, 1, 24, '"whole"', forward, 1.0), want)


@pytest.mark.parametrize("n", [2, 4, 6, 10, 16, 22, 60, 64, 400, 2048])
@pytest.mark.parametrize("forward", [True, False])
def test_real_rows_become_halves_and_halves_real_rows(n: int, forward: bool) -> None:
    x = _random(19, n, dtype="float32")
    half = np.fft.rfft(x.astype(float))
    _close(_fourier(x, 1, n, '"to_half"', forward, 1.0), half if forward else half.conj())
    spectrum = (half.conj() if forward else half).astype(np.complex64)
    _close(_fourier(spectrum, 1, n, '"to_real"', forward, 1 / n), x.astype(float))


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_any_dim_of_a_tensor_in_any_layout(dim: int) -> None:
    x = _random(20, 20, 20)
    want = np.fft.fft(x.astype(complex), axis=dim)
    _close(_fourier(x, dim, 20, '"whole"', True, 1.0), want)
    text = f"""
    graph(%x: Tensor)
    %v: Tensor = permute(%x, [2, 0, 1])
    %f: Tensor = fourier(%v, {dim}, 20, "whole", True, 1.0)
    %y: Tensor = permute(%f, [1, 2, 0])
    return %y
    """
    viewed = np.fft.fft(x.astype(complex).transpose(2, 0, 1), axis=dim)
    _close(results_of(text, x)[0], viewed.transpose(1, 2, 0))


def test_rows_that_overlap_are_read_in_place() -> None:
    text = """
    graph(%x: Tensor)
    %v: Tensor = unfold(%x, 0, 16, 5)
    %y: Tensor = fourier(%v, 1, 16, "to_half", True, 1.0)
    return %y
    """
    x = _random(171, dtype="float32")
    frames = np.lib.stride_tricks.sliding_window_view(x.astype(float), 16)[::5]
    _close(results_of(text, x)[0], np.fft.rfft(frames))
    assert steps_of(text, x) == ["fourier"]


@pytest.mark.parametrize("shape", [(FEW_ROWS - 1, 256), (1, 400), (1, 4096), (2, 1500, 1)])
@pytest.mark.parametrize("name", ["fft_fft", "fft_rfft", "fft_ifft"])
def test_few_long_rows_are_transformed_in_two_steps(shape: tuple[int, ...], name: str) -> None:
    x = _random(*shape, dtype="float32" if name == "fft_rfft" else "complex64")
    text = f"graph(%x: Tensor)\n%y: Tensor = {name}(%x, None, 1, None)\nreturn %y"
    wide = x.astype(float if name == "fft_rfft" else complex)
    _close(results_of(text, x)[0], getattr(np.fft, name[4:])(wide, axis=1))
    assert steps_of(text, x).count("fourier") == 2


@pytest.mark.parametrize(("n", "fast"), [(17, False), (34, False), (30, True)])
def test_large_primes_are_left_to_products(n: int, fast: bool) -> None:
    text = "graph(%x: Tensor)\n%y: Tensor = fft_rfft(%x, None, -1, None)\nreturn %y"
    x = _random(6, n, dtype="float32")
    _close(results_of(text, x)[0], np.fft.rfft(x.astype(float)))
    assert ("fourier" in steps_of(text, x)) == fast


@pytest.mark.parametrize(("shape", "dim"), [((2, 2053), 1), ((2062, 3), 0), ((2, 3063, 1), 1)])
@pytest.mark.parametrize("name", ["fft_fft", "fft_rfft", "fft_ifft", "fft_hfft", "fft_irfft"])
def test_long_rows_with_large_primes_are_chirps(
    shape: tuple[int, ...], dim: int, name: str
) -> None:
    n = shape[dim]
    x = _random(*shape, dtype="float32" if name == "fft_rfft" else "complex64")
    if name in ("fft_hfft", "fft_irfft"):
        x = x.take(range(n // 2 + 1), dim)
    text = f"graph(%x: Tensor)\n%y: Tensor = {name}(%x, {n}, {dim}, None)\nreturn %y"
    wide = x.astype(float if name == "fft_rfft" else complex)
    _close(results_of(text, x)[0], getattr(np.fft, name[4:])(wide, n, dim))
    assert steps_of(text, x).count("fourier") in (2, 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chirps_are_as_exact_as_torch(dtype: str) -> None:
    x = _random(4, 4099, dtype=dtype)
    text = "graph(%x: Tensor)\n%y: Tensor = fft_rfft(%x, None, -1, None)\nreturn %y"
    exact = np.fft.rfft(x.astype(np.longdouble))
    errors = [
        np.abs(y - exact).max()
        for y in (results_of(text, x)[0], torch.fft.rfft(torch.from_numpy(x)).numpy())
    ]
    assert errors[0] <= 2.5 * errors[1]


@pytest.mark.parametrize("n", [16384, 9000])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_long_halves_become_real_rows(n: int, dtype: str) -> None:
    half = _random(2, n // 2 + 1, dtype=dtype)
    text = f"graph(%x: Tensor)\n%y: Tensor = fft_irfft(%x, {n}, -1, None)\nreturn %y"
    _close(results_of(text, half)[0], np.fft.irfft(half.astype(complex), n))


@pytest.mark.parametrize(("shape", "dim"), [((2, 9000), 1), ((9000, 2), 0), ((3, 512, 1), 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["fft_rfft", "fft_ihfft"])
def test_long_real_rows_are_taken_for_pairs(
    shape: tuple[int, ...], dim: int, dtype: str, name: str
) -> None:
    x = _random(*shape, dtype=dtype)
    text = f"graph(%x: Tensor)\n%y: Tensor = {name}(%x, None, {dim}, None)\nreturn %y"
    wanted = getattr(np.fft, name[4:])(np.moveaxis(x, dim, -1).astype(float))
    _close(np.moveaxis(results_of(text, x)[0], dim, -1), wanted)


def test_rows_beyond_all_transforms_are_not_planned() -> None:
    text = "graph(%x: Tensor)\n%y: Tensor = fft_fft(%x, 524309, -1, None)\nreturn %y"
    with pytest.raises(Unplannable, match="a Fourier transform of 524309 points, as a plan"):
        bind(graph_of(text), [type_of(_random(1, 8))])


@given(n=st.integers(1, 5000))
@settings(max_examples=60)
def test_factors_make_the_length(n: int) -> None:
    factors = factors_of(n)
    if factors is None:
        assert any(n % p == 0 for p in range(17, n + 1))
    else:
        assert math.prod(factors) == n


def test_a_row_with_an_infinity_spoils_no_other_row() -> None:
    x = _random(40, 128)
    clean = _fourier(x, 1, x.shape[1], '"whole"', True, 1.0)
    x[3, 5] = np.inf
    text = 'graph(%x: Tensor)\n%y: Tensor = fourier(%x, 1, 128, "whole", True, 1.0)\nreturn %y'
    (spoiled,) = run_on_all(bind(graph_of(text), [type_of(x)]), [x])
    others = np.arange(40) != 3
    np.testing.assert_array_equal(clean[others], spoiled[others])
    assert not np.isfinite(spoiled[3]).any()
