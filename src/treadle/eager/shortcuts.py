"""Methods of tensors that need no operator in the usual case; else they call the function.

What they do then is what the operator of the same name does: a tensor over the same memory, or
elements written as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.eager.dtypes import as_dtype, dtype_of_array
from treadle.eager.table import FUNCTIONS, KNOWN
from treadle.errors import InputError

Method = Callable[..., Any]

_REFUSED = (ValueError, TypeError, IndexError)
"""What NumPy raises of arguments; the operator says it better."""


def _reshaped(name: str) -> Method:
    def method(self: Any, *shape: Any, **options: Any) -> Any:
        array = self._array
        if shape and not options and array.flags.c_contiguous:
            try:
                return type(self)(array.reshape(*shape))
            except _REFUSED:
                pass
        return FUNCTIONS[name](self, *shape, **options)

    return method


def _by_numpy(name: str, view: Callable[..., Any], count: int) -> Method:
    """A view that NumPy gives from `count` positional arguments, or any number of them if 0."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        if not options and (len(args) == count or (not count and args)):
            try:
                return type(self)(view(self._array, *args))
            except _REFUSED:
                pass
        return FUNCTIONS[name](self, *args, **options)

    return method


def _permuted(array: Any, *dims: Any) -> Any:
    return array.transpose(*dims)


def _swapped(array: Any, dim0: Any, dim1: Any) -> Any:
    return array.swapaxes(dim0, dim1)


def _to() -> Method:
    """Conversions to a dtype find what was prepared at the first of them."""
    function = FUNCTIONS["to"]
    known = getattr(function, KNOWN)

    def method(self: Any, *args: Any, **options: Any) -> Any:
        if len(args) == 1 and not options:
            program = known.get((type(self), args[0]))
            if program is not None:
                return program(self, None)[0]
        return function(self, *args, **options)

    return method


def conversion(name: str, target: str) -> Method:
    """The method `name`, which converts to the dtype that it is called after."""
    convert_to = _to()
    wanted = as_dtype(target)

    def convert(self: Any, memory_format: Any = None) -> Any:
        return self if dtype_of_array(self._array) is wanted else convert_to(self, wanted)

    convert.__name__ = name
    convert.__doc__ = f"The tensor as {target}; itself if it has that dtype."
    return convert


def _writable(name: str, array: Any) -> Any:
    if not array.flags.writeable:
        raise InputError(f"{name}: the memory of the tensor is read-only")
    return array


def _zero() -> Method:
    def zero_(self: Any) -> Any:
        _writable("zero_", self._array).fill(0)
        return self

    return zero_


def _fill() -> Method:
    def fill_(self: Any, *args: Any, **options: Any) -> Any:
        array = self._array
        if len(args) == 1 and type(args[0]) is float and array.dtype.kind == "f":
            _writable("fill_", array).fill(args[0])
            return self
        return FUNCTIONS["fill_"](self, *args, **options)

    return fill_


def _copy() -> Method:
    def copy_(self: Any, *args: Any, **options: Any) -> Any:
        source = getattr(args[0], "_array", None) if len(args) == 1 and not options else None
        array = self._array
        if source is not None and source.dtype == array.dtype and source.shape == array.shape:
            np.copyto(_writable("copy_", array), source)
            return self
        return FUNCTIONS["copy_"](self, *args, **options)

    return copy_


def _like_other(name: str, inner: str) -> Method:
    """A view in the shape of another tensor."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        if len(args) == 1 and hasattr(args[0], "_array"):
            return getattr(self, inner)(*args[0]._array.shape)
        return FUNCTIONS[name](self, *args, **options)

    return method


def _detach() -> Method:
    def detach(self: Any) -> Any:
        return type(self)(self._array)

    return detach


MAKERS: dict[str, Callable[[], Method]] = {
    "copy_": _copy,
    "detach": _detach,
    "expand_as": lambda: _like_other("expand_as", "expand"),
    "fill_": _fill,
    "permute": lambda: _by_numpy("permute", _permuted, 0),
    "reshape": lambda: _reshaped("reshape"),
    "to": _to,
    "transpose": lambda: _by_numpy("transpose", _swapped, 2),
    "view": lambda: _reshaped("view"),
    "view_as": lambda: _like_other("view_as", "view"),
    "zero_": _zero,
}
"""What makes the methods, by name."""


def find(name: str) -> Method | None:
    """The method `name`, if there is a shortcut for it."""
    if name not in MAKERS:
        return None
    method = MAKERS[name]()
    method.__name__ = method.__qualname__ = name
    method.__doc__ = FUNCTIONS[name].__doc__
    return method
