"""Shared weights: equal bytes are one file, mapped by each process; a bad file does no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from treadle.compiler import Engine
from treadle.options import Options
from treadle.shared_weights import MIN_BYTES, SharedWeights

Array = np.ndarray[Any, Any]
LIMIT = 64 << 20


@pytest.fixture
def weights(tmp_path: Path) -> SharedWeights:
    return SharedWeights(tmp_path / "weights", LIMIT)


def packed(dtype: str = "float32") -> Array:
    return (np.arange(MIN_BYTES) % 113).astype(dtype)


def is_mapped(array: Array) -> bool:
    """Whether a file with weights holds the memory of `array`."""
    first = array.__array_interface__["data"][0]
    for line in Path("/proc/self/maps").read_text().splitlines():
        low, _, high = line.split()[0].partition("-")
        if int(low, 16) <= first < int(high, 16):
            return line.endswith(".weights")
    return False


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "complex128"])
def test_equal_bytes_are_one_file_that_is_mapped(weights: SharedWeights, dtype: str) -> None:
    array = packed(dtype)
    first, second = weights.share(array), weights.share(array.copy())
    for shared in (first, second):
        assert is_mapped(shared)
        assert shared.dtype == array.dtype
        np.testing.assert_array_equal(shared, array)
    assert weights.statistics().entries == 1
    assert weights.share(array + array.dtype.type(1)) is not first
    assert weights.statistics().entries == 2


def test_shared_weights_are_read_only(weights: SharedWeights) -> None:
    with pytest.raises(ValueError, match="read-only"):
        weights.share(packed())[0] = 1


@pytest.mark.parametrize("nbytes", [0, 4, MIN_BYTES - 4, LIMIT // 4 + 4])
def test_small_and_huge_weights_stay_their_own(weights: SharedWeights, nbytes: int) -> None:
    array = np.zeros(nbytes // 4, np.float32)
    assert weights.share(array) is array
    assert weights.statistics().entries == 0


@pytest.mark.parametrize("damage", ["truncate", "extend", "flip", "empty", "directory"])
def test_a_file_of_other_bytes_is_not_used(weights: SharedWeights, damage: str) -> None:
    array = packed()
    weights.share(array)
    (path,) = weights.directory.glob("*.weights")
    content = path.read_bytes()
    path.unlink()  # who has mapped a file may not see it shrink
    if damage == "directory":
        path.mkdir()
    else:
        path.write_bytes(
            {
                "truncate": content[:-1],
                "extend": content + b"x",
                "flip": b"x" + content[1:],
                "empty": b"",
            }[damage]
        )
    shared = weights.share(array)
    np.testing.assert_array_equal(shared, array)
    assert is_mapped(shared) == (damage != "directory")


def test_removed_entries_live_on_in_who_mapped_them(weights: SharedWeights) -> None:
    array = packed()
    shared = weights.share(array)
    assert weights.clear() == 1
    np.testing.assert_array_equal(shared, array)


def test_a_directory_that_cannot_be_written_is_no_error(weights: SharedWeights) -> None:
    array = packed()
    weights.directory.rmdir()
    assert weights.share(array) is array


def test_by_default_nothing_is_kept_on_disk(tmp_path: Path) -> None:
    assert Options(tmp_path).shared_weights_bytes == 0
    Engine(Options(tmp_path))
    assert not (tmp_path / "weights").exists()


CHILD = """
import sys, numpy as np, treadle
model = treadle.load(sys.argv[1])
x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
print(model(x).numpy().tobytes().hex())
print(sum(".weights" in line for line in open("/proc/self/maps")))
"""


def test_processes_map_one_copy_and_give_equal_bits(tmp_path: Path) -> None:
    import torch

    layers = [torch.nn.Linear(64, 512), torch.nn.ReLU(), torch.nn.Linear(512, 300)]
    path = tmp_path / "model.pt"
    torch.jit.save(torch.jit.script(torch.nn.Sequential(*layers).eval()), path)

    def run(megabytes: int) -> list[str]:
        environment = {
            **os.environ,
            "TREADLE_CACHE_DIR": str(tmp_path / "cache"),
            "TREADLE_SHARED_WEIGHTS_MB": str(megabytes),
        }
        command = [sys.executable, "-c", CHILD, str(path)]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()

    own, first, second = run(0), run(64), run(64)
    assert own == [first[0], "0"]
    assert first == second == [own[0], "2"]
    assert len(list((tmp_path / "cache" / "weights").glob("*.weights"))) == 2
