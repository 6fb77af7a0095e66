"""Sorting, and the first elements in order, along any dim and under any strides."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plans import Array, results_of, steps_of
from treadle.schedule import order

pytestmark = pytest.mark.native


def _graph(line: str) -> str:
    return (
        f"graph(%x: Tensor)\n%v: Tensor, %i: Tensor = {line}\n"
        "%y: Tuple[Tensor, Tensor] = tuple(%v, %i)\nreturn %y"
    )


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 40), (70, 2, 3)])
def test_any_dim_is_sorted(shape: tuple[int, ...], dim: int) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    values, indices = results_of(_graph(f"sort(%x, {dim}, False)"), x)
    np.testing.assert_array_equal(values, np.sort(x, dim))
    np.testing.assert_array_equal(indices, np.argsort(x, dim))


def test_the_first_of_long_rows_are_found() -> None:
    x = np.random.default_rng(0).standard_normal((5, 7000), np.float32)
    values, indices = results_of(_graph("topk(%x, 9, 1, True, True)"), x)
    np.testing.assert_array_equal(values, -np.sort(-x, 1)[:, :9])
    np.testing.assert_array_equal(np.take_along_axis(x, indices, 1), values)


def test_dense_rows_need_no_copies() -> None:
    x = np.zeros((4, 5, 6), np.float32)
    assert len(steps_of(_graph("sort(%x, -1, True)"), x)) == 1
    assert len(steps_of(_graph("sort(%x, 1, True)"), x)) == 4


@pytest.mark.parametrize("nan", [False, True])
def test_the_median_of_what_has_nan_is_nan(nan: bool) -> None:
    x = np.random.default_rng(0).standard_normal((3, 9))
    x[1, 4] = x[1, 6] = np.nan if nan else 0.0
    values, indices = results_of(_graph("median.dim(%x, 1, False)"), x)
    np.testing.assert_array_equal(values, np.median(x, 1))
    assert not nan or indices[1] == 4


# --- rows that are sorted by parts ------------------------------------------------------------


@pytest.fixture(scope="module")
def small_parts() -> Any:
    """Rows of more than eight elements are long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "PART", 8)
        yield


def _numbers(dtype: str, shape: tuple[int, ...], seed: int) -> Array:
    """Many equal ones; of floats, also special ones."""
    source = np.random.default_rng(seed)
    x = source.integers(-9, 9, shape).astype(dtype)
    if x.dtype.kind == "f":
        special = np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0], dtype)
        x = np.where(source.random(shape) < 0.2, source.choice(special, shape), x)
    return x


def _stable(x: Array, descending: bool) -> Array:
    """The stable order of rows, NaN as the largest."""
    keys = x.astype(float if x.dtype.kind == "f" else np.int64)
    if not descending:
        return np.argsort(keys, axis=1, kind="stable")
    turned = np.argsort(keys[:, ::-1], axis=1, kind="stable")
    return np.asarray(x.shape[1] - 1 - turned[:, ::-1])


@pytest.mark.usefixtures("small_parts")
@settings(max_examples=25, deadline=None)
@given(
    dtype=st.sampled_from(["float32", "float64", "int64", "int32", "uint8", "float16"]),
    rows=st.integers(1, 4),
    length=st.integers(1, 150),
    descending=st.booleans(),
    data=st.data(),
)
def test_long_rows_are_sorted_by_parts(
    dtype: str, rows: int, length: int, descending: bool, data: st.DataObject
) -> None:
    x = _numbers(dtype, (rows, length), data.draw(st.integers(0, 99)))
    count = data.draw(st.integers(1, length))
    order = f"first_in_order(%x, 1, {descending}, {count})"
    values, indices = results_of(_graph(order), x)
    np.testing.assert_array_equal(indices, _stable(x, descending)[:, :count])
    assert values.tobytes() == np.take_along_axis(x, indices, 1).tobytes()


@pytest.mark.usefixtures("small_parts")
def test_parts_are_merged_two_by_two() -> None:
    for length, steps in ((8, 1), (9, 2), (32, 3), (33, 4)):
        assert len(steps_of(_graph("sort(%x, 0, False)"), np.zeros(length))) == steps
    many = np.zeros((order.MAX_TASKS, 40))
    assert len(steps_of(_graph("sort(%x, 1, False)"), many)) == 1


def test_a_row_of_many_elements_is_sorted() -> None:
    x = np.random.default_rng(0).standard_normal(3 * order.PART + 7, np.float32)
    values, indices = results_of(_graph("sort(%x, 0, True)"), x)
    np.testing.assert_array_equal(values, -np.sort(-x))
    np.testing.assert_array_equal(x[indices], values)
