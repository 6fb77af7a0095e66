"""Type promotion as torch does it: over categories, and by what an operand is.

A tensor with dims outranks a 0-dim tensor, which outranks a Python number, unless the lower one is
of a higher category (bool < integer < floating < complex).

Source: torch.result_type and torch.promote_types, "Type promotion" in PyTorch's documentation.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.dtypes import DType, bool_, c64, c128, f16, f32, f64, i8, i16, i32, i64, u8
from treadle.ir.types import TensorType

Number: TypeAlias = bool | int | float | complex
Operand: TypeAlias = TensorType | np.ndarray[Any, Any] | Number

_FLOATS = ("f16", "bf16", "f32", "f64")
_WIDE_UNSIGNED = ("u16", "u32", "u64")


@cache
def promote(a: DType, b: DType) -> DType:
    """The dtype that holds values of both, as torch.promote_types.

    Raises:
        ShapeError: for the pairs that torch refuses: 8-bit floats, u16 to u64 with other integers.
    """
    if a == b:
        return a
    low, high = sorted((a, b), key=category)
    if (low.itemsize == 1 and low.is_floating) or (high.itemsize == 1 and high.is_floating):
        raise ShapeError(f"cannot promote {a} and {b}: 8-bit floats promote to nothing")
    if high.is_floating:
        return _promote_floats(low, high)
    if low.name in _WIDE_UNSIGNED or high.name in _WIDE_UNSIGNED:
        raise ShapeError(f"cannot promote {a} and {b}: u16, u32 and u64 promote only to floats")
    if high.is_complex:
        return c128 if c128 in (a, b) or f64 in (a, b) else c64
    if low.kind == "b":
        return high
    return _promote_integers(a, b)


def _promote_floats(low: DType, high: DType) -> DType:
    if not low.is_floating:
        return high
    if {low.name, high.name} == {"f16", "bf16"}:
        return f32
    return max(low, high, key=lambda d: _FLOATS.index(d.name))


def _promote_integers(a: DType, b: DType) -> DType:
    wide = max(a, b, key=lambda d: d.itemsize)
    return i16 if u8 in (a, b) and wide.itemsize == 1 else wide


def category(dtype: DType) -> int:
    """0 for bool, 1 integers, 2 floating, 3 complex."""
    return "biufc".replace("u", "").index("i" if dtype.kind == "u" else dtype.kind)


KINDS = "bifc"
"""Letters of the categories: bool, integers, floating and complex numbers."""
_NARROWER = {"u": (u8,), "s": (i8, i16, i32, i64), "l": (i64,), "d": (f32, f64)}
"""Letters of some dtypes of a category."""
_WORDS = {
    "b": "bool", "i": "integers", "f": "floating numbers", "c": "complex numbers", "u": "u8",
    "s": "signed integers", "l": "i64", "d": "f32, f64",
}  # fmt: skip


def check_kind(name: str, kinds: str, dtype: DType) -> None:
    """Check that an operator takes numbers of `dtype`.

    `kinds` has letters of categories, or ``u`` for uint8, ``s`` for signed
    integers, ``l`` for int64, ``d`` for float32 and
    float64.

    Raises:
        ShapeError: if `dtype` is of none of `kinds`.
    """
    if KINDS[category(dtype)] in kinds:
        return
    if not any(dtype in _NARROWER.get(kind, ()) for kind in kinds):
        *others, last = (_WORDS[k] for k in kinds)
        allowed = f"{', '.join(others)} or {last}" if others else last
        raise ShapeError(f"{name}: needs {allowed}, got {dtype}")


def check_number(name: str, value: Number, dtype: DType) -> None:
    """Check that `dtype` holds a number; unsigned integers take negative ones of their size too.

    Floating ones hold infinities and NaN, but no larger numbers than theirs.

    Raises:
        ShapeError: if not.
    """
    real = value.real
    if dtype.is_integral and dtype.kind != "b":
        limits = np.iinfo(dtype.numpy)
        least = -limits.max if dtype.kind == "u" else limits.min
        held = math.isfinite(real) and least <= int(real) <= limits.max
    elif dtype.is_floating:
        held = not math.isfinite(real) or abs(real) <= largest(dtype)
    else:
        held = True
    if not held or (value.imag and not dtype.is_complex and dtype.kind != "b"):
        raise ShapeError(f"{name}: {value} is no number of {dtype}")


def largest(dtype: DType) -> float:
    """The largest finite number of a floating dtype."""
    finfo: Any = ml_dtypes.finfo(dtype.numpy)  # type: ignore[no-untyped-call]
    return float(finfo.max)


def dtype_of(operand: Operand) -> DType:
    """The dtype of a tensor, or that which torch gives to a Python number.

    Raises:
        ShapeError: for arrays of a dtype that torch lacks.
    """
    if isinstance(operand, TensorType):
        return operand.element
    if isinstance(operand, bool | np.bool_):
        return bool_
    if isinstance(operand, int | np.integer) and not isinstance(operand, np.ndarray):
        return i64
    if isinstance(operand, float | np.floating):
        return f32
    if isinstance(operand, complex | np.complexfloating):
        return c64
    found = dtypes.from_numpy(operand.dtype)
    if found is None:
        raise ShapeError(f"tensors have no dtype {operand.dtype}")
    return found


def result_dtype(*operands: Operand) -> DType:
    """The dtype of arithmetic on `operands`, as torch.result_type.

    Raises:
        ShapeError: as `promote`.
    """
    groups: list[DType | None] = [None, None, None]  # with dims, 0-dim, numbers
    for operand in operands:
        rank = _rank(operand)
        group = 2 if rank is None else int(rank == 0)
        dtype, before = dtype_of(operand), groups[group]
        groups[group] = dtype if before is None else promote(before, dtype)
    result = _outrank(groups[0], _outrank(groups[1], groups[2]))
    assert result is not None, "no operands"
    return result


def _rank(operand: Operand) -> int | None:
    if isinstance(operand, TensorType):
        return operand.rank
    return operand.ndim if isinstance(operand, np.ndarray) else None


def _outrank(high: DType | None, low: DType | None) -> DType | None:
    """`high`, unless the category of `low` is higher."""
    if high is None or low is None:
        return low if high is None else high
    if high.is_floating and low.is_complex:
        return c128 if high == f64 else c64
    return promote(high, low) if category(low) > category(high) else high


def floating(dtype: DType) -> DType:
    """`dtype`, or torch's default f32 for integers and bool."""
    return dtype if category(dtype) >= 2 else f32


def accumulation(dtype: DType) -> DType:
    """The dtype to compute in: f32 for 16-bit floats, i64 for bool, else `dtype`."""
    if dtype in (f16, dtypes.bf16):
        return f32
    return i64 if dtype == bool_ else dtype
