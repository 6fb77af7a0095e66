"""The rule of ranges of numbers: how many there are, and of which dtype."""

from __future__ import annotations

import math
from typing import Any

from treadle.errors import InputError
from treadle.ir.dtypes import DType, f32, i64


def range_of(start: Any, end: Any, step: Any, asked: DType | None) -> tuple[Any, DType, Any, Any]:
    """Length, dtype, start and step of a range; an integer dtype makes integers of these.

    Source: torch.arange; of i64 alone it counts the elements in integers.
    """
    first, stride = start, step
    if asked is not None and asked.is_integral:
        first, stride = int(start), int(step)
        if asked == i64:
            start, end, step = first, int(end), stride
    if step == 0 or (end - start) * step < 0:
        raise InputError(f"arange: {start} to {end} by {step}; the step must lead to the end")
    if isinstance(start, int) and isinstance(end, int) and isinstance(step, int):
        return -(-(end - start) // step), asked or i64, first, stride
    for value in (start, end, step):
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"arange: {start} to {end} by {step}; bounds must be finite")
    return math.ceil((end - start) / step), asked or f32, first, stride
