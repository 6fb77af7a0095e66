"""The C++ tests, built here and run over every thread pool and several budgets."""

import importlib.metadata
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from treadle.runtime import backends

pytestmark = [pytest.mark.native, pytest.mark.threads, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def _tool(name: str) -> str:
    local = Path(sysconfig.get_path("scripts")) / name
    return str(local) if local.exists() else name


@pytest.fixture(scope="session")
def native_tests() -> Path:
    build = ROOT / "build" / f"tests-{sys.implementation.cache_tag}"
    configure = [_tool("cmake"), "-S", str(ROOT), "-B", str(build), "--log-level=ERROR"]
    configure += ["-DTREADLE_BUILD_TESTS=ON", "-DUSE_OPENMP=OFF", "-DUSE_TBB=OFF"]
    subprocess.run(configure, check=True, capture_output=True)
    make = [_tool("cmake"), "--build", str(build), "--target", "native_tests", "--parallel", "2"]
    done = subprocess.run(make, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return build / "native" / "tests" / "native_tests"


def _plugin_arguments(backend: str) -> list[str]:
    if backend in ("native", "serial"):
        return []
    return [str(backends.plugin(backend)), *backends.libraries(backend)]


@pytest.mark.parametrize("budget", [1, 2, 3, 8])
@pytest.mark.parametrize("backend", backends.NAMES)
def test_core_keeps_its_contract(native_tests: Path, backend: str, budget: int) -> None:
    if backend not in backends.available():
        pytest.skip(f"this build has no {backend} pool")
    command = [str(native_tests), backend, str(budget), *_plugin_arguments(backend)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


def test_tbb_is_found_where_pip_put_it() -> None:
    try:
        importlib.metadata.version("tbb")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the tbb wheel is not installed")
    assert all(Path(library).exists() for library in backends.libraries("tbb"))
