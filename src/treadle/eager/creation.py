"""Making tensors: from values, from other libraries' arrays, and by rule.

The arguments `layout`, `pin_memory` and `memory_format` are torch's; they change nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from treadle.eager.dlpack import import_array
from treadle.eager.dtypes import as_element, dtype_of_array
from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.runtime import empty as empty_array
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
Number: TypeAlias = "bool | int | float | complex"
SizeArgument: TypeAlias = "int | Sequence[int]"


def check_options(function: str, device: Any, requires_grad: bool) -> None:
    """Refuse what Treadle has not got.

    Raises:
        InputError: for another device than the CPU.
        UnsupportedError: if a gradient is asked for.
    """
    if device is not None and str(device).partition(":")[0] != "cpu":
        raise InputError(f"{function}: there is only the device cpu, got {str(device)!r}")
    if requires_grad:
        raise UnsupportedError(f"{function}: Treadle computes no gradients")


def check_size(function: str, size: Sequence[SizeArgument]) -> tuple[int, ...]:
    """The sizes given as arguments, or as one list.

    Raises:
        ShapeError: if one is negative or no int.
    """
    listed: Any = size[0] if len(size) == 1 and not isinstance(size[0], int | np.integer) else size
    try:
        result = tuple(d.__index__() for d in listed)
    except (AttributeError, TypeError):
        raise ShapeError(f"{function}: sizes must be ints, got {listed!r}") from None
    if any(d < 0 for d in result):
        raise ShapeError(f"{function}: sizes must not be negative, got {list(result)}")
    return result


def _new(function: str, size: Sequence[SizeArgument], dtype: Any) -> Array:
    element = as_element("float32" if dtype is None else dtype)
    return empty_array(check_size(function, size), element.numpy)


def _filled(array: Array, value: Number) -> Tensor:
    array.fill(value)
    return Tensor(array)


# --- from values ---------------------------------------------------------------------------------


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of a copy of `data`: a number, nested lists of numbers, an array or a tensor."""
    check_options("tensor", device, requires_grad)
    return Tensor(np.array(_values(data, dtype)))


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


def from_dlpack(source: Any) -> Tensor:
    """The tensor over the memory of any object that has ``__dlpack__``.

    Raises:
        InputError: if it has not, or does not give its memory away.
    """
    try:
        return Tensor(import_array(source))
    except InputError as error:
        raise InputError(f"from_dlpack: {error}") from None


def _values(data: Any, dtype: Any) -> Array:
    if isinstance(data, Tensor | np.ndarray | np.generic) or hasattr(data, "__array__"):
        array = np.asarray(data)
    else:
        array = _parse(data)
    if dtype is not None:
        with np.errstate(all="ignore"):
            array = array.astype(as_element(dtype).numpy, copy=False)
    try:
        dtype_of_array(array)
    except InputError as error:
        raise InputError(f"tensor: {error}") from None
    return array


def _parse(data: Any) -> Array:
    """Numbers in lists, in the dtype that torch gives to Python's numbers."""
    try:
        array = np.asarray(_plain(data))
    except (ValueError, OverflowError):
        raise InputError("tensor: data must be numbers in lists of equal lengths") from None
    if array.dtype == np.float64:
        return array.astype(np.float32)
    return array.astype(np.complex64) if array.dtype == np.complex128 else array


def _plain(data: Any) -> Any:
    if isinstance(data, list | tuple):
        return [_plain(item) for item in data]
    return data.tolist() if isinstance(data, Tensor) else data


# --- by rule -------------------------------------------------------------------------------------


def empty(
    *size: SizeArgument,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor whose elements are whatever the memory held."""
    check_options("empty", device, requires_grad)
    return Tensor(_new("empty", size, dtype))


def zeros(
    *size: SizeArgument,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of zeros."""
    check_options("zeros", device, requires_grad)
    return _filled(_new("zeros", size, dtype), 0)


def ones(
    *size: SizeArgument,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of ones."""
    check_options("ones", device, requires_grad)
    return _filled(_new("ones", size, dtype), 1)


def full(
    size: SizeArgument,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of one value, by default of the dtype that torch gives to such a number."""
    check_options("full", device, requires_grad)
    chosen = type(fill_value) if dtype is None else dtype
    return _filled(_new("full", (size,), chosen), fill_value)


def empty_like(
    tensor: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """An uninitialised tensor of the shape, and by default the dtype, of another."""
    check_options("empty_like", device, requires_grad)
    return empty(tensor.shape, dtype=_dtype_like(tensor, dtype))


def zeros_like(
    tensor: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Zeros in the shape, and by default the dtype, of another tensor."""
    check_options("zeros_like", device, requires_grad)
    return zeros(tensor.shape, dtype=_dtype_like(tensor, dtype))


def ones_like(
    tensor: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Ones in the shape, and by default the dtype, of another tensor."""
    check_options("ones_like", device, requires_grad)
    return ones(tensor.shape, dtype=_dtype_like(tensor, dtype))


def full_like(
    tensor: Any,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """One value in the shape, and by default the dtype, of another tensor."""
    check_options("full_like", device, requires_grad)
    return full(tensor.shape, fill_value, dtype=_dtype_like(tensor, dtype))


def _dtype_like(tensor: Any, dtype: Any) -> Any:
    return tensor.dtype if dtype is None else dtype


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``start, start + step, ...`` below `end`; with one argument from 0 to it.

    Source:
        torch.arange: i64 if all arguments are ints, else f32; computed in f64.
    """
    check_options("arange", device, requires_grad)
    low, high = (0, start) if end is None else (start, end)
    if not step or not all(math.isfinite(v) for v in (low, high, step)):
        raise InputError(f"arange: finite bounds and a step that is not 0, got {low, high, step}")
    if (high - low) / step < 0:
        raise InputError(f"arange: step {step} does not lead from {low} to {high}")
    whole = all(isinstance(v, int | np.integer) for v in (low, high, step))
    count = -((low - high) // step) if whole else math.ceil((high - low) / step)
    chosen = ("int64" if whole else "float32") if dtype is None else dtype
    positions = np.arange(int(count), dtype=np.int64 if whole else np.float64)
    values: Array = low + positions * np.asarray(step)
    return Tensor(values.astype(as_element(chosen).numpy))


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, at equal distances."""
    check_options("linspace", device, requires_grad)
    (count,) = check_size("linspace", (steps,))
    element = as_element("float32" if dtype is None else dtype)
    return Tensor(np.linspace(start, end, count).astype(element.numpy))


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones on the diagonal of an n x m matrix (n x n without `m`), else zeros."""
    check_options("eye", device, requires_grad)
    rows, columns = check_size("eye", (n, n if m is None else m))
    element = as_element("float32" if dtype is None else dtype)
    return Tensor(np.eye(rows, columns, dtype=element.numpy))
