"""Structures of arguments and results: lists, tuples and dicts around tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError
from treadle.interpreter.actions import UNINITIALIZED, fail_unset
from treadle.ir import dtypes
from treadle.ir.graph import Value
from treadle.ir.named import tuple_like
from treadle.ir.program import EnumValue
from treadle.ops.primitives import TensorKey
from treadle.template import Entry, Signature
from treadle.tensor import Tensor


class Leaf:
    """Stands for array number `index` in the structure of a call's arguments or result."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def split(value: Any, arrays: list[Any]) -> Any:
    """`value` with arrays replaced by leaves and collected in `arrays`."""
    if is_array(value):
        arrays.append(value)
        return Leaf(len(arrays) - 1)
    if isinstance(value, list | tuple):
        items = [split(v, arrays) for v in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {k: split(v, arrays) for k, v in value.items()}
    return value


def filled(template: Any, arrays: Sequence[Any]) -> Any:
    """`template` with every leaf replaced by its array."""
    if isinstance(template, Leaf):
        return arrays[template.index]
    if isinstance(template, tuple):
        return tuple_like(template, [filled(t, arrays) for t in template])
    if isinstance(template, list):
        return [filled(t, arrays) for t in template]
    if isinstance(template, dict):
        return {k: filled(t, arrays) for k, t in template.items()}
    return template


def numbered(result: Any, numbers: Iterator[int]) -> Any:
    """A structure of graph values as a template of the plan's outputs, numbered in order.

    What is a tensor of the module, which nobody can write into, stands for itself.
    """
    if isinstance(result, Value):
        number = next(numbers)
        own = result.is_constant and not result.constant.flags.writeable
        return Tensor(result.constant) if own else Leaf(number)
    if isinstance(result, tuple):
        return tuple_like(result, [numbered(r, numbers) for r in result])
    if isinstance(result, list):
        return [numbered(r, numbers) for r in result]
    if isinstance(result, dict):
        return {k: numbered(r, numbers) for k, r in result.items()}
    return result


def key_of(template: Any) -> Any:
    """A name of a structure and of the Python values in it; equal names run alike.

    Raises:
        TypeError: if a value in it is not hashable.
    """
    if isinstance(template, Leaf):
        return "array"
    if isinstance(template, Tensor):
        return ("tensor", id(template._array))
    if isinstance(template, tuple | list):
        return (type(template).__name__, *map(key_of, template))
    if isinstance(template, dict):
        if any(isinstance(k, TensorKey) for k in template):
            raise TypeError("tensors are keys")
        return ("dict", *((k, key_of(v)) for k, v in template.items()))
    if isinstance(template, float):
        return ("float", template.hex())  # 0.0 is not -0.0 here
    hash(template)
    return (type(template).__name__, template)


def alike(a: Any, b: Any) -> bool:
    """Whether two templates of results are the same structure of the same values."""
    try:
        return bool(key_of(a) == key_of(b))
    except TypeError:
        return False


def is_array(value: Any) -> bool:
    """Whether `value` is a tensor, an array, or something that gives one."""
    return isinstance(value, np.ndarray | Tensor) or hasattr(value, "__array__")


def as_array(value: Any) -> np.ndarray:
    """The array behind a tensor or whatever gives one."""
    return value._array if isinstance(value, Tensor) else np.asarray(value)


def signature_of(arrays: Sequence[Any]) -> Signature:
    """Dtypes and shapes of `arrays`; with strides, in elements, where they are not row-major."""
    return tuple(map(_entry, map(as_array, arrays)))


def _entry(array: np.ndarray) -> Entry:
    name, flags, size = _dtype_name(array), array.flags, array.itemsize
    counts = flags.aligned and array.dtype.isnative and not any(s % size for s in array.strides)
    if flags.c_contiguous or not counts:
        return name, array.shape
    return name, array.shape, tuple(s // size for s in array.strides)


def check_dtypes(signature: Signature) -> None:
    """Raise an `InputError` for a dtype that Treadle has no tensors of."""
    unknown = next((d for d, *_ in signature if d not in dtypes.BY_TORCH_NAME), None)
    if unknown is not None:
        raise InputError(f"Treadle has no tensors of dtype {unknown}")


def _dtype_name(array: np.ndarray) -> str:
    dtype = dtypes.from_numpy(array.dtype)
    if dtype is None:
        raise InputError(f"Treadle has no tensors of dtype {array.dtype}")
    return dtype.torch_name


def wrapped(value: Any) -> Any:
    """A value of the interpreter as the user sees it.

    Raises:
        ScriptError: if it is, or holds, what ``uninitialized(T)`` gives.
    """
    if isinstance(value, np.ndarray):
        return Tensor(value)
    if isinstance(value, EnumValue):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(wrapped, value))
    if isinstance(value, tuple):
        return tuple(map(wrapped, value))
    if isinstance(value, list):
        return [wrapped(v) for v in value]
    if isinstance(value, dict):
        return {wrapped(k): wrapped(v) for k, v in value.items()}
    if isinstance(value, TensorKey):
        return Tensor(value.tensor)
    if value is UNINITIALIZED:
        fail_unset("return")
    return value
