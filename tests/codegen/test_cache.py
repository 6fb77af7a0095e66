from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from treadle.codegen import ObjectCache


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "kernels"


def test_what_was_saved_is_loaded(directory: Path) -> None:
    cache = ObjectCache(directory)
    assert cache.load("a") is None
    cache.save("a", b"code")
    assert ObjectCache(directory).load("a") == b"code"
    assert cache.load("a") == b"code"
    statistics = cache.statistics()
    assert (statistics.entries, statistics.hits, statistics.misses) == (1, 1, 1)
    assert statistics.writes == 1


def test_the_directory_is_private(directory: Path) -> None:
    ObjectCache(directory)
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_others_can_write_to_is_refused(directory: Path, mode: int) -> None:
    directory.mkdir()
    directory.chmod(mode)
    with pytest.warns(RuntimeWarning, match="not cached: .* can be written by others"):
        cache = ObjectCache(directory)
    cache.save("a", b"code")
    assert cache.load("a") is None
    assert not list(directory.iterdir())


def test_a_symbolic_link_is_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    directory.symlink_to(tmp_path / "elsewhere")
    with pytest.warns(RuntimeWarning, match="is not a directory"):
        assert not ObjectCache(directory).usable


def test_another_users_directory_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: directory.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert not ObjectCache(directory).usable


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "foreign"])
def test_a_damaged_entry_is_missing_and_can_be_rewritten(directory: Path, damage: str) -> None:
    cache = ObjectCache(directory)
    cache.save("a", b"some code")
    (path,) = directory.glob("*.kernel")
    content = bytearray(path.read_bytes())
    content[-1] ^= damage == "flip"
    whole = {"truncate": content[:-2], "flip": content, "empty": b"", "foreign": b"#!/bin/sh"}
    path.write_bytes(bytes(whole[damage]))
    assert cache.load("a") is None
    cache.save("a", b"some code")
    assert cache.load("a") == b"some code"


def test_entries_used_longest_ago_go_first(directory: Path) -> None:
    cache = ObjectCache(directory, limit_bytes=5000)
    for number in range(4):
        cache.save(str(number), bytes(1000))
        age = time.time() - 100 + number
        os.utime(directory / f"{number}.kernel", (age, age))
    assert cache.load("0") is not None  # now the youngest
    cache.save("4", bytes(1000))
    names = {p.stem for p in directory.glob("*.kernel")}
    assert names == {"0", "2", "3", "4"} or names == {"0", "3", "4"}
    assert cache.statistics().size_bytes <= 5000


def test_clear_removes_everything(directory: Path) -> None:
    cache = ObjectCache(directory)
    cache.save("a", b"1")
    cache.save("b", b"2")
    assert cache.clear() == 2
    assert cache.statistics().entries == 0
    assert cache.load("a") is None


def _hammer(directory: Path, seed: int) -> None:
    cache = ObjectCache(directory, limit_bytes=60_000)
    for step in range(60):
        key = str((step * 7 + seed) % 12)
        code = cache.load(key)
        assert code is None or code == key.encode() * 3000
        cache.save(key, key.encode() * 3000)


@pytest.mark.threads
def test_processes_share_a_directory(directory: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_hammer, args=(directory, n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    assert not list(directory.glob("*.part"))


def test_the_size_is_checked_rarely(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check looks at every file, which takes long where there are many."""
    checks: list[int] = []

    def entries(_: ObjectCache) -> list[tuple[float, int, Path]]:
        checks.append(1)
        return []

    monkeypatch.setattr(ObjectCache, "_entries", entries)
    for _ in range(3):
        cache = ObjectCache(directory, limit_bytes=160_000)
        for number in range(9):
            cache.save(str(number), bytes(1000))
    assert len(checks) == 1
    cache.save("large", bytes(10_000))
    assert len(checks) == 2
