"""Where this installation keeps what C++ extensions need."""

from __future__ import annotations

from pathlib import Path

from treadle import _native

_PACKAGE = Path(_native.__file__).parent


def get_include() -> str:
    """The folder to compile C++ with that includes ``treadle/parallel.h``."""
    return str(_PACKAGE / "include")


def get_cmake_dir() -> str:
    """The folder of ``treadleConfig.cmake``, for ``find_package(treadle)``; see `get_include`."""
    return str(_PACKAGE / "cmake")
