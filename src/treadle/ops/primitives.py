"""What Python values stand for TorchScript's primitive types."""

from __future__ import annotations

from treadle.ir.types import BOOL, COMPLEX, DEVICE, FLOAT, INT, NONE, NUMBER, STR, Type
from treadle.ops.device import Device

PYTHON_CLASSES: dict[Type, tuple[type, ...]] = {
    BOOL: (bool,), INT: (int,), FLOAT: (float,), COMPLEX: (complex,), STR: (str,),
    NONE: (type(None),), NUMBER: (int, float, complex), DEVICE: (Device,),
}  # fmt: skip
"""The classes of a primitive type's values."""
