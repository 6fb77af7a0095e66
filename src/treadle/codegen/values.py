"""Values of LLVM IR as text: their types, names and constants."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from treadle.ir.dtypes import DType, bool_, f32

PTR = DType("ptr", "", -1, "p", 8)

_SCALARS = {
    "f32": "float",
    "f16": "float",
    "bf16": "float",
    "f64": "double",
    "bool": "i1",
    "ptr": "ptr",
    "i8": "i8",
    "u8": "i8",
    "i16": "i16",
    "u16": "i16",
    "i32": "i32",
    "u32": "i32",
    "i64": "i64",
    "u64": "i64",
    "i128": "i128",
}


def compute_dtype(dtype: DType) -> DType:
    """The type that values of `dtype` are computed in: f32 for the 16-bit floats."""
    return f32 if dtype.kind == "f" and dtype.itemsize < 4 else dtype


def scalar_type(dtype: DType) -> str:
    """LLVM's name of the type one value of `dtype` is computed in."""
    return _SCALARS[dtype.name]


def vector_type(dtype: DType, lanes: int) -> str:
    """LLVM's name of `lanes` values; one lane is a scalar."""
    scalar = _SCALARS[dtype.name]
    return scalar if lanes == 1 else f"<{lanes} x {scalar}>"


def mangled(dtype: DType, lanes: int) -> str:
    """The suffix of an intrinsic overloaded on this type (``v16f32``)."""
    scalar = {"float": "f32", "double": "f64", "ptr": "p0"}.get(
        _SCALARS[dtype.name], _SCALARS[dtype.name]
    )
    return scalar if lanes == 1 else f"v{lanes}{scalar}"


@dataclass(frozen=True, slots=True)
class Value:
    """An SSA value: `name` is its text, `depth` the scope it belongs to (0: the function)."""

    name: str
    dtype: DType
    lanes: int
    depth: int
    constant: float | int | bool | None = None

    @property
    def type(self) -> str:
        """LLVM's name of the type."""
        return vector_type(self.dtype, self.lanes)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


def literal(dtype: DType, value: float | int | bool) -> str:
    """The text of a constant of `dtype`, exact."""
    if dtype.kind == "f":
        number = float(value)
        if dtype.name != "f64":
            number = _round_f32(number)
        return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
    if dtype is bool_:
        return "true" if value else "false"
    bits = dtype.itemsize * 8
    number_ = int(value) & ((1 << bits) - 1)
    return str(number_ - (1 << bits) if number_ >> (bits - 1) else number_)


def _round_f32(number: float) -> float:
    if math.isnan(number):
        return number
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)
