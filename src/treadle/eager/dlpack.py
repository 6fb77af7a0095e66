"""Arrays to and from other libraries by DLPack; bfloat16 too, which NumPy itself does not pass on.

Source: dlpack.h. A capsule's ``DLTensor`` begins with data (8 bytes), device (8) and ndim (4), then
comes the code of the dtype; it is the first member of an unversioned capsule's structure, and
comes after 32 bytes in a versioned one.
"""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

from treadle.errors import InputError

Array = np.ndarray[Any, Any]

_UNSIGNED, _BFLOAT = 1, 4
_CODES = {b"dltensor": 20, b"dltensor_versioned": 52}
_get_name = ctypes.pythonapi.PyCapsule_GetName
_get_name.restype, _get_name.argtypes = ctypes.c_char_p, (ctypes.py_object,)
_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype, _get_pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def import_array(source: Any) -> Array:
    """The array over the memory of an object that has ``__dlpack__``.

    Raises:
        InputError: if it has not, or does not give its memory away.
    """
    relabelled = _Relabelled(source)
    try:
        array: Array = np.from_dlpack(relabelled)
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"the memory of a {type(source).__name__}: {error}") from None
    return array.view(ml_dtypes.bfloat16) if relabelled.was_bfloat else array


def export_array(array: Array, options: dict[str, Any]) -> Any:
    """A capsule for the array's memory; `options` as of ``__dlpack__``."""
    if array.dtype != ml_dtypes.bfloat16:
        return array.__dlpack__(**options)
    capsule = array.view(np.uint16).__dlpack__(**options)
    _change_code(capsule, _UNSIGNED, _BFLOAT)
    return capsule


class _Relabelled:
    """An exporter, whose bfloat16 pass for unsigned integers."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.was_bfloat = False

    def __dlpack__(self, **options: Any) -> Any:
        capsule = self._source.__dlpack__(**options)
        self.was_bfloat = _change_code(capsule, _BFLOAT, _UNSIGNED)
        return capsule

    def __dlpack_device__(self) -> Any:
        return self._source.__dlpack_device__()


def _change_code(capsule: Any, old: int, new: int) -> bool:
    """Whether the code of the dtype was `old`; then it is `new` now."""
    name = _get_name(capsule)
    code = ctypes.c_uint8.from_address(_get_pointer(capsule, name) + _CODES[name])
    found = code.value == old
    if found:
        code.value = new
    return found
