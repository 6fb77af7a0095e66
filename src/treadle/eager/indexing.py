"""``x[index]`` and ``x[index] = value`` with torch's rules on NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import IndexOutOfRange, InputError, ShapeError

Array = np.ndarray[Any, Any]


def get_item(array: Array, index: Any) -> Array:
    """The elements that `index` selects: a view, unless there are arrays in `index`.

    Raises:
        IndexOutOfRange: if a position lies outside its dimension, or there are too many.
        InputError: if `index` is not one.
    """
    try:
        kind = type(index)
        if kind is int or index is None:
            return array[index, ...]
        if kind is slice and (index.step is None or _is_positive(index.step)):
            return np.asarray(array[index])
        if kind is tuple and all(map(_is_plain, index)):
            return array[index if Ellipsis in index else (*index, ...)]
        return np.asarray(array[_positions(index)])
    except IndexError as error:
        raise IndexOutOfRange(f"indexing a tensor of shape {list(array.shape)}: {error}") from None


def set_item(array: Array, index: Any, value: Any) -> None:
    """Write `value`, broadcast and cast to the array's dtype, to what `index` selects.

    Raises:
        IndexOutOfRange: as `get_item`.
        ShapeError: if `value` does not broadcast to the selected part.
        InputError: if `index` is not one, or the array is read-only.
    """
    if not array.flags.writeable:
        raise InputError("the memory of this tensor is read-only")
    given = getattr(value, "_array", value)
    try:
        if array.dtype == getattr(given, "dtype", None):
            array[_positions(index)] = given
            return
        with np.errstate(all="ignore"):
            array[_positions(index)] = given
    except IndexError as error:
        raise IndexOutOfRange(f"indexing a tensor of shape {list(array.shape)}: {error}") from None
    except ValueError as error:
        raise ShapeError(f"assigning to a part of a tensor: {error}") from None


_PLAIN = frozenset((int, type(None), type(Ellipsis)))


def _is_positive(step: Any) -> bool:
    return type(step) is int and step > 0


def _is_plain(item: Any) -> bool:
    """Whether NumPy reads a part of an index as torch does."""
    if type(item) is slice:
        return item.step is None or _is_positive(item.step)
    return type(item) in _PLAIN


def _positions(index: Any) -> tuple[Any, ...]:
    """`index` for NumPy; it ends with an ellipsis, so that also single elements are views."""
    items = index if isinstance(index, tuple) else (index,)
    converted = tuple(_position(i) for i in items)
    return converted if any(i is Ellipsis for i in converted) else (*converted, Ellipsis)


def _position(item: Any) -> Any:
    if item is None or item is Ellipsis or isinstance(item, bool | int | np.integer):
        return item
    if isinstance(item, slice):
        return _slice(item)
    array = getattr(item, "_array", item)
    if isinstance(array, list | tuple | range):
        array = np.asarray([getattr(i, "_array", i) for i in array])
        array = array.astype(np.int64) if not array.size else array
    if not isinstance(array, np.ndarray):
        raise InputError(
            "a tensor is indexed by ints, slices, None, ..., and tensors or lists of ints or bools;"
            f" got {type(item).__name__}"
        )
    if array.dtype == np.uint8:
        return array.astype(np.bool_)
    if array.dtype.kind not in "biu":
        raise InputError(f"tensors used as indices must be of ints or bools, got {array.dtype}")
    return int(array) if array.ndim == 0 and array.dtype.kind != "b" else array


def _slice(item: slice) -> slice:
    start, stop, step = (_bound(b) for b in (item.start, item.stop, item.step))
    if step is not None and step <= 0:
        raise InputError(f"the step of a slice must be positive, got {step}")
    return slice(start, stop, step)


def _bound(bound: Any) -> int | None:
    return None if bound is None else int(bound)
