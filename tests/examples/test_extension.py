"""The C++ extension of examples/extension, built against the package under test."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treadle

pytestmark = [pytest.mark.native, pytest.mark.threads, pytest.mark.slow]

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "extension" / "row_norms.py"


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Any:
    spec = importlib.util.spec_from_file_location("row_norms", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["row_norms"] = module
    spec.loader.exec_module(module)
    return module.Extension(module.build(tmp_path_factory.mktemp("extension")))


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    threads = treadle.get_num_threads()
    yield
    treadle.set_num_threads(threads)


def test_package_has_the_headers() -> None:
    assert (Path(treadle.get_include()) / "treadle" / "parallel.h").is_file()
    assert (Path(treadle.get_cmake_dir()) / "treadleConfig.cmake").is_file()


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 0), (700, 333)])
def test_extension_computes(extension: Any, shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    norms, _ = extension.row_norms(matrix)
    np.testing.assert_allclose(norms, np.linalg.norm(matrix, axis=1), rtol=1e-5)


def test_extension_shares_the_settings_and_the_pool(extension: Any) -> None:
    for threads in (1, 2):
        treadle.set_num_threads(threads)
        assert extension.intra_op_threads() == threads
        _, pieces = extension.row_norms(np.ones((4096, 64), np.float32))
        assert set(pieces) == set(range(min(threads, treadle.get_budget())))
    assert not extension.is_in_region()
    assert not treadle.in_parallel_region()
    assert treadle.get_thread_num() == 0


def test_exception_of_a_chunk_arrives(extension: Any) -> None:
    matrix = np.ones((4096, 64), np.float32)
    matrix[3000, 1] = np.nan
    with pytest.raises(ValueError, match="no number"):
        extension.row_norms(matrix)
