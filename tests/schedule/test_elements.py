"""Elements moved in runs of neighbours: padding, rolling, flipping."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plans import results_of

pytestmark = pytest.mark.native

_MODES: dict[str, Any] = {
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
    "constant": "constant",
}


def _graph(line: str) -> str:
    return f"graph(%x: Tensor)\n%y: Tensor = {line}\nreturn %y"


@pytest.mark.parametrize("mode", _MODES)
@given(
    rows=st.integers(4, 6),
    columns=st.integers(4, 40),
    sides=st.lists(st.integers(0, 3), min_size=4, max_size=4),
)
@settings(max_examples=12)
def test_padding_reads_runs(mode: str, rows: int, columns: int, sides: list[int]) -> None:
    x = np.arange(2.0 * rows * columns).reshape(1, 2, rows, columns)
    left, right, up, down = sides
    value = "1.5" if mode == "constant" else "None"
    (result,) = results_of(_graph(f'pad(%x, {sides}, "{mode}", {value})'), x)
    around = ((0, 0), (0, 0), (up, down), (left, right))
    filled: dict[str, Any] = {"constant_values": 1.5} if mode == "constant" else {}
    np.testing.assert_array_equal(result, np.pad(x, around, _MODES[mode], **filled))


@pytest.mark.parametrize("sides", [[-1, -2, 3, 0], [5, -7, -1, -1], [-7, 9, 0, 0], [0, 0, -2, 5]])
def test_padding_may_take_away(sides: list[int]) -> None:
    x = np.arange(24.0).reshape(4, 6) + 1
    left, right, up, down = sides
    padded = np.pad(x, ((max(up, 0), max(down, 0)), (max(left, 0), max(right, 0))))
    rows, columns = padded.shape
    expected = padded[max(-up, 0) : rows - max(-down, 0), max(-left, 0) : columns - max(-right, 0)]
    (result,) = results_of(_graph(f"constant_pad_nd(%x, {sides}, 0)"), x)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8", "bool", "float16"])
@pytest.mark.parametrize("columns", [1, 15, 16, 33, 130])
def test_rows_are_reversed_and_rolled(columns: int, dtype: str) -> None:
    x = np.random.default_rng(0).integers(0, 100, (3, columns)).astype(dtype)
    np.testing.assert_array_equal(results_of(_graph("flip(%x, [0, 1])"), x)[0], x[::-1, ::-1])
    rolled = results_of(_graph("roll(%x, [4, 1], [1, 0])"), x)[0]
    np.testing.assert_array_equal(rolled, np.roll(x, (4, 1), (1, 0)))


def test_what_follows_sees_every_piece() -> None:
    text = (
        "graph(%x: Tensor, %b: Tensor)\n%p: Tensor = constant_pad_nd(%x, [1, 2], 3)\n"
        "%y: Tensor = mul.Tensor(%p, %b)\nreturn %y"
    )
    x, b = np.arange(40.0).reshape(2, 20), np.arange(23.0)
    (result,) = results_of(text, x, b)
    np.testing.assert_array_equal(result, np.pad(x, ((0, 0), (1, 2)), constant_values=3) * b)
