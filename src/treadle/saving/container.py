"""The container: a ZIP file whose records are stored, each aligned to 64 bytes."""

from __future__ import annotations

import os
import struct
import tempfile
import zipfile
from pathlib import Path
from types import TracebackType
from typing import IO

_ALIGNMENT = 64
_LOCAL_HEADER = 30
_PADDING_TAG = 0x4246  # "FB", as PyTorch marks its padding
_ZIP64_FIELD = 20


class ContainerWriter:
    """Writes records below one top directory; a file appears whole, or not at all."""

    def __init__(self, target: str | os.PathLike[str] | IO[bytes]) -> None:
        self._path: Path | None = None
        if isinstance(target, (str, os.PathLike)):
            self._path = Path(target)
            self.root = self._path.stem or "archive"
            self._file: IO[bytes] = tempfile.NamedTemporaryFile(  # noqa: SIM115 (closed in __exit__)
                dir=self._path.parent, prefix=f".{self._path.name}.", delete=False
            )
        else:
            self.root, self._file = "archive", target
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED, allowZip64=True)

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Append a record; its bytes begin at a multiple of 64."""
        info = zipfile.ZipInfo(f"{self.root}/{name}")
        size = len(data) if isinstance(data, bytes) else data.nbytes
        info.file_size = size
        is_large = size * 1.05 > zipfile.ZIP64_LIMIT
        start = self._file.tell() + _LOCAL_HEADER + len(info.filename.encode()) + 4
        padding = -(start + _ZIP64_FIELD * is_large) % _ALIGNMENT
        info.extra = struct.pack("<2H", _PADDING_TAG, padding) + b"Z" * padding
        with self._zip.open(info, "w", force_zip64=is_large) as record:
            record.write(data)

    def __enter__(self) -> ContainerWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._zip.close()
        if self._path is None:
            return
        self._file.close()
        if error is None:
            os.chmod(self._file.name, 0o666 & ~_umask())
            os.replace(self._file.name, self._path)
        else:
            os.unlink(self._file.name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
