"""Tensors as TorchScript prints them.

Source: aten/src/ATen/core/Formatting.cpp (behaviour read off torch 2.13).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
LINE_CHARS = 80
_KINDS = {
    "float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "bool": "Bool",
    "uint8": "Byte", "int8": "Char", "int16": "Short", "float16": "Half", "bfloat16": "BFloat16",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble", "uint16": "UInt16",
    "uint32": "UInt32", "uint64": "UInt64",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Form:
    """How the numbers of one matrix are written: divided by `scale`, `width` characters each."""

    scale: float
    width: int
    kind: str

    def number(self, value: float) -> str:
        """A number without padding."""
        scaled = value / self.scale
        if not math.isfinite(scaled):
            return "nan" if math.isnan(scaled) else "inf" if scaled > 0 else "-inf"
        return format(scaled, self.kind)

    def head(self) -> str:
        """The line that names the scale, if there is one."""
        return "" if self.scale == 1 else f"{_shortest(self.scale)} *\n"


def format_tensor(value: Array) -> str:
    """The elements, then type and shape in brackets."""
    kind = _KINDS.get(value.dtype.name, value.dtype.name)
    end = f"[ CPU{kind}Type{{{','.join(map(str, value.shape))}}} ]"
    if value.size == 0:
        return end
    numbers = value.real.astype(np.float64)  # of complex numbers the real part alone is written
    if numbers.ndim == 0:
        return f"{_shortest(numbers.item())}\n{end}"
    if numbers.ndim == 1:
        form = _form(numbers)
        lines = (form.number(v).rjust(form.width) + "\n" for v in numbers.tolist())
        return form.head() + "".join(lines) + end
    if numbers.ndim == 2:
        return _matrix(numbers, "") + end
    parts = []
    for backwards in itertools.product(*map(range, numbers.shape[-3::-1])):
        index = backwards[::-1]
        name = "".join(f"{i + 1}," for i in index)
        parts.append(f"({name}.,.) = \n{_matrix(numbers[index], ' ')}")
    return "\n".join(parts) + end


def _shortest(value: float) -> str:
    """As few digits as tell `value` from others."""
    return repr(value).removesuffix(".0")


def _form(numbers: Array) -> _Form:
    """The form for all `numbers`, from their least and largest size."""
    finite = np.abs(numbers[np.isfinite(numbers)])
    low, high = (_digits(finite.min()), _digits(finite.max())) if finite.size else (1, 1)
    if bool((finite == np.ceil(finite)).all()):
        return _Form(1.0, 11, ".4e") if high > 9 else _Form(1.0, high + 1, ".6g")
    if high - low > 4:
        return _Form(1.0, 12 if max(abs(high), abs(low)) > 99 else 11, ".4e")
    if high > 5 or high < 0:
        return _Form(10.0 ** (high - 1), 7, ".4f")
    return _Form(1.0, 7 if high == 0 else high + 6, ".4f")


def _digits(value: float) -> int:
    return math.floor(math.log10(value)) + 1 if value != 0 else 1


def _matrix(numbers: Array, indent: str) -> str:
    """Rows of columns, as many side by side as a line has room for."""
    form = _form(numbers)
    columns = numbers.shape[1]
    at_once = max(1, (LINE_CHARS - len(indent)) // (form.width + 1))
    text = ""
    for first in range(0, columns, at_once):
        last = min(first + at_once, columns) - 1
        if at_once < columns:
            text += "\n" if first else ""
            text += f"Columns {first + 1} to {last + 1}{indent}"
        if form.scale != 1:
            text += form.head() + indent
        part = numbers[:, first : last + 1].tolist()
        rows = [" ".join(form.number(v).rjust(form.width) for v in row) + "\n" for row in part]
        between = indent + (" " if form.scale != 1 else "")
        text += between.join(rows)
    return text
