"""Element types of tensors: one table with every name and number a dtype goes by."""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np


@dataclass(frozen=True, slots=True)
class DType:
    """An element type.

    `name` is the IR's spelling (``f32``), `torch_name` PyTorch's (``float32``), `code` the number
    TorchScript uses for it (FORMATS section 1.5), `kind` one of ``b i u f c`` as in NumPy.
    """

    name: str
    torch_name: str
    code: int
    kind: str
    itemsize: int

    def __str__(self) -> str:
        return self.name

    @property
    def numpy(self) -> np.dtype:
        """The NumPy dtype of an array of these."""
        return _NUMPY[self.name]

    @property
    def is_floating(self) -> bool:
        """Whether it is a real floating-point type."""
        return self.kind == "f"

    @property
    def is_complex(self) -> bool:
        """Whether it is a complex type."""
        return self.kind == "c"

    @property
    def is_integral(self) -> bool:
        """Whether it is an integer type; bool does not count."""
        return self.kind in "iu"


u8 = DType("u8", "uint8", 0, "u", 1)
i8 = DType("i8", "int8", 1, "i", 1)
i16 = DType("i16", "int16", 2, "i", 2)
i32 = DType("i32", "int32", 3, "i", 4)
i64 = DType("i64", "int64", 4, "i", 8)
f16 = DType("f16", "float16", 5, "f", 2)
f32 = DType("f32", "float32", 6, "f", 4)
f64 = DType("f64", "float64", 7, "f", 8)
c64 = DType("c64", "complex64", 9, "c", 8)
c128 = DType("c128", "complex128", 10, "c", 16)
bool_ = DType("bool", "bool", 11, "b", 1)
bf16 = DType("bf16", "bfloat16", 15, "f", 2)
f8e5m2 = DType("f8e5m2", "float8_e5m2", 23, "f", 1)
f8e4m3fn = DType("f8e4m3fn", "float8_e4m3fn", 24, "f", 1)
u16 = DType("u16", "uint16", 27, "u", 2)
u32 = DType("u32", "uint32", 28, "u", 4)
u64 = DType("u64", "uint64", 29, "u", 8)

DTYPES: tuple[DType, ...] = (
    u8, i8, i16, i32, i64, f16, f32, f64, c64, c128, bool_, bf16, f8e5m2, f8e4m3fn, u16, u32, u64,
)  # fmt: skip

_EXTENDED = {
    "bf16": ml_dtypes.bfloat16,
    "f8e5m2": ml_dtypes.float8_e5m2,
    "f8e4m3fn": ml_dtypes.float8_e4m3fn,
}
_NUMPY: dict[str, np.dtype] = {
    d.name: np.dtype(_EXTENDED.get(d.name, d.torch_name)) for d in DTYPES
}
BY_NAME: dict[str, DType] = {d.name: d for d in DTYPES}
BY_CODE: dict[int, DType] = {d.code: d for d in DTYPES}
BY_TORCH_NAME: dict[str, DType] = {d.torch_name: d for d in DTYPES}
_BY_NUMPY: dict[np.dtype, DType] = {_NUMPY[d.name]: d for d in DTYPES}


def from_numpy(dtype: np.dtype) -> DType | None:
    """The element type of arrays of `dtype`, or None if Treadle has none for it."""
    return _BY_NUMPY.get(dtype)
