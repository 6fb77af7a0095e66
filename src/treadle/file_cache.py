"""Files that processes keep for each other: a directory of entries named by their content's key.

An entry is written under another name and renamed, so that readers see whole entries.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from treadle.locks import fork_lock

_STALE_SECONDS = 3600.0
_STAMP = "checked"
_CHECK_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """What a cache holds, and what this process asked of it."""

    directory: Path
    entries: int
    size_bytes: int
    limit_bytes: int
    hits: int
    misses: int
    writes: int


class FileCache:
    """A directory of `kind`, with names that end in `suffix`, that only its owner may write.

    Threads and processes may share it. When it grows past `limit_bytes`, the entries used longest
    ago go first. A directory that others could write to is not used: a warning, then no cache.
    """

    def __init__(self, directory: Path | str, limit_bytes: int, kind: str, suffix: str) -> None:
        self.directory = Path(directory)
        self.limit_bytes = limit_bytes
        self._kind, self._suffix = kind, suffix
        self._lock = fork_lock()
        self._hits = self._misses = self._writes = 0
        self._unchecked = 0
        self.usable = self._prepare()

    def _prepare(self) -> bool:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = os.lstat(self.directory)
        except OSError as error:
            return self._refuse(f"cannot be made: {error}")
        if not stat.S_ISDIR(status.st_mode):
            return self._refuse("is not a directory")
        if status.st_uid != os.geteuid():
            return self._refuse("belongs to another user")
        if status.st_mode & 0o022:
            return self._refuse(
                f"can be written by others (mode {stat.S_IMODE(status.st_mode):o}, needs 700)"
            )
        return True

    def _refuse(self, reason: str) -> bool:
        warnings.warn(
            f"{self._kind} are not cached: {self.directory} {reason}", RuntimeWarning, stacklevel=5
        )
        return False

    def _path(self, key: str) -> Path:
        return self.directory / (key + self._suffix)

    def _note(self, hit: bool) -> None:
        with self._lock:
            self._hits += hit
            self._misses += not hit

    def _write(self, key: str, parts: Sequence[bytes | memoryview]) -> None:
        """Make an entry of `parts`; failures to write are ignored."""
        try:
            handle, name = tempfile.mkstemp(dir=self.directory, suffix=".part")
        except OSError:
            return
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
            os.replace(name, self._path(key))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            return
        with self._lock:
            self._writes += 1
            self._unchecked += sum(map(len, parts))
            if self._is_check_due():
                self._evict()
                self._unchecked = 0

    def _is_check_due(self) -> bool:
        """Whether the size is to be checked, which looks at every file: rarely, then."""
        if self._unchecked > self.limit_bytes // 16:
            return True
        if self._writes > 1:
            return False
        try:
            return time.time() - os.stat(self.directory / _STAMP).st_mtime > _CHECK_SECONDS
        except OSError:
            return True

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Time of last use, size and path of each entry; unfinished files of the dead go."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.directory) as listing:
            for entry in listing:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(self._suffix):
                        found.append((status.st_mtime, status.st_size, Path(entry.path)))
                    elif entry.name != _STAMP and status.st_mtime < time.time() - _STALE_SECONDS:
                        os.unlink(entry.path)
        return found

    def _evict(self) -> None:
        """If over the limit, remove the entries used longest ago, to nine tenths of it."""
        entries = sorted(self._entries())
        size = sum(length for _, length, _ in entries)
        target = size if size <= self.limit_bytes else self.limit_bytes * 9 // 10
        for _, length, path in entries:
            if size <= target:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                size -= length
        with contextlib.suppress(OSError):
            (self.directory / _STAMP).touch()

    def clear(self) -> int:
        """Remove every entry; how many there were."""
        if not self.usable:
            return 0
        entries = self._entries()
        for _, _, path in entries:
            with contextlib.suppress(OSError):
                path.unlink()
        return len(entries)

    def statistics(self) -> CacheStatistics:
        """Entries and bytes on disk, hits and misses of this object."""
        entries = self._entries() if self.usable else []
        with self._lock:
            return CacheStatistics(
                directory=self.directory,
                entries=len(entries),
                size_bytes=sum(size for _, size, _ in entries),
                limit_bytes=self.limit_bytes,
                hits=self._hits,
                misses=self._misses,
                writes=self._writes,
            )
