"""Making tensors by rule.

The arguments `layout` and `pin_memory` are torch's; they change nothing here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from treadle.eager.dtypes import NUMBERS, as_element
from treadle.eager.outs import made_into
from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.ir.formats import PRESERVE, copied_strides, laid_out, operand_of
from treadle.runtime import empty as empty_array
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
Number: TypeAlias = "bool | int | float | complex"
SizeArgument: TypeAlias = "int | Sequence[int]"
SMALL = 1 << 16
"""Bytes up to which memory comes from NumPy, beyond it from the allocator of results."""


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


@functools.lru_cache(maxsize=4096, typed=True)
def _checked(
    function: str, dtype: Any, device: Any, requires_grad: bool, *size: SizeArgument
) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Shape and dtype of a new array, and whether NumPy is to make it: a small one.

    Strides of one without elements are torch's if it has one dim.
    """
    check_options(function, device, requires_grad)
    shape = check_size(function, size)
    element = as_element("float32" if dtype is None else dtype)
    num_bytes = math.prod(shape) * element.itemsize
    if num_bytes >= 1 << 63:
        raise InputError(f"{function}: no memory holds {list(shape)} elements")
    is_small = num_bytes <= SMALL and (num_bytes > 0 or len(shape) == 1)
    return shape, element.numpy, is_small


def new_array(
    function: str, size: Sequence[SizeArgument], dtype: Any, device: Any, requires_grad: bool
) -> Array:
    """Memory of any content for `function`, which has checked nothing."""
    if len(size) == 1 and type(size[0]) is list:
        size = (tuple(size[0]),)
    try:
        shape, kind, is_small = _checked(function, dtype, device, requires_grad, *size)
    except TypeError:  # what is no key
        shape, kind, is_small = _checked.__wrapped__(function, dtype, device, requires_grad, *size)
    try:
        return np.empty(shape, kind) if is_small else empty_array(shape, kind)
    except (ValueError, MemoryError) as refusal:
        raise InputError(f"{function}: {refusal}, got shape {list(shape)}") from None


def new_array_like(
    function: str,
    tensor: Any,
    dtype: Any,
    device: Any,
    requires_grad: bool,
    memory_format: int | None = None,
) -> Array:
    """`new_array` in the shape, and by default of the dtype and the strides, of `tensor`."""
    array = tensor._array if type(tensor) is Tensor else np.asarray(tensor)
    is_plain = type(tensor) is Tensor and dtype is None and device is None and not requires_grad
    if memory_format is None and array.size and 0 not in array.strides:  # NumPy does the same
        if (is_plain and array.nbytes <= SMALL) or not array.flags.c_contiguous:
            check_options(function, device, requires_grad)
            return np.empty_like(array, None if dtype is None else as_element(dtype).numpy)
        kind = array.dtype if dtype is None else dtype
        return new_array(function, (array.shape,), kind, device, requires_grad)
    check_options(function, device, requires_grad)
    element = array.dtype if dtype is None else as_element(dtype).numpy
    return _laid(array.shape, copied_strides(*operand_of(array), memory_format), element)


def _laid(shape: tuple[int, ...], strides: tuple[int, ...], element: np.dtype[Any]) -> Array:
    """Memory of any content with these strides, which leave no gaps."""
    memory = empty_array((math.prod(shape) * element.itemsize,), np.uint8)
    return laid_out(memory, element, shape, strides)


def _filled(function: str, array: Array, value: Number) -> Tensor:
    """`array`, filled; unsigned integers take negative numbers of their size, as in torch.

    Raises:
        InputError: if the dtype does not hold the value.
    """
    try:
        array.fill(value)
    except (OverflowError, TypeError, ValueError):
        limit = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 0
        if not isinstance(value, int) or not -limit <= value < 0:
            raise InputError(f"{function}: {value} is no number of {array.dtype}") from None
        array.fill(value % (limit + 1))
    return Tensor(array)


def empty(
    *size: SizeArgument,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    memory_format: int | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A tensor whose elements are whatever the memory held."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(empty, out, dtype, *size, **options)
    array = new_array("empty", size, dtype, device, requires_grad)
    if not memory_format:
        return Tensor(array)
    if memory_format == PRESERVE:
        raise InputError("empty: there is no tensor whose memory_format it might preserve")
    return Tensor(
        _laid(array.shape, copied_strides(*operand_of(array), memory_format), array.dtype)
    )


def zeros(
    *size: SizeArgument,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """A tensor of zeros."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(zeros, out, dtype, *size, **options)
    return _filled("zeros", new_array("zeros", size, dtype, device, requires_grad), 0)


def ones(
    *size: SizeArgument,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """A tensor of ones."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(ones, out, dtype, *size, **options)
    return _filled("ones", new_array("ones", size, dtype, device, requires_grad), 1)


def full(
    size: SizeArgument,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """A tensor of one value, by default of the dtype that torch gives to such a number."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(full, out, dtype, size, fill_value, **options)
    chosen = NUMBERS.get(type(fill_value), "float32") if dtype is None else dtype
    array = new_array("full", (size,), chosen, device, requires_grad)
    return _filled("full", array, fill_value)


def _make_like(name: str, value: Number | None, doc: str) -> Callable[..., Tensor]:
    """The function `name`: a tensor in the shape, and by default the dtype, of another."""

    def function(
        tensor: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
        memory_format: int | None = None,
    ) -> Tensor:
        array = new_array_like(name, tensor, dtype, device, requires_grad, memory_format)
        return Tensor(array) if value is None else _filled(name, array, value)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


empty_like = _make_like(
    "empty_like", None, "An uninitialised tensor of the shape and dtype of another."
)
zeros_like = _make_like(
    "zeros_like", 0, "Zeros in the shape, and by default the dtype, of another."
)
ones_like = _make_like("ones_like", 1, "Ones in the shape, and by default the dtype, of another.")


def full_like(
    tensor: Any,
    fill_value: Number,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    memory_format: int | None = None,
) -> Tensor:
    """One value in the shape, and by default the dtype, of another tensor."""
    array = new_array_like("full_like", tensor, dtype, device, requires_grad, memory_format)
    return _filled("full_like", array, fill_value)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Ones on the diagonal of an n x m matrix (n x n without `m`), else zeros."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(eye, out, dtype, n, m, **options)
    size = (n, n if m is None else m)
    array = new_array("eye", size, dtype, device, requires_grad)
    array.fill(0)
    rows, columns = array.shape
    array.ravel()[: min(rows, columns) * columns : columns + 1].fill(1)
    return Tensor(array)
