from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codegen import reference
from tests.codegen.checking import at_page_end, each_target
from treadle.codegen import Target, compile_kernels
from treadle.errors import VerifyError
from treadle.ir.dtypes import DType, bool_, f16, f32, f64, i8, i32, i64, u8
from treadle.ir.loops import Buffer, Sort
from treadle.ir.loops_text import parse_kernel, print_kernel
from treadle.ir.loops_verify import verify_kernel

Array = npt.NDArray[Any]
DTYPES = (f16, f32, f64, i8, u8, i32, i64, bool_)


def kernel(dtype: DType, descending: bool = False, sifted: bool = False) -> Sort:
    """A sort of elements of `dtype`."""
    buffers = (Buffer(dtype), Buffer(dtype, True), Buffer(i64, True), Buffer(i64, True))
    return Sort("sort", buffers, descending, sifted)


def ordered(
    sort: Sort, x: Array, count: int, target: Target, room: int = 0, block: int = 2
) -> tuple[Array, Array]:
    """The first elements of each row, and their places."""
    verify_kernel(sort)
    assert print_kernel(parse_kernel(print_kernel(sort))) == print_kernel(sort)
    rows, length = x.shape
    room = room or max(length, 1)
    tasks = -(-rows // block)
    words = 2 if x.dtype.itemsize == 8 else 1
    scratch = np.zeros(tasks * 2 * room * words + 2, np.int64)
    aligned = scratch[scratch.ctypes.data // 8 % 2 :]
    values, places = np.zeros((rows, count), x.dtype), np.zeros((rows, count), np.int64)
    (compiled,) = compile_kernels([sort], target)
    arrays = [at_page_end(x), values, places, aligned]
    sizes = [rows, length, count, length, block, room, 0, 0, 0, 0]
    reference.run(compiled, arrays, sizes, 0, tasks)
    return values, places


def expected(x: Array, descending: bool) -> Array:
    """The stable order of each row, NaN last, or first."""
    keys = np.where(x == 0, 0, x).astype(np.float64 if x.dtype.kind == "f" else object)
    if not descending:
        return np.argsort(keys, axis=1, kind="stable")
    turned = np.argsort(keys[:, ::-1], axis=1, kind="stable")
    return np.asarray(x.shape[1] - 1 - turned[:, ::-1])


def elements(dtype: DType, rows: int, length: int) -> Array:
    """Many equal ones; of floats, special ones."""
    rng = np.random.default_rng(length)
    x = (rng.standard_normal((rows, length)) * 20).astype(dtype.numpy)
    if dtype.kind == "f" and x.size > 8:
        x.reshape(-1)[:7] = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 6e-8]
    return x


@each_target
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_rows_are_in_stable_order(dtype: DType, descending: bool, target: Target) -> None:
    for rows, length in ((1, 1), (3, 2), (5, 77), (2, 300)):
        x = elements(dtype, rows, length)
        values, places = ordered(kernel(dtype, descending), x, length, target)
        np.testing.assert_array_equal(places, expected(x, descending))
        assert values.tobytes() == np.take_along_axis(x, places, 1).tobytes()


@each_target
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_sifted_rows_begin_like_sorted_ones(dtype: DType, descending: bool, target: Target) -> None:
    for count, length in ((1, 90), (7, 500), (7, 515)):
        for x in (elements(dtype, 2, length), np.sort(elements(dtype, 2, length), 1)):
            for row in (x, x[:, ::-1].copy()):
                sort = kernel(dtype, descending, sifted=True)
                _, places = ordered(sort, row, count, target, count + 5 + target.vector_bytes)
                np.testing.assert_array_equal(places, expected(row, descending)[:, :count])


@each_target
@pytest.mark.parametrize("dtype", [f32, i64, bool_], ids=str)
def test_parts_are_ordered_and_merged(dtype: DType, target: Target) -> None:
    rows, length, parts, chunk = 3, 37, 4, 10
    for count in (length, 23, 1):
        x = elements(dtype, rows, length)
        places = run_stages(kernel(dtype), x, count, parts, chunk, target)
        np.testing.assert_array_equal(places, expected(x, False)[:, :count])


def run_stages(sort: Sort, x: Array, count: int, parts: int, chunk: int, target: Target) -> Array:
    """The places of the first elements of each row, by the stages for long rows."""
    rows, length = x.shape
    words = 2 if x.dtype.itemsize == 8 else 1
    scratch = at_page_end(np.zeros((2 * rows * length + 1) * words, np.int64))
    values, places = np.zeros((rows, count), x.dtype), np.zeros((rows, count), np.int64)
    stages = [("parts", 0, 0), ("merge", 1, 0), ("last", 2, rows * length)]
    for stage, run, half in stages:
        (compiled,) = compile_kernels([replace(sort, stage=stage)], target)
        verify_kernel(compiled.kernel)
        sizes = [rows, length, count, length, 0, 0, chunk, parts, run, half]
        arrays = [at_page_end(x), values, places, scratch]
        reference.run(compiled, arrays, sizes, 0, rows * parts)
    return places


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_all_bits_of_integers_count(numbers: list[int]) -> None:
    x = np.array([numbers])
    values, _ = ordered(kernel(i64), x, x.size, Target.host())
    np.testing.assert_array_equal(values, np.sort(x))


def test_what_is_no_sort_is_refused() -> None:
    buffers = (Buffer(f32), Buffer(f64, True), Buffer(i64, True), Buffer(i64, True))
    with pytest.raises(VerifyError, match="values of f64 are sorted from f32"):
        verify_kernel(Sort("sort", buffers))
    good = (buffers[0], Buffer(f32, True), *buffers[2:])
    with pytest.raises(VerifyError, match="the stage of a sort is 'first'"):
        verify_kernel(Sort("sort", good, stage="first"))
    with pytest.raises(VerifyError, match="a sort has x, values, positions and scratch"):
        verify_kernel(Sort("sort", buffers[:3]))
