"""Real control groups for tests, where this machine allows them."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))
_numbers = itertools.count()


class CpuGroup:
    """A control group, of version 1 or 2, with the controller of processor time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.is_first_version = (folder / "cpu.cfs_quota_us").exists()

    def limit(self, cpus: float | None) -> None:
        """Set the quota, in processors; None: no limit."""
        quota = None if cpus is None else int(cpus * 100_000)
        if self.is_first_version:
            (self.folder / "cpu.cfs_quota_us").write_text(str(-1 if quota is None else quota))
        else:
            text = "max" if quota is None else quota
            (self.folder / "cpu.max").write_text(f"{text} 100000")

    @contextmanager
    def inner(self, name: str) -> Iterator[CpuGroup]:
        """A group inside this one, which is removed at the end."""
        if not self.is_first_version:
            (self.folder / "cgroup.subtree_control").write_text("+cpu")
        with _made(self.folder / name) as group:
            yield group

    @property
    def prefix(self) -> list[str]:
        """What to put before a command so that it runs inside."""
        procs = str(self.folder / "cgroup.procs")
        code = (
            "import os, sys\n"
            f"with open({procs!r}, 'w') as file: file.write(str(os.getpid()))\n"
            "os.execv(sys.argv[1], sys.argv[1:])"
        )
        return [sys.executable, "-c", code]


@contextmanager
def _made(folder: Path) -> Iterator[CpuGroup]:
    try:
        yield CpuGroup(folder)
    finally:
        if folder.exists():
            folder.rmdir()


@contextmanager
def cpu_group() -> Iterator[CpuGroup]:
    """A group below the root of those that this process sees.

    Raises:
        OSError: if groups cannot be made or limited here.
    """
    root = next((r for r in _ROOTS if (r / "cpu.cfs_quota_us").exists()), _ROOTS[-1])
    with _made(root / f"treadle-test-{os.getpid()}-{next(_numbers)}") as group:
        group.limit(None)
        yield group
