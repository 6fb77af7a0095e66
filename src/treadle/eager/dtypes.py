"""Element types as users write them: ``treadle.float32``, and what else names a dtype."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from treadle.errors import InputError
from treadle.ir import dtypes
from treadle.ir.dtypes import DType


class dtype:  # noqa: N801  torch's name, which scripts use in isinstance
    """The element type of a tensor; there is one object for each.

    `numpy` is NumPy's dtype of the same elements, `itemsize` their bytes, `is_signed` whether there
    are negative values.
    """

    __slots__ = (
        "_element", "is_complex", "is_floating_point", "is_signed", "itemsize", "numpy"
    )  # fmt: skip

    def __init__(self, element: DType) -> None:
        self._element = element
        self.is_floating_point = element.is_floating
        self.is_complex = element.is_complex
        self.is_signed = element.kind not in "bu"
        self.itemsize = element.itemsize
        self.numpy: np.dtype[Any] = element.numpy

    def __repr__(self) -> str:
        return f"treadle.{self._element.torch_name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self._element.torch_name,)


DTYPES: dict[str, dtype] = {d.torch_name: dtype(d) for d in dtypes.DTYPES}
_OBJECTS: dict[DType, dtype] = {d._element: d for d in DTYPES.values()}
_ALIASES = {
    "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32",
    "short": "int16", "cfloat": "complex64", "cdouble": "complex128",
}  # fmt: skip
ALIASES: dict[str, dtype] = {alias: DTYPES[name] for alias, name in _ALIASES.items()}
_TYPES: dict[type, dtype] = {
    float: DTYPES["float64"], int: DTYPES["int64"], bool: DTYPES["bool"],
    complex: DTYPES["complex128"],
}  # fmt: skip
"""What Python's types are as dtypes: ``dtype=float``."""
NUMBERS: dict[type, dtype] = _TYPES | {float: DTYPES["float32"], complex: DTYPES["complex64"]}
"""The dtypes of tensors made of Python's numbers."""


def as_element(value: Any) -> DType:
    """The element type that `value` names.

    Args:
        value: a `dtype`, a NumPy dtype or scalar type, one of Python's number types, or a name as
            torch writes it, ``float32`` or ``torch.float32``, also as the object itself.

    Raises:
        InputError: if it names none.
    """
    if isinstance(value, dtype):
        return value._element
    if isinstance(value, type) and value in _TYPES:
        return _TYPES[value]._element
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        found = dtypes.from_numpy(np.dtype(value))
    else:
        name = str(value).rpartition(".")[2]
        found = dtypes.BY_TORCH_NAME.get(_ALIASES.get(name, name))
    if found is None:
        raise InputError(f"{value!r} is not a dtype; there are {', '.join(DTYPES)}")
    return found


def names_dtype(value: Any) -> bool:
    """Whether `value` can be meant as a dtype: numbers cannot."""
    if isinstance(value, str):
        name = value.rpartition(".")[2]
        return name in dtypes.BY_TORCH_NAME or name in _ALIASES
    return isinstance(value, dtype | np.dtype | type) or type(value).__name__ == "dtype"


def as_dtype(value: Any) -> dtype:
    """The user's object for what `value` names; see `as_element`."""
    return _OBJECTS[as_element(value)]


def dtype_of_array(array: np.ndarray[Any, Any]) -> dtype:
    """The dtype of an array.

    Raises:
        InputError: for arrays of a dtype that tensors cannot have.
    """
    found = _BY_ARRAY.get(array.dtype)
    if found is not None:
        return found
    element = dtypes.from_numpy(array.dtype)
    if element is None:
        raise InputError(f"tensors have no dtype {array.dtype}; there are {', '.join(DTYPES)}")
    return _BY_ARRAY.setdefault(array.dtype, _OBJECTS[element])


_BY_ARRAY: dict[Any, dtype] = {}
"""Those that arrays were asked for, by NumPy's."""


@dataclass(frozen=True, slots=True, repr=False)
class FloatLimits:
    """The limits of a type of floating numbers."""

    dtype: dtype
    bits: int
    eps: float
    max: float
    min: float
    tiny: float

    @property
    def smallest_normal(self) -> float:
        """Another name of `tiny`."""
        return self.tiny

    @property
    def resolution(self) -> float:
        """The power of ten that is the last digit of every number near 1."""
        return float(f"1e{math.ceil(math.log10(self.eps))}")

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        limits = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
        return f"finfo({limits}, dtype={self.dtype._element.torch_name})"


@dataclass(frozen=True, slots=True, repr=False)
class IntegerLimits:
    """The limits of a type of integers."""

    dtype: dtype
    bits: int
    max: int
    min: int

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype._element.torch_name})"


def finfo(type: Any = "float32") -> FloatLimits:
    """The limits of a floating dtype.

    Raises:
        InputError: if it is none.
    """
    element = as_element(type)
    if not element.is_floating:
        raise InputError(f"finfo: {element.torch_name} is no floating dtype")
    read: Any = ml_dtypes.finfo
    info = read(element.numpy)
    limits = (float(v) for v in (info.eps, info.max, info.min, info.smallest_normal))
    return FloatLimits(_OBJECTS[element], element.itemsize * 8, *limits)


def iinfo(type: Any) -> IntegerLimits:
    """The limits of an integer dtype.

    Raises:
        InputError: if it is none.
    """
    element = as_element(type)
    if not element.is_integral:
        raise InputError(f"iinfo: {element.torch_name} is no integer dtype")
    info = np.iinfo(element.numpy)
    return IntegerLimits(_OBJECTS[element], int(info.bits), int(info.max), int(info.min))


def get_default_dtype() -> dtype:
    """The dtype of tensors made of Python's floats."""
    return DTYPES["float32"]
