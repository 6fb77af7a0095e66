"""Packed weights that processes share: files of equal bytes, mapped by all that run a model."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
from pathlib import Path

import numpy as np

from treadle.file_cache import FileCache

MIN_BYTES = 1 << 16
"""Smaller weights stay each process's own."""


class SharedWeights(FileCache):
    """A directory of packed weights, each named by the checksum of its bytes.

    What is mapped was compared with what was packed, byte by byte, so a damaged or foreign file
    does no harm: it is written anew. Entries that are removed live on in who mapped them.
    """

    def __init__(self, directory: Path | str, limit_bytes: int) -> None:
        super().__init__(directory, limit_bytes, "weights", ".weights")

    def share(self, array: np.ndarray) -> np.ndarray:
        """`array` (contiguous), in memory that every process has which shares equal bytes.

        The result is read-only. It is `array` itself where that is small, larger than a fourth of
        the limit, or cannot be written.
        """
        if not self.usable or not MIN_BYTES <= array.nbytes <= self.limit_bytes // 4:
            return array
        content = array.reshape(-1).view(np.uint8)
        key = hashlib.sha256(content.data).hexdigest()
        found = self._map(key, content)
        self._note(found is not None)
        if found is None:
            self._write(key, (content.data,))
            found = self._map(key, content)
        return array if found is None else found.view(array.dtype).reshape(array.shape)

    def _map(self, key: str, content: np.ndarray) -> np.ndarray | None:
        """The file under `key`, if it is `content`; marks it as used now."""
        path = self._path(key)
        with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
            mapped = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
            if np.array_equal(mapped, content):
                os.utime(path)
                return mapped
        return None
