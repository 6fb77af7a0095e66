"""Compile a kernel, run it in one go and task by task, and compare with the interpreter."""

from __future__ import annotations

import contextlib
import mmap
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.codegen import reference
from tests.codegen.contractions import num_tasks, panel_columns
from treadle.codegen import Target, compile_kernels
from treadle.errors import UnsupportedError
from treadle.ir.loops import Contraction, LoopNest
from treadle.ir.loops_text import parse_kernel, print_kernel
from treadle.ir.loops_verify import verify_kernel

Array = npt.NDArray[Any]


def _targets() -> list[Target]:
    found = [Target.host(32)]
    with contextlib.suppress(UnsupportedError):
        found.append(Target.host(64))
    return found


TARGETS = _targets()
each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.vector_bytes * 8}bit")

TOLERANCE = {"f16": 2e-3, "bf16": 2e-2, "f32": 2e-5, "f64": 1e-13}


def at_page_end(array: Array) -> Array:
    """A copy whose last element is the last of a mapping: reading past it is likely to fault."""
    size = max(array.nbytes, 1)
    pages = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, pages)
    start = (pages - array.nbytes) // array.itemsize
    copy = np.frombuffer(memory, array.dtype)[start : start + array.size].reshape(array.shape)
    copy[...] = array
    return copy


def check(
    kernel: LoopNest | Contraction,
    arrays: Sequence[Array],
    sizes: Sequence[int] = (),
    *,
    target: Target,
    tolerance: float | None = None,
) -> list[Array]:
    """The buffers after the kernel ran, having compared all of them with the interpreter's."""
    verify_kernel(kernel)
    text = print_kernel(kernel)
    assert print_kernel(parse_kernel(text)) == text
    (compiled,) = compile_kernels([kernel], target)
    expected = [a.copy() for a in arrays]
    reference._Machine.panel_width = (
        panel_columns(kernel, target) if isinstance(kernel, Contraction) else 0
    )
    reference.interpret(kernel, expected, sizes)
    whole = [at_page_end(a) for a in arrays]
    tasks = num_tasks(kernel, sizes, target)
    reference.run(compiled, whole, sizes, 0, tasks)
    single = [at_page_end(a) for a in arrays]
    order = list(range(tasks))
    random.Random(7).shuffle(order)
    for task in order:
        reference.run(compiled, single, sizes, task, task + 1)
    for number, (a, b, c) in enumerate(zip(whole, single, expected, strict=True)):
        assert a.tobytes() == b.tobytes(), f"buffer {number} depends on the order of tasks"
        buffer = kernel.buffers[number]
        if (isinstance(kernel, LoopNest) or buffer.written) and buffer.local == 0:
            _compare(a, c, buffer.dtype.name, tolerance)
    return whole


def _compare(actual: Array, expected: Array, dtype: str, tolerance: float | None) -> None:
    if dtype not in TOLERANCE:
        np.testing.assert_array_equal(actual, expected)
        return
    tolerance = TOLERANCE[dtype] if tolerance is None else tolerance
    left, right = actual.astype(np.float64), expected.astype(np.float64)
    np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)
