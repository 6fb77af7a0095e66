"""The object cache: machine code on disk, keyed by content, shared by processes.

An entry is a file named by its key: a magic number, a checksum of the rest, the object code. One
that does not match its checksum counts as missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from treadle.file_cache import FileCache

_MAGIC = b"TREADLE1"
_CHECKSUM_BYTES = 32


class ObjectCache(FileCache):
    """The kernels of a directory; ``limit_bytes`` as in `FileCache`."""

    def __init__(self, directory: Path | str, limit_bytes: int = 256 << 20) -> None:
        super().__init__(directory, limit_bytes, "kernels", ".kernel")

    def load(self, key: str) -> bytes | None:
        """The machine code under `key`, or None; marks the entry as used now."""
        if not self.usable:
            return None
        path = self._path(key)
        code = None
        with contextlib.suppress(OSError):
            code = _unwrap(path.read_bytes())
            if code is not None:
                os.utime(path)
        self._note(code is not None)
        return code

    def save(self, key: str, code: bytes) -> None:
        """Keep `code` under `key`; failures to write are ignored."""
        if self.usable:
            self._write(key, (_MAGIC, hashlib.sha256(code).digest(), code))


def _unwrap(content: bytes) -> bytes | None:
    """The code of an entry, if it is whole."""
    start = len(_MAGIC) + _CHECKSUM_BYTES
    code = content[start:]
    if content[: len(_MAGIC)] != _MAGIC or not code:
        return None
    return code if hashlib.sha256(code).digest() == content[len(_MAGIC) : start] else None
