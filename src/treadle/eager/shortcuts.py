"""Methods of tensors that need no operator in the usual case; else they call the function.

What they do then is what the operator of the same name does: a tensor over the same memory, or
elements written as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle import draws
from treadle._native import TensorBase
from treadle.eager.device import device as Device  # noqa: N812  the property has its name
from treadle.eager.dtypes import as_dtype, dtype_of_array
from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError
from treadle.ir.strides import check_not_expanded

Method = Callable[..., Any]


def conversion(name: str, target: str) -> Method:
    """The method `name`, which converts to the dtype that it is called after."""
    convert_to = FUNCTIONS["to"]
    wanted = as_dtype(target)

    def convert(self: Any, memory_format: Any = None) -> Any:
        if memory_format is not None:
            return convert_to(self, wanted, memory_format=memory_format)
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
            check_not_expanded("copy_", "self", array)
            np.copyto(_writable("copy_", array), source)
            return self
        return FUNCTIONS["copy_"](self, *args, **options)

    return copy_


def _random_fill(name: str, fill: Callable[..., None]) -> Method:
    """The method `name` by `fill`, which refuses before it draws what the operator knows better."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        check_not_expanded(name, "self", self._array)
        if not options:
            try:
                fill(self._array, *args)
                return self
            except (TypeError, ValueError):
                pass
        return FUNCTIONS[name](self, *args, **options)

    return method


def _fill_few(array: Any, high: int) -> None:
    """Draw integers below `high`, if they are few."""
    if not 0 < high <= draws.FEW:
        raise ValueError("the operator draws them")
    draws.DEFAULT.drawer.fill_integers(array, 0, high)


def _shaped(name: str, function: str) -> Method:
    """The method `name`: `function` to the shape of another tensor."""

    def method(self: Any, other: Any) -> Any:
        try:
            return FUNCTIONS[function](self, other.shape)
        except (AttributeError, InputError):
            return FUNCTIONS[name](self, other)

    return method


def _to() -> Method:
    def to(self: Any, *args: Any, **options: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], TensorBase):
            args = (args[0].dtype,)
        elif len(args) == 1 and "memory_format" in options and isinstance(args[0], str | Device):
            options.setdefault("dtype", self.dtype)
        return FUNCTIONS["to"](self, *args, **options)

    return to


def _where() -> Method:
    def where(self: Any, condition: Any, other: Any) -> Any:
        return FUNCTIONS["where"](condition, self, other)

    return where


def _polygamma() -> Method:
    def polygamma(self: Any, n: Any) -> Any:
        return FUNCTIONS["polygamma"](n, self)

    return polygamma


def _detach() -> Method:
    def detach(self: Any) -> Any:
        return type(self)(self._array)

    return detach


MAKERS: dict[str, Callable[[], Method]] = {
    "bernoulli_": lambda: _random_fill("bernoulli_", draws.DEFAULT.drawer.fill_chance),
    "copy_": _copy,
    "detach": _detach,
    "expand_as": lambda: _shaped("expand_as", "expand"),
    "exponential_": lambda: _random_fill("exponential_", draws.DEFAULT.drawer.fill_exponential),
    "fill_": _fill,
    "normal_": lambda: _random_fill("normal_", draws.DEFAULT.drawer.fill_normal),
    "polygamma": _polygamma,
    "random_": lambda: _random_fill("random_", _fill_few),
    "reshape_as": lambda: _shaped("reshape_as", "reshape"),
    "to": _to,
    "where": _where,
    "view_as": lambda: _shaped("view_as", "view"),
    "uniform_": lambda: _random_fill("uniform_", draws.DEFAULT.drawer.fill_uniform),
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
