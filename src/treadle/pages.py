"""Pages of mapped files: given back once what they hold was copied."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np

MIN_BYTES = 1 << 16
"""Smaller arrays stay."""
_PAGEMAP = Path("/proc/self/pagemap")
_PRESENT, _SWAPPED, _OF_FILE = (np.uint64(1 << bit) for bit in (63, 62, 61))


def release_pages(array: np.ndarray) -> None:
    """Take what `array` has of a mapped file out of this process's memory, if nobody wrote there.

    Its elements stay what they are: a page that is read again comes from the file, or from the
    system's cache of it.
    """
    mapping = _mapping_of(array)
    if mapping is None or array.nbytes < MIN_BYTES or not _PAGEMAP.exists():
        return
    origin = np.frombuffer(mapping, np.uint8).__array_interface__["data"][0]
    address = array.__array_interface__["data"][0]
    first = -(-address // mmap.PAGESIZE)
    count = (address + array.nbytes) // mmap.PAGESIZE - first
    if count > 0 and not _is_written(first, count):
        start = first * mmap.PAGESIZE - origin
        mapping.madvise(mmap.MADV_DONTNEED, start, count * mmap.PAGESIZE)


def _mapping_of(array: np.ndarray) -> mmap.mmap | None:
    """The mapped file in which a contiguous array lies."""
    if not array.flags.forc:
        return None
    base: object = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None


def _is_written(first: int, count: int) -> bool:
    """Whether any of `count` pages is a copy that this process wrote to: of no file any more."""
    with _PAGEMAP.open("rb", buffering=0) as file:
        entries = np.frombuffer(os.pread(file.fileno(), 8 * count, 8 * first), np.uint64)
    held = (entries & (_PRESENT | _SWAPPED)) != 0
    return len(entries) < count or bool(np.any(held & ((entries & _OF_FILE) == 0)))
