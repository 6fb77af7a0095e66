"""The bytes of a file as an array: mapped, or in memory aligned as in a mapping."""

from __future__ import annotations

import mmap
import os
import stat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from treadle.errors import ArchiveError

Bytes = npt.NDArray[np.uint8]


def map_file(path: str) -> Bytes:
    """The bytes of a file, mapped copy-on-write."""
    try:
        # A FIFO would block in open, so its kind is looked at first.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ArchiveError(f"{path}: not a regular file")
        with Path(path).open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise ArchiveError(f"{path}: the file is empty")
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            return np.frombuffer(mapping, np.uint8)
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def in_memory(data: bytes | bytearray | memoryview | Bytes) -> Bytes:
    """A writable copy of `data` that starts at a multiple of 64, as in a file's mapping."""
    source = np.frombuffer(data, np.uint8)
    room = np.empty(source.size + 64, np.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + source.size]
    copy[...] = source
    return copy
