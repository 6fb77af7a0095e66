"""Packing: kernels copy what NumPy copies; weights that only packed forms serve leave memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from treadle import packing, pages
from treadle.compiler import engine
from treadle.packing import Packer
from treadle.pages import release_pages

Array = np.ndarray[Any, Any]
FORMS: dict[str, Callable[[Array], Array]] = {
    "transposed": lambda a: a.reshape(24, 40).T,
    "panels": lambda a: a.reshape(4, 6, 5, 8).transpose(0, 2, 3, 1),
    "cut": lambda a: a.reshape(24, 40)[1::2, 3:17],
    "one": lambda a: a[:1].reshape(1, 1, 1),
    "empty": lambda a: a[:0].reshape(0, 4),
    "repeated": lambda a: np.broadcast_to(a[:5], (3, 5)),
    "reversed": lambda a: a[::-1].reshape(960),
}


@pytest.mark.native
@pytest.mark.parametrize(
    ("form", "dtype"),
    [*((f, "float32") for f in FORMS), *(("panels", d) for d in ("float64", "int8", "complex64"))],
)
def test_kernels_copy_what_numpy_copies(
    form: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MIN_BYTES", 0)
    made = engine()
    packer = Packer(made.target, made.cache, made.machine)
    source = FORMS[form]((np.arange(960) % 113).astype(dtype))
    room = np.full((*source.shape, 2), 99, dtype)
    packer.copy(room[..., 0], source)
    np.testing.assert_array_equal(room[..., 0], source)
    assert (room[..., 1] == 99).all()


def mapped(path: Path) -> tuple[Array, Array]:
    """The floats of a new file, mapped, and what they are."""
    values = np.random.default_rng(0).standard_normal(1 << 18).astype(np.float32)
    values.tofile(path)
    with path.open("rb") as file:
        return np.frombuffer(
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), np.float32
        ), values


def resident_pages(array: Array) -> int:
    """How many pages of `array` are in memory."""
    first = array.__array_interface__["data"][0] // mmap.PAGESIZE
    with Path("/proc/self/pagemap").open("rb", buffering=0) as file:
        file.seek(8 * first)
        entries = np.frombuffer(file.read(8 * (array.nbytes // mmap.PAGESIZE)), np.uint64)
    return int((entries >> np.uint64(63)).sum())


needs_pagemap = pytest.mark.skipif(not pages._PAGEMAP.exists(), reason="no /proc/self/pagemap")


@needs_pagemap
def test_what_was_read_leaves_memory_and_comes_back(tmp_path: Path) -> None:
    array, values = mapped(tmp_path / "weights")
    assert array.sum() == values.sum()
    assert resident_pages(array) > 200
    release_pages(array.reshape(512, 512).T)
    assert resident_pages(array) < 3
    np.testing.assert_array_equal(array, values)


@needs_pagemap
@pytest.mark.parametrize("place", [0, 5000, -1])
def test_what_was_written_stays(tmp_path: Path, place: int) -> None:
    array, values = mapped(tmp_path / "weights")
    array[place] = values[place] = 77.0
    release_pages(array)
    np.testing.assert_array_equal(array, values)


def test_memory_of_other_kinds_stays(tmp_path: Path) -> None:
    array = np.arange(1 << 18, dtype=np.float32)
    release_pages(array)
    release_pages(array[::2])
    release_pages(mapped(tmp_path / "weights")[0][::3])
    np.testing.assert_array_equal(array, np.arange(1 << 18))
