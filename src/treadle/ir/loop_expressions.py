"""What loop nests compute at one point: scalar expressions, and the sizes that they speak of.

A `Dim` is either a literal (specialised into the code) or `Size(i)`, read from ``sizes[i]`` at run
time, so one kernel serves every shape. Strides and offsets count elements, not bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from treadle.ir.dtypes import DType


@dataclass(frozen=True, slots=True)
class Size:
    """The run-time integer ``sizes[index]``."""

    index: int


Dim: TypeAlias = int | Size


@dataclass(frozen=True, slots=True)
class Const:
    """A literal of `dtype`; also inf, -inf, nan."""

    value: float | int | bool
    dtype: DType


@dataclass(frozen=True, slots=True)
class Index:
    """The current position (i64) on an axis: outer axes first, then those of the stage."""

    axis: int


@dataclass(frozen=True, slots=True)
class Extent:
    """A `Dim` as an i64 value."""

    dim: Dim


@dataclass(frozen=True, slots=True)
class Access:
    """An element of a buffer.

    Its position is ``offset + sum(index(axis) * stride) + sum(value * stride)``: `terms` are the
    affine part (axes that do not occur have stride 0), `indirect` the part computed from data.
    Axes are numbered outer axes first, then the axes of the stage it occurs in.
    """

    buffer: int
    terms: tuple[tuple[int, Dim], ...]
    offset: Dim = 0
    indirect: tuple[tuple[Expr, Dim], ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """The value at `access`, in the buffer's dtype (16-bit floats arrive as f32)."""

    access: Access
    dtype: DType


@dataclass(frozen=True, slots=True)
class Call:
    """A scalar function from `codegen.functions` (``add``, ``exp``, ``select``, ``cast``, ...).

    `dtype` is the type of the result. ``checked_index(i, extent)`` gives ``i`` if
    ``0 <= i < extent``, else writes 1, i, extent to the status buffer and gives 0;
    ``wrapped_index`` first adds the extent to negative values. ``checked_divisor(x)`` gives ``x``;
    if it is 0, 2 is written to the status buffer.
    """

    function: str
    args: tuple[Expr, ...]
    dtype: DType


@dataclass(frozen=True, slots=True)
class Reduced:
    """The result of reduction number `reduction` of an earlier stage, for the same outer point.

    In a store of the same stage: the result so far (see `Stage`).
    """

    stage: int
    reduction: int
    dtype: DType


@dataclass(frozen=True, slots=True)
class Accumulator:
    """In a contraction's epilogue: the finished sum of gate number `gate`."""

    gate: int
    dtype: DType


Expr: TypeAlias = Const | Index | Extent | Load | Call | Reduced | Accumulator
