"""A C++ extension that computes on Treadle's threads: builds it, calls it, checks it.

    python examples/extension/row_norms.py

Needs a C++20 compiler and CMake. The extension links to the library inside the installed package,
so it has the same pool, budget and settings as every operator; it brings no threads of its own.
"""

import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import treadle

SOURCE = Path(__file__).resolve().parent


def build(directory: Path) -> Path:
    """Compile the extension into `directory`; gives the library."""
    cmake = shutil.which("cmake", path=str(Path(sys.executable).parent)) or "cmake"
    root = f"-Dtreadle_ROOT={treadle.get_cmake_dir()}"
    configure = [cmake, "-S", str(SOURCE), "-B", str(directory), root]
    for command in (configure, [cmake, "--build", str(directory)]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
    return directory / "row_norms.so"


class Extension:
    """The functions of the built library."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))  # calls release the GIL
        size, address = ctypes.c_int64, ctypes.c_void_p
        self._library.row_norms.argtypes = [address, size, size, address, address]

    def row_norms(self, matrix: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The norm of each row, and which piece of the loop computed it."""
        rows, columns = matrix.shape
        norms, pieces = np.empty(rows, np.float64), np.empty(rows, np.int32)
        matrix = np.ascontiguousarray(matrix, np.float32)
        outputs = norms.ctypes.data, pieces.ctypes.data
        if self._library.row_norms(matrix.ctypes.data, rows, columns, *outputs):
            raise ValueError("a row holds no number")
        return norms, pieces

    def intra_op_threads(self) -> int:
        """What `treadle.get_num_threads` says in C++."""
        return int(self._library.intra_op_threads())

    def is_in_region(self) -> bool:
        """What `treadle.in_parallel_region` says in C++."""
        return bool(self._library.is_in_region())


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        extension = Extension(build(Path(directory)))
        matrix = np.random.default_rng(0).standard_normal((4096, 256), np.float32)
        for threads in (1, 2):
            treadle.set_num_threads(threads)
            norms, pieces = extension.row_norms(matrix)
            np.testing.assert_allclose(norms, np.linalg.norm(matrix, axis=1), rtol=1e-5)
            count = len(np.unique(pieces))
            print(f"{extension.intra_op_threads()} threads: {count} pieces, norms agree")


if __name__ == "__main__":
    main()
