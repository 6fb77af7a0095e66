"""The dtypes of reductions: of the computation and of the result."""

from __future__ import annotations

from collections.abc import Callable

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType, bool_, f32, f64, i64, u8
from treadle.ops.promotion import accumulation, floating, promote
from treadle.ops.shapes import dtype_from_code

DTypeRule = Callable[[str, DType, "int | None"], tuple[DType, DType]]
"""``rule(name, dtype, code)``, where `code` is that of the dtype asked for."""


def summed(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    """The dtypes of a sum: integers and bool become i64."""
    default = dtype if dtype.is_floating or dtype.is_complex else i64
    final = dtype_from_code(name, code, default)
    return accumulation(final), final


def averaged(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    """The dtypes of a mean: floating only."""
    final = dtype_from_code(name, code, dtype)
    if not (final.is_floating or final.is_complex):
        raise ShapeError(f"{name}: input must be floating, got {final}")
    return accumulation(final), final


def magnitude(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    """The dtypes of a norm: as `averaged`, but of complex numbers those of their parts.

    Raises:
        ShapeError: also if numbers of `dtype` do not fit into what is asked for.
    """
    averaged(name, dtype, None)
    compute, final = averaged(name, dtype, code)
    if final.is_complex != dtype.is_complex or promote(dtype, final) != final:
        raise ShapeError(f"{name}: argument dtype is {final}, which {dtype} does not convert to")
    return compute, {"c64": f32, "c128": f64}.get(final.name, final)


def kept(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    """The dtypes of an extremum: those of the operand."""
    return accumulation(dtype), dtype


def made_floating(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    """The dtypes where integers become f32."""
    final = dtype_from_code(name, code, floating(dtype))
    return accumulation(final), final


def truth(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    """The dtypes of what tells whether: bool, but of u8 u8."""
    return accumulation(dtype), u8 if dtype == u8 else bool_


def position(name: str, dtype: DType, code: int | None) -> tuple[DType, DType]:
    """The dtypes of a result that counts: i64."""
    return accumulation(dtype), i64
