"""``x[index]`` and ``x[index] = value`` with torch's rules on NumPy arrays.

Torch takes ints, slices, None and ... first, which gives a view, and then the elements at positions
that tensors tell; NumPy counts ints beside arrays among the latter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.eager.dlpack import import_array
from treadle.errors import IndexOutOfRange, InputError, ShapeError
from treadle.ir.strides import check_not_expanded
from treadle.quiet import restore, silence

Array = np.ndarray[Any, Any]
_ALL = slice(None)
_SAFE = 6e4
"""Numbers below this fit into every floating dtype."""


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
        view, position = _located(array, index)
        axis = len(position) - 1
        if _is_ints(position[axis]) and all(map(_is_whole, position[:axis])):
            return np.asarray(view.take(position[axis], axis))
        return np.asarray(view[position])
    except IndexError as error:
        raise _outside(array, error) from None


def set_item(array: Array, index: Any, value: Any) -> None:
    """Write `value`, broadcast and cast to the array's dtype, to what `index` selects.

    Raises:
        IndexOutOfRange: as `get_item`.
        ShapeError: if `value` does not broadcast to the selected part.
        InputError: if `index` is not one, the array is read-only, or has no such values.
    """
    if not array.flags.writeable:
        raise InputError("the memory of this tensor is read-only")
    given = getattr(value, "_array", value)
    try:
        view, position = _located(array, index)
        if 0 in array.strides:
            check_not_expanded("assigning to a part of a tensor", "it", np.asarray(view[position]))
        if _fits(array.dtype, given):
            view[position] = given
        else:
            before = silence()
            try:
                view[position] = given
            finally:
                restore(before)
    except IndexError as error:
        raise _outside(array, error) from None
    except ValueError as error:
        raise ShapeError(f"assigning to a part of a tensor: {error}") from None
    except (TypeError, OverflowError) as error:
        raise InputError(f"assigning to a part of a tensor of {array.dtype}: {error}") from None


_PLAIN = frozenset((int, type(None), type(Ellipsis)))
_ALONE = (int, bool)
"""Items that NumPy reads otherwise beside arrays."""


def _outside(array: Array, error: IndexError) -> IndexOutOfRange:
    return IndexOutOfRange(f"indexing a tensor of shape {list(array.shape)}: {error}")


def _fits(dtype: np.dtype[Any], value: Any) -> bool:
    """Whether NumPy has nothing to warn of when it casts `value`."""
    kind = type(value)
    if kind is int or kind is bool or kind is float:
        return -_SAFE < value < _SAFE and (kind is not float or dtype.kind == "f")
    return bool(dtype == getattr(value, "dtype", None))


def _is_positive(step: Any) -> bool:
    return type(step) is int and step > 0


def _is_plain(item: Any) -> bool:
    """Whether NumPy reads a part of an index as torch does."""
    if type(item) is slice:
        return item.step is None or _is_positive(item.step)
    return type(item) in _PLAIN


def _is_whole(item: Any) -> bool:
    return item is _ALL or (type(item) is slice and item == _ALL)


def _located(array: Array, index: Any) -> tuple[Array, tuple[Any, ...]]:
    """A view of `array`, and what NumPy selects of it as torch does by `index`."""
    items = tuple(map(_item, index)) if isinstance(index, tuple) else (_item(index),)
    kinds = set(map(type, items))
    if np.ndarray not in kinds and bool not in kinds:
        return array, items if Ellipsis in items else (*items, ...)
    return (array, items) if kinds.isdisjoint(_ALONE) else _split(array, items)


def _split(array: Array, items: tuple[Any, ...]) -> tuple[Array, tuple[Any, ...]]:
    """The view that ints, slices, None and ... select; where in it the rest finds the elements."""
    if all(map(_is_simple, items)):
        view = array[tuple([_ALL if type(i) is np.ndarray else i for i in items])]
        return view, tuple([_ALL if type(i) is slice else i for i in items if type(i) is not int])
    missing = array.ndim - sum(map(_num_dims, items))
    where = [n for n, item in enumerate(items) if item is Ellipsis] or [len(items)]
    if len(where) > 1:
        raise IndexError("an index can have a single ellipsis ('...')")
    items = (*items[: where[0]], *[_ALL] * missing, *items[where[0] + 1 :])
    basic: list[Any] = []
    position: list[Any] = []
    for item in items:
        if isinstance(item, bool):
            basic.append(None)
            position.append(np.asarray([item]))
        elif isinstance(item, np.ndarray):
            basic += [_ALL] * _num_dims(item)
            position.append(item)
        else:
            basic.append(item)
            if not isinstance(item, int):
                position.append(_ALL)
    basic.append(...)
    return array[tuple(basic)], tuple(position)


def _is_simple(item: Any) -> bool:
    return type(item) is int or type(item) is slice or _is_ints(item)


def _is_ints(item: Any) -> bool:
    return type(item) is np.ndarray and item.dtype.kind != "b"


def _num_dims(item: Any) -> int:
    """How many dims of the tensor an item is for."""
    if isinstance(item, np.ndarray):
        return item.ndim if item.dtype.kind == "b" else 1
    return 0 if item is None or item is Ellipsis or isinstance(item, bool) else 1


def _item(item: Any) -> Any:
    """An item of an index as None, ..., a bool, an int, a slice, or an array of ints or bools."""
    array = getattr(item, "_array", item)
    if type(array) is np.ndarray and array.ndim and array.dtype.kind in "bi":
        return array
    if item is None or item is Ellipsis or isinstance(item, bool):
        return item
    if isinstance(item, int):
        return int(item)
    if isinstance(item, slice):
        return _slice(item)
    if isinstance(array, list | tuple | range):
        array = np.asarray([getattr(i, "_array", i) for i in array])
        array = array.astype(np.int64) if not array.size else array
    elif not isinstance(array, np.ndarray | np.generic) and hasattr(array, "__dlpack__"):
        array = import_array(array)
    if not isinstance(array, np.ndarray | np.generic):
        raise InputError(
            "a tensor is indexed by ints, slices, None, ..., and tensors or lists of ints or bools;"
            f" got {type(item).__name__}"
        )
    if array.dtype == np.uint8 and array.ndim:
        return array.astype(np.bool_)
    if array.dtype.kind not in "biu":
        raise InputError(f"tensors used as indices must be of ints or bools, got {array.dtype}")
    return array if array.ndim else array.item()


def _slice(item: slice) -> slice:
    if item.start is item.stop is item.step is None:
        return item
    start, stop, step = (_bound(b) for b in (item.start, item.stop, item.step))
    if step is not None and step <= 0:
        raise InputError(f"the step of a slice must be positive, got {step}")
    return slice(start, stop, step)


def _bound(bound: Any) -> int | None:
    return None if bound is None else int(bound)
