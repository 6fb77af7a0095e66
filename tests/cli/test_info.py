"""``treadle info`` and ``treadle cache``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import treadle as library
from tests.cli.conftest import Command
from treadle.codegen import ObjectCache
from treadle.options import VARIABLES
from treadle.shared_weights import SharedWeights

SOURCE = Path(library.__file__).parent


def test_prints_versions_threads_cache_and_environment(
    treadle: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREADLE_CACHE_LIMIT_MB", "7")
    result = treadle("info")
    assert result.status == 0
    for text in ("treadle", "numpy", "budget", "native", "vectors", "7.3 MB"):
        assert text in result.output


def test_every_number_has_its_origin(treadle: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_SPIN_US", "9")
    found = json.loads(treadle("info", "--json").output)
    assert found["threads"]["budget"]["value"] == library.get_budget()
    assert found["threads"]["budget"]["origin"]
    assert found["environment"]["TREADLE_SPIN_US"]["value"] == "9"
    assert found["environment"]["TREADLE_SPIN_US"]["origin"] == "environment"
    assert found["environment"]["TREADLE_ISA"]["origin"] == "default"
    assert found["versions"]["treadle"] == library.__version__


def test_every_variable_that_is_read_is_listed() -> None:
    name = re.compile(r'"((?:TREADLE|MKL|OMP|XDG)_[A-Z_]+)"')
    read = {n for path in SOURCE.rglob("*.py") for n in name.findall(path.read_text())}
    assert read == set(VARIABLES)


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectCache:
    """A cache with two kernels, which the commands use."""
    monkeypatch.setenv("TREADLE_CACHE_DIR", str(tmp_path / "kernels"))
    cache = ObjectCache(tmp_path / "kernels")
    cache.save("a", b"code")
    cache.save("b", b"more code")
    return cache


def test_cache_shows_and_clears_the_kernels(treadle: Command, kernels: ObjectCache) -> None:
    assert f"{kernels.directory}: 2 kernels" in treadle("cache").output
    assert json.loads(treadle("cache", "--json").output)["kernels"]["entries"] == 2
    cleared = treadle("cache", "--clear")
    assert "removed 2 kernels" in cleared.output
    assert kernels.statistics().entries == 0


def test_cache_shows_and_clears_shared_weights(
    treadle: Command, kernels: ObjectCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREADLE_SHARED_WEIGHTS_MB", "100")
    directory = kernels.directory / "weights"
    SharedWeights(directory, 100 << 20).share(np.zeros(100_000, np.float32))
    assert f"{directory}: 1 weight, 400.0 KB of at most 104.9 MB" in treadle("cache").output
    monkeypatch.delenv("TREADLE_SHARED_WEIGHTS_MB")
    assert "removed 1 weight\n" in treadle("cache", "--clear").output
    assert not list(directory.glob("*.weights"))


def test_cache_path_is_the_directory_alone(treadle: Command, kernels: ObjectCache) -> None:
    assert treadle("cache", "--path").output == f"{kernels.directory}\n"
    assert kernels.statistics().entries == 2


@pytest.mark.filterwarnings("default:kernels are not cached")
def test_a_cache_that_is_not_usable_is_a_warning(
    treadle: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TREADLE_CACHE_DIR", str(tmp_path / "file"))
    result = treadle("cache")
    assert result.status == 0
    assert result.errors.startswith("treadle: warning: kernels are not cached: ")
    assert result.errors.count("\n") == 1
