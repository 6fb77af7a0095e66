"""Tensors of numbers at equal distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle._native import fill_steps
from treadle.eager.creation import Array, check_options, new_array
from treadle.eager.dtypes import as_element
from treadle.eager.outs import made_into
from treadle.errors import InputError
from treadle.ir.ranges import range_of
from treadle.tensor import Tensor

_PLAIN = (int, float)


def arange(
    start: float | Tensor,
    end: float | Tensor | None = None,
    step: float | Tensor = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """``start, start + step, ...`` below `end`; with one argument from 0 to it.

    Source:
        torch.arange: i64 if all arguments are ints, else f32; computed in f64. A tensor without
        dims is the number in it.
    """
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(arange, out, dtype, start, end, step, **options)
    low, high = (0, start) if end is None else (start, end)
    check_options("arange", device, requires_grad)
    asked = None if dtype is None else as_element(dtype)
    if not (type(low) in _PLAIN and type(high) in _PLAIN and type(step) in _PLAIN):
        low, high, step = (_as_number("arange", value) for value in (low, high, step))
    count, element, first, stride = range_of(low, high, step, asked)
    is_whole = isinstance(low, int) and isinstance(high, int) and isinstance(step, int)
    if is_whole or element.is_integral:
        try:
            values: Array = np.arange(first, first + count * stride, stride, dtype=np.int64)
        except (ValueError, MemoryError, OverflowError) as refusal:
            raise InputError(f"arange: {refusal}, got {low} to {high} by {step}") from None
    else:
        drawn = element.numpy if element.numpy.char in "fd" else np.float64
        values = new_array("arange", (count,), drawn, device, requires_grad)
        fill_steps(values, first, stride)
    return Tensor(values.astype(element.numpy, copy=False))


def linspace(
    start: float | Tensor,
    end: float | Tensor,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, at equal distances."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(linspace, out, dtype, start, end, steps, **options)
    if type(steps) is not int and not isinstance(steps, np.integer):
        raise InputError(f"linspace: steps must be an int, got {steps!r}")
    array = new_array("linspace", (steps,), dtype, device, requires_grad)
    kind = array.dtype.kind
    first: Any = start
    last: Any = end
    if not (type(first) in _PLAIN and type(last) in _PLAIN):
        kinds = (*_PLAIN, complex) if kind == "c" else _PLAIN
        first, last = (_as_number("linspace", v, kinds) for v in (start, end))
    if kind in "iu":
        first, last = int(first), int(last)
    count = len(array)
    if kind == "c":
        array[...] = np.linspace(first, last, count)
        return Tensor(array)
    values = array if array.dtype.char in "fd" else np.empty(count, np.float64)
    fill_steps(values, first, (last - first) / max(count - 1, 1))
    if count > 1:
        values[-1] = last
    if values is not array:
        array[...] = values
    return Tensor(array)


def _as_number(function: str, value: Any, kinds: tuple[type, ...] = _PLAIN) -> Any:
    """The number that a bound, or an element of an array, is.

    Raises:
        InputError: if it is none.
    """
    number = value.item() if isinstance(value, Tensor | np.generic) else value
    if not isinstance(number, kinds):
        raise InputError(f"{function}: expected a number, got {value!r}")
    return number
