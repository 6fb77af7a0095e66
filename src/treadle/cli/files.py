"""Files of the commands: arrays in, and results out as a whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ml_dtypes import bfloat16

from treadle.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

_NPY, _NPZ = b"\x93NUMPY", b"PK"
_BAD_CONTENT = (
    ValueError, EOFError, SyntaxError, TypeError, KeyError, RecursionError, NotImplementedError,
    zipfile.BadZipFile, zlib.error, OverflowError,
)  # fmt: skip


def read_arrays(path: Path) -> Array | dict[str, Array]:
    """The array of an .npy file, or the named arrays of an .npz file; pickles are refused.

    Raises:
        InputError: if there is no such file, or it is neither of the two, or damaged.
    """
    try:
        with path.open("rb") as file:
            if not file.read(len(_NPY)).startswith((_NPY, _NPZ)):
                raise InputError(f"{path} is neither an .npy nor an .npz file")
            file.seek(0)
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return _native(loaded, path)
            with loaded:
                return {name: _native(loaded[name], path) for name in loaded.files}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise InputError(f"{path} claims to hold more data than there is memory") from error
    except InputError:
        raise
    except _BAD_CONTENT as error:
        raise InputError(f"{path} is damaged: {_first_line(error)}") from error


def _native(array: object, path: Path) -> Array:
    """`array` in the machine's byte order; NumPy's files don't tell bfloat16 from raw bytes."""
    if isinstance(array, np.ndarray) and array.dtype.str == "|V2":
        return array.view(bfloat16)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc":
        raise InputError(f"{path} holds something that is not an array of numbers")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def read_inputs(paths: Sequence[Path], parameters: Sequence[str]) -> tuple[Array, ...]:
    """The arguments of a call: one .npz whose names are `parameters`, or .npy files in order.

    Raises:
        InputError: if a file is bad, names differ, or both kinds are mixed.
    """
    contents = [read_arrays(path) for path in paths]
    if len(contents) == 1 and isinstance(contents[0], dict):
        return by_name(contents[0], parameters, str(paths[0]))
    arrays = [content for content in contents if not isinstance(content, dict)]
    if len(arrays) < len(contents):
        raise InputError("give either one .npz file or .npy files, one for each input")
    return tuple(arrays)


def by_name(
    arrays: Mapping[str, Array], parameters: Sequence[str], where: str
) -> tuple[Array, ...]:
    """The `arrays` in the order of `parameters`; names as NumPy gives them (arr_0) keep theirs."""
    if arrays and set(arrays) == {f"arr_{i}" for i in range(len(arrays))}:
        return tuple(arrays[f"arr_{i}"] for i in range(len(arrays)))
    unknown = [name for name in arrays if name not in parameters]
    if unknown:
        raise InputError(
            f"{where} holds {', '.join(unknown)}, but the model's inputs are "
            f"{', '.join(parameters) or 'none'}"
        )
    given = [name for name in parameters if name in arrays]
    if given != list(parameters[: len(given)]):
        missing = next(name for name in parameters if name not in arrays)
        raise InputError(f"{where} lacks the input {missing}")
    return tuple(arrays[name] for name in given)


def check_target(path: Path) -> None:
    """Refuse a file that could not be written at the end, before any work is done.

    Raises:
        InputError: if its folder is missing or not writable, or it is a folder itself.
    """
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a directory")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no directory {path.parent}")
    target = path if path.exists() else path.parent
    if not os.access(target, os.W_OK):
        raise InputError(f"cannot write {path}: permission denied")


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` as a whole: under another name beside it, then renamed.

    Devices and pipes are written directly, links are followed.

    Raises:
        InputError: if it cannot be written; then the old content is as before.
    """
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            path.write_bytes(content)
            return
        _replace(path.resolve(), content)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write `arrays` as .npz, or the only one as .npy, as the suffix of `path` says."""
    buffer = io.BytesIO()
    if path.suffix == ".npz":
        np.savez(buffer, allow_pickle=False, **arrays)
    else:
        (array,) = arrays.values()
        np.save(buffer, array, allow_pickle=False)
    write_file(path, buffer.getvalue())


def check_format(path: Path) -> None:
    """Refuse an output file that is neither .npy nor .npz.

    Raises:
        InputError: for any other suffix.
    """
    if path.suffix not in (".npy", ".npz"):
        raise InputError(f"cannot write {path}: outputs are written as .npy or .npz")
