"""What Python values stand for TorchScript's primitive types."""

from __future__ import annotations

from typing import Any

from treadle.ir.types import BOOL, COMPLEX, DEVICE, FLOAT, INT, NONE, NUMBER, STR, Type
from treadle.ops.device import Device

PYTHON_CLASSES: dict[Type, tuple[type, ...]] = {
    BOOL: (bool,), INT: (int,), FLOAT: (float,), COMPLEX: (complex,), STR: (str,),
    NONE: (type(None),), NUMBER: (int, float, complex), DEVICE: (Device,),
}  # fmt: skip
"""The classes of a primitive type's values."""


class TensorKey:
    """A tensor as the key of a dict: known by which one it is, not by its elements."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorKey) and self.tensor is other.tensor

    def __hash__(self) -> int:
        return id(self.tensor)
