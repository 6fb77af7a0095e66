"""Making tensors from values and from other libraries' arrays."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from treadle._native import narrow
from treadle.eager.creation import Array, check_options
from treadle.eager.dlpack import import_array
from treadle.eager.dtypes import NUMBERS, as_dtype, as_element, dtype_of_array
from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError
from treadle.quiet import restore, silence
from treadle.tensor import Tensor


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of a copy of `data`: a number, nested lists of numbers, an array or a tensor."""
    check_options("tensor", device, requires_grad)
    values = _values(data, dtype)
    return Tensor(values.copy() if hasattr(data, "__array__") else values)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor that shares its memory if it can."""
    check_options("as_tensor", device, False)
    if isinstance(data, Tensor) and (dtype is None or data.dtype is dtype):
        return data
    return Tensor(_values(data, dtype))


def from_numpy(array: Array) -> Tensor:
    """The tensor of `array`, over the same memory.

    Raises:
        InputError: if it is no array, or its dtype is one that tensors cannot have.
    """
    if not isinstance(array, np.ndarray):
        raise InputError(f"from_numpy: expected a numpy.ndarray, got {type(array).__name__}")
    dtype_of_array(array)
    return Tensor(np.asarray(array))


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """The tensor over the memory of any object that has ``__dlpack__``, or of a copy of it.

    Raises:
        InputError: if it has not, or does not give its memory away.
    """
    check_options("from_dlpack", device, False)
    shared = getattr(ext_tensor, "_array", ext_tensor)
    if not isinstance(shared, np.ndarray):
        try:
            shared = import_array(ext_tensor)
        except InputError as error:
            raise InputError(f"from_dlpack: {error}") from None
    dtype_of_array(shared)
    return Tensor(shared.copy() if copy else shared)


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`obj` as a tensor: over its memory, over a copy, or whichever is possible.

    Raises:
        InputError: if there has to be a copy and `copy` is False.
    """
    check_options("asarray", device, requires_grad)
    source = _local(obj)
    array = _values(source, dtype)
    is_shared = array is source or (
        hasattr(source, "__array__") and np.may_share_memory(array, source)
    )
    if copy is False and not is_shared:
        raise InputError("asarray: this takes a copy, and argument copy is False")
    return Tensor(array.copy() if copy and is_shared else array)


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """The tensor over the bytes of `buffer`, `count` elements or all, from byte `offset` on.

    Raises:
        InputError: if it has not so many.
    """
    check_options("frombuffer", None, requires_grad)
    try:
        return Tensor(np.frombuffer(buffer, as_element(dtype).numpy, count, offset))
    except (TypeError, ValueError) as error:
        raise InputError(f"frombuffer: {error}") from None


def _local(data: Any) -> Any:
    """`data`; the tensor of another library as the array over its memory."""
    foreign = not isinstance(data, Tensor | np.ndarray) and hasattr(data, "__dlpack__")
    return import_array(data) if foreign else data


def _values(data: Any, dtype: Any) -> Array:
    data = _local(data)
    is_array = hasattr(data, "__array__")
    wanted = None if dtype is None else as_element(dtype).numpy
    array = np.asarray(data) if is_array else _parse(data, wanted is None)
    if wanted is not None and array.dtype != wanted:
        if not is_array:
            _check_fits(array, wanted)
        before = silence()
        try:
            array = array.astype(wanted)
        finally:
            restore(before)
    try:
        dtype_of_array(array)
    except InputError as error:
        raise InputError(f"tensor: {error}") from None
    return array


def _check_fits(array: Array, dtype: np.dtype[Any]) -> None:
    """Refuse numbers that the dtype has not; to unsigned ones negative numbers are wrapped."""
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise InputError(f"tensor: complex numbers are no {dtype}")
    if dtype.kind not in "iu" or not array.size:
        return
    limits = np.iinfo(dtype)
    low = -limits.max if dtype.kind == "u" else limits.min
    if not (low <= array.min() and array.max() <= limits.max):
        raise InputError(f"tensor: {dtype} has numbers from {limits.min} to {limits.max} only")


_NARROW = {
    np.dtype(np.float32): np.dtype(np.float64), np.dtype(np.complex64): np.dtype(np.complex128),
}  # fmt: skip
"""What Python's numbers become, and what they are before that."""
_LISTS = (list, tuple, range)


def _parse(data: Any, narrows: bool) -> Array:
    """Numbers in lists, in the dtype that torch gives to them; unless it `narrows`, as they are."""
    dtype = _common_dtype(frozenset(_kinds(data)))
    before = silence()
    try:
        if dtype in _NARROW:
            wide = np.array(data, _NARROW[dtype])
            return narrow(wide) if narrows else wide
        return np.array(data, dtype)
    except (TypeError, ValueError, OverflowError):
        raise InputError("tensor: data must be numbers in lists of equal lengths") from None
    finally:
        restore(before)


def _kinds(data: Any) -> set[Any]:
    """The types of Python's numbers in `data`, and the dtypes of arrays, also of one element."""
    parts = data if isinstance(data, _LISTS) else (data,)
    kinds: set[Any] = set(map(type, parts))
    if kinds <= NUMBERS.keys():
        return kinds
    found: set[Any] = set()
    for part in parts:
        if isinstance(part, _LISTS):
            found |= _kinds(part)
        elif hasattr(part, "__array__"):
            found.add(np.asarray(part).dtype)
        else:
            found.add(type(part))
    return found


@functools.cache
def _common_dtype(kinds: frozenset[Any]) -> np.dtype[Any]:
    """The dtype that holds numbers of all these types and dtypes."""
    names = [kind.__name__ for kind in kinds if isinstance(kind, type) and kind not in NUMBERS]
    if names:
        raise InputError(f"tensor: data must be numbers in lists, got {min(names)}")
    dtypes = [NUMBERS.get(kind) or as_dtype(kind) for kind in kinds or {float}]
    if len(dtypes) == 1:
        return dtypes[0].numpy
    return functools.reduce(FUNCTIONS["promote_types"], dtypes).numpy
